"""A server of the page in a process of its own, and a client that speaks to it as a browser does."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).parents[2]
LONG = 180  # seconds within which anything here is done, on a busy machine


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a user, with the compiled programs of earlier tests."""
    ours = {"XLA_FLAGS", "JAX_NUMPY_DTYPE_PROMOTION", "JAX_NUMPY_RANK_PROMOTION"}  # of tests/conftest.py
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return kept | {"COLORJAX_CACHE": str(ROOT / ".cache" / "page"), "PYTHONPATH": str(ROOT)} | changes


def launch(*words) -> None:
    """Run a command as a user does."""
    command = [sys.executable, "launch.py", *map(str, words)]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True, timeout=LONG)


class Server:
    """The process, and its address."""

    def __init__(self, process: subprocess.Popen, address: str):
        """Hold a process that listens."""
        self.process, self.address = process, address

    def children(self) -> list[int]:
        """Return the numbers of its child processes that work on pictures, the oldest first."""
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=", "-o", "args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(line.split()[0]) for line in listed.stdout.splitlines() if "spawn_main" in line]


@contextlib.contextmanager
def running(folder: Path, *words: str, script: str = "") -> Iterator[Server]:
    """Yield a server whose temporary files are in `folder`.

    Args:
      folder: for the temporary folder.
      words: of the command line.
      script: Python that calls `serve` by itself, for other limits; '' for the command.
    """
    start = ["-c", script] if script else ["launch.py", "serve", "--port=0", *words]
    process = subprocess.Popen(
        [sys.executable, *start],
        cwd=ROOT,
        env=environment(TMPDIR=str(folder)),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        line = process.stdout.readline()
        assert (found := re.search(r"http://\S+", line)), line
        yield Server(process, found[0])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Client:
    """A browser without a screen: it keeps its cookie and sends the Origin."""

    def __init__(self, address: str, cookie: str | None = None):
        """Open the page; with a cookie, as another window of the same browser."""
        self.at = urlsplit(address)
        self.cookie = cookie or ""
        status, headers, _ = self.ask("GET", f"/?{self.at.query}" if self.at.query else "/")
        assert status in (200, 303)
        if not cookie:
            self.cookie = headers["Set-Cookie"].split(";")[0]

    def ask(self, method: str, path: str, body: bytes | None = None, **changes: str | None):
        """Return status, headers and body of an answer; `changes` of headers, None to leave one out."""
        sent = {"Host": self.at.netloc, "Cookie": self.cookie}
        if method != "GET":
            sent["Origin"] = f"http://{self.at.netloc}"
        sent |= {key.replace("_", "-"): value for key, value in changes.items()}
        connection = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=LONG)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for key, value in sent.items():
                if value is not None:
                    connection.putheader(key, value)
            if body is not None and "Content_Length" not in changes:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, content=None):
        """Return the JSON of an answer, which must be no refusal."""
        body = None if content is None else json.dumps(content).encode()
        status, _, answer = self.ask(method, path, body)
        assert status < 300, answer
        return json.loads(answer)

    def upload(self, name: str, data: bytes, reference: str = "") -> str:
        """Return the id of an upload; `reference` as in `page.app`."""
        path = f"/api/pictures?name={quote(name)}&reference={reference}"
        status, _, answer = self.ask("POST", path, data)
        assert status == 201, answer
        return json.loads(answer)["id"]

    def picture(self, name: str) -> dict:
        """Return what the page says of a picture."""
        return next(picture for picture in self.json("GET", "/api/album")["pictures"] if picture["id"] == name)

    def until(self, name: str, condition) -> dict:
        """Return what the page says of a picture once a condition of it holds."""
        end, version = time.monotonic() + LONG, 0
        while time.monotonic() < end:
            album = self.json("GET", f"/api/album?since={version}")
            version = album["version"]
            picture = next(picture for picture in album["pictures"] if picture["id"] == name)
            if condition(picture):
                return picture
        raise AssertionError(f"not within {LONG} s: {picture}")

    def until_gone(self, name: str) -> None:
        """Wait until the page does not have a picture any more."""
        end, version = time.monotonic() + LONG, 0
        while time.monotonic() < end:
            album = self.json("GET", f"/api/album?since={version}")
            version = album["version"]
            if name not in [picture["id"] for picture in album["pictures"]]:
                return
        raise AssertionError(f"still there after {LONG} s")

    def read(self, name: str) -> dict:
        """Return what the page says of a picture once it is read, or has failed."""
        return self.until(name, lambda picture: picture["state"] != "reading")

    def change(self, name: str, **parts) -> None:
        """Change parts of a recipe."""
        self.json("POST", f"/api/pictures/{name}/recipe", self.picture(name)["recipe"] | parts)

    def result(self, name: str) -> bytes:
        """Return the finished file."""
        self.json("POST", f"/api/pictures/{name}/result", {})
        picture = self.until(name, lambda picture: picture["saved"] or picture["error"])
        assert picture["saved"], picture["error"]
        status, _, data = self.ask("GET", f"/api/pictures/{name}/result")
        assert status == 200
        return data
