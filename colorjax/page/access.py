"""Whose pictures a request is about: every address asks here first."""

import json
from typing import Any

from starlette.requests import Request

from colorjax.errors import ColorjaxError, UserError
from colorjax.page.album import READY, Picture, Session
from colorjax.page.studio import Studio


class NotFoundError(ColorjaxError):
    """There is no such thing for this browser."""


class NoSessionError(Exception):
    """The browser has no session here, as after a restart of the server."""


class Access:
    """Finds what requests name, for the browser that sends them."""

    def __init__(self, studio: Studio, cookie: str):
        """Look in the sessions of `studio`; `cookie` is the name of the session's cookie."""
        self.studio, self.cookie = studio, cookie

    def session(self, request: Request) -> Session:
        """Return the session of a request."""
        session = self.studio.sessions.get(request.cookies.get(self.cookie, ""))
        if session is None:
            raise NoSessionError
        return session

    def picture(self, request: Request) -> Picture:
        """Return the picture that an address names."""
        picture = self.session(request).pictures.get(request.path_params["id"])
        if picture is None:
            raise NotFoundError("this picture is not here any more")
        return picture

    def ready(self, request: Request) -> Picture:
        """Return it, if it has been read."""
        picture = self.picture(request)
        if picture.state != READY:
            raise NotFoundError(f"{picture.name}: it is not read yet")
        return picture

    async def json(self, request: Request) -> Any:
        """Return what a request says as JSON."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.studio.limits.body:
                raise UserError(f"more than {self.studio.limits.body / 1e6:g} MB of settings")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise UserError("the settings are no JSON") from None
