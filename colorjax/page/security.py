"""Who may talk to the server, and what a browser may do with its answers.

The page is for the browser on this machine, or for those who have its token. Another site must not read pictures or
start work through the person's browser: not by a link, a form or a script (Origin), and not by a name of its own that
it lets point to this machine (Host; "DNS rebinding").
"""

import hmac
import ipaddress
import socket
from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")

#: Headers of every answer. Scripts, styles and pictures come from this server alone, and nothing is inline.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}

#: The policy of a report page that another command wrote: a single file with its own style, and no script.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


class Gate:
    """Decides on requests by their headers.

    Args:
      host: that the server listens on.
      port: that the server listens on.
      token: that a browser must have shown once; '' for none, on loopback.
    """

    def __init__(self, host: str, port: int, token: str):
        self.host, self.token = host, token
        self._port = port
        self._any_address = host in ("0.0.0.0", "::")
        self._names = {host.lower(), *LOOPBACK}
        if self._any_address:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    def refusal(self, method: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return status and line of a refusal, or None if the request may pass. Names of headers are in lower case."""
        host = headers.get("host", "")
        if not self.is_own(host):
            return 421, "this address is not that of the page; open the one that the terminal shows"
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return 403, "another site may not use this page"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not (
            method == "GET"
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        ):
            return 403, "another site may not use this page"
        if method not in ("GET", "HEAD") and origin is None:
            return 403, "a request that changes something needs the header Origin"
        return None

    def is_own(self, host: str) -> bool:
        """Return whether the header Host names this server."""
        name, port = _split(host)
        if port != self._port:
            return False
        return name in self._names or (self._any_address and _is_address(name))

    def accepts(self, token: str) -> bool:
        """Return whether it is the token, in constant time."""
        return hmac.compare_digest(token.encode(), self.token.encode())


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server on `host`."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _split(host: str) -> tuple[str, int]:
    name, colon, port = host.rpartition(":")
    if not colon or name.endswith(":") or (host.startswith("[") and host.endswith("]")):
        name, port = host, "80"
    name = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    return name.lower(), int(port) if port.isascii() and port.isdigit() else -1


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
