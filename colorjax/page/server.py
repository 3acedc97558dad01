"""Run the page until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import secrets
import signal
import socket

import uvicorn

from colorjax.errors import UserError
from colorjax.page.app import build
from colorjax.page.limits import Limits
from colorjax.page.security import Gate, is_loopback
from colorjax.page.store import Store
from colorjax.page.studio import Studio

_GRACE_SECONDS = 1  # for answers on their way when the server ends


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would end the process before the folder is removed."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


def serve(host: str, port: int, runs: str = "", references: str = "", limits: Limits | None = None) -> None:
    """Serve the page; print its address.

    Args:
      host: to listen on. Any other than loopback gets a token.
      port: to listen on; 0 for a free one.
      runs: folder of the runs to show; '' for none.
      references: folder of color photographs to find references in; '' for none.
      limits: what is taken; None for the usual ones.

    Raises:
      UserError: the address can't be used.
      KeyboardInterrupt: Ctrl-C, after all is tidied up.
    """
    listening = _listening(host, port)
    port = listening.getsockname()[1]
    token = "" if is_loopback(host) else secrets.token_urlsafe(24)
    store = Store()
    try:
        studio = Studio(store, limits or Limits(), references)
        stopped_by = asyncio.run(_run(studio, Gate(host, port, token), listening, runs))
    finally:
        listening.close()
        store.close()
    if stopped_by == signal.SIGINT:
        raise KeyboardInterrupt


def address(host: str, port: int, token: str) -> str:
    """Return the address to open."""
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


async def _run(studio: Studio, gate: Gate, listening: socket.socket, runs: str) -> int:
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        build(studio, gate, f"colorjax_{port}", runs),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws="none",
        proxy_headers=False,
    )
    server, stopped_by = _Server(config), 0

    def stop(number: int) -> None:
        nonlocal stopped_by
        stopped_by, server.should_exit = number, True
        for session in studio.sessions.values():
            session.changed()  # answers those who wait for news

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    studio.start()
    print(f"serve: open {address(gate.host, port, gate.token)}", flush=True)
    print("serve: Ctrl-C ends it; pictures stay on this machine, and are removed then", flush=True)
    try:
        await server.serve([listening])
    finally:
        studio.close()
    return stopped_by


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen(128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        what = "use another --host" if isinstance(error, socket.gaierror) else "use another --port, or stop what has it"
        raise UserError(f"--host={host} --port={port}: {reason}; {what}") from None
    return listening
