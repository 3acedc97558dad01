"""The page under load: clients that upload, paint hints, look and save at once, for a while.

    .venv/bin/python benchmarks/page_load.py [--clients=20] [--seconds=60]

Each client is a browser of its own with the same photograph of 512x384 pixels, which it colors by hints that only it
has, saves and removes, again and again. Prints how many were done, how long a person waited, what went wrong (nothing
may), and the memory of the server with its children. Needs requirements-page.txt; Linux, for the memory.
"""

import argparse
import http.client
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from skimage import data

ROOT = Path(__file__).parents[1]
HEIGHT, WIDTH = 384, 512


class Client(threading.Thread):
    """A person who restores one photograph after another until the time is up."""

    def __init__(self, number: int, address: str, photograph: bytes, end: float):
        super().__init__(daemon=True)
        self.random, self.at, self.photograph, self.end = random.Random(number), urlsplit(address), photograph, end
        self.done, self.wrong, self.waits, self.cookie = 0, [], {}, ""

    def run(self):
        """Restore until the time is up."""
        _, headers, _ = self.ask("GET", "/")
        self.cookie = headers["Set-Cookie"].split(";")[0]
        while time.monotonic() < self.end:
            try:
                self.one()
                self.done += 1
            except Exception as error:  # all of them are counted
                self.wrong.append(f"{type(error).__name__}: {error}")

    def one(self):
        """Upload, paint three times, save, check, remove."""
        began = time.monotonic()
        name = json.loads(self.ask("POST", "/api/pictures?name=load.png", self.photograph)[2])["id"]
        path = f"/api/pictures/{name}"
        picture = self.until(name, lambda picture: picture["state"] == "ready")
        self.waited("read", began)
        for _ in range(3):
            began = time.monotonic()
            recipe = picture["recipe"] | {"task": "colorize", "hints": self.hints()}
            revision = json.loads(self.ask("POST", f"{path}/recipe", json.dumps(recipe).encode())[2])["revision"]
            tile = self.ask("GET", f"{path}/after/0/0/0?rev={revision}")[2]
            if np.asarray(Image.open(io.BytesIO(tile))).shape != (HEIGHT, WIDTH, 3):
                raise ValueError("a tile of another size")
            self.waited("a hint's tile", began)
            time.sleep(self.random.uniform(0.2, 1.0))  # a person looks
        began = time.monotonic()
        self.ask("POST", f"{path}/result", b"{}")
        self.until(name, lambda picture: picture["saved"])
        result = np.asarray(Image.open(io.BytesIO(self.ask("GET", f"{path}/result")[2])), int)
        self.waited("the finished file", began)
        shown = np.asarray(Image.open(io.BytesIO(tile)), int)
        if np.abs(result - shown).mean() > 2:  # another client's hints would give other colors
            raise ValueError("the file is not what was shown")
        self.ask("DELETE", path)

    def hints(self):
        """Return three points of any color anywhere."""
        points = [
            {
                "color": f"#{self.random.randrange(1 << 24):06x}",
                "size": 24,
                "x": self.random.randrange(WIDTH),
                "y": self.random.randrange(HEIGHT),
            }
            for _ in range(3)
        ]
        return {"format": "colorjax hints", "version": 1, "width": WIDTH, "height": HEIGHT, "points": points}

    def until(self, name, condition):
        """Return what the page says of a picture once a condition of it holds."""
        version = 0
        while True:
            album = json.loads(self.ask("GET", f"/api/album?since={version}")[2])
            version = album["version"]
            picture = next(picture for picture in album["pictures"] if picture["id"] == name)
            if picture["error"]:
                raise ValueError(picture["error"])
            if condition(picture):
                return picture

    def waited(self, what, began):
        """Note how long something took."""
        self.waits.setdefault(what, []).append(time.monotonic() - began)

    def ask(self, method, path, body=None):
        """Return status, headers and body of an answer that is no refusal."""
        connection = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=120)
        headers = {"Cookie": self.cookie, "Origin": f"http://{self.at.netloc}"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 400:
            raise ValueError(f"{answer.status} {content[:200]}")
        return answer.status, answer.headers, content


def memory(process: int) -> dict[str, float]:
    """Return the memory in MB of a server, 'server', and of its children, 'children'."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    children = [int(line) for line in listed.stdout.split()]

    def resident(number):
        try:
            return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{number}/status").read_text())[1]) / 1e3
        except (OSError, TypeError):
            return 0.0

    return {"server": resident(process), "children": sum(map(resident, children))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    file = io.BytesIO()
    Image.fromarray(data.camera()[:HEIGHT, :WIDTH]).save(file, "PNG")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TMPDIR": folder}
        command = [sys.executable, "launch.py", "serve", "--port=0"]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            Client(-1, address, file.getvalue(), 0).run()  # makes nothing, but waits until it answers
            warm = Client(-2, address, file.getvalue(), time.monotonic() + 1)
            warm.run()
            begun = time.monotonic()
            clients = [
                Client(number, address, file.getvalue(), begun + arguments.seconds)
                for number in range(arguments.clients)
            ]
            for client in clients:
                client.start()
            most = Counter()
            while any(client.is_alive() for client in clients):
                time.sleep(0.5)
                for key, value in memory(server.pid).items():
                    most[key] = max(most[key], value)
            took = time.monotonic() - begun
            left = [path for path in Path(folder).glob("colorjax-page-*/*") if path.is_dir()]
        finally:
            server.terminate()
            server.wait()
        remains = list(Path(folder).iterdir())
    wrong = Counter(line for client in [warm, *clients] for line in client.wrong)
    print(f"{arguments.clients} clients, {took:.0f} s: {sum(client.done for client in clients)} photographs restored")
    for what in ("read", "a hint's tile", "the finished file"):
        waits = np.array([wait for client in clients for wait in client.waits.get(what, [])])
        if waits.size:
            middle, late = np.percentile(waits, [50, 95])
            print(f"  {what}: {waits.size} times, median {middle:.2f} s, 95% within {late:.2f} s")
    print(f"  alone: {', '.join(f'{what} {min(waits):.2f} s' for what, waits in warm.waits.items())}")
    print(f"  most memory: server {most['server']:.0f} MB, children {most['children']:.0f} MB")
    print(f"  wrong: {dict(wrong) or 'nothing'}; folders left: {len(left)}; after the end: {len(remains)}")
    sys.exit(1 if wrong or left or remains else 0)


if __name__ == "__main__":
    main()
