"""The outermost layer of the server: every request goes through it, and every answer."""

from starlette.responses import JSONResponse

from colorjax.page.security import HEADERS, Gate


class Guard:
    """Refuses requests that may not pass, and adds the headers of every answer."""

    def __init__(self, app, gate: Gate):
        """Guard an application."""
        self.app, self.gate = app, gate

    async def __call__(self, scope, receive, send):
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        app = self.app
        if refusal := self.gate.refusal(scope["method"], headers):
            app = JSONResponse({"error": refusal[1]}, refusal[0])

        async def send_with_headers(message):
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in own)]
            await send(message)

        await app(scope, receive, send_with_headers)
