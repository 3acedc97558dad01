"""The addresses of the page. Answers are JSON unless said otherwise; a refusal is {"error": one line}.

GET    /                                  the page; begins a session (a cookie)
GET    /runs                              the page of the runs
GET    /static/FILE                       its modules and its style
GET    /api/limits                        what the page takes: bytes of a file, pictures, suffixes of files in folders
GET    /api/album?since=VERSION           the pictures, as soon as something is newer than VERSION
POST   /api/pictures?name=&reference=     an upload, the file itself as the body; reference=1 if it lends its colors,
                                          reference=folder if it is one of those in which references are found
DELETE /api/pictures/ID
POST   /api/pictures/ID/recipe            what is asked for

What is shown of a picture is in `previews`, finished files are in `results`, runs in `runs`.
"""

import asyncio
from importlib import resources

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from colorjax.errors import ColorjaxError, UserError
from colorjax.page.access import Access, NoSessionError, NotFoundError
from colorjax.page.guard import Guard
from colorjax.page.previews import Previews
from colorjax.page.recipe import parse_recipe
from colorjax.page.results import Results
from colorjax.page.security import Gate
from colorjax.page.store import safe_name
from colorjax.page.studio import NOW, BusyError, Studio
from colorjax.page.worker import NotWantedError, WorkerDiedError
from colorjax.pictures.find import PICTURE_SUFFIXES

_POLL_SECONDS = 20.0
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Page:
    """The handlers of a server's addresses."""

    def __init__(self, studio: Studio, gate: Gate, cookie: str, runs: str = ""):
        """Make the handlers.

        Args:
          studio: where the work is done.
          gate: who is let in.
          cookie: name of the session's cookie.
          runs: folder of the runs to show; '' for none.
        """
        self.studio, self.gate, self.cookie, self.runs = studio, gate, cookie, runs
        self.access = Access(studio, cookie)
        folder = resources.files("colorjax.page").joinpath("static")
        self._static = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}

    def routes(self) -> list[Route]:
        """Return the addresses."""
        one = "/api/pictures/{id}"
        return [
            Route("/", self.index),
            Route("/runs", self.runs_page),
            Route("/static/{name}", self.static),
            Route("/api/limits", self.limits),
            Route("/api/album", self.album),
            Route("/api/pictures", self.upload, methods=["POST"]),
            Route(one, self.remove, methods=["DELETE"]),
            Route(f"{one}/recipe", self.change, methods=["POST"]),
            *Results(self.studio, self.access).routes(),
            *Previews(self.studio, self.access).routes(),
            *(self._run_routes() if self.runs else ()),
        ]

    def _run_routes(self) -> list[Route]:
        from colorjax.page.runs import run_routes  # here: it brings in what draws charts

        return run_routes(self.runs, self.access.session)

    async def index(self, request: Request) -> Response:
        """Answer with the page; the first time with a cookie."""
        key = request.cookies.get(self.cookie, "")
        if key not in self.studio.sessions:
            if self.gate.token:
                if not self.gate.accepts(request.query_params.get("token", "")):
                    line = "This page needs its token: open the whole address that the terminal shows.\n"
                    return PlainTextResponse(line, 401)
                answer: Response = RedirectResponse("/", 303)
            else:
                answer = self._file("index.html")
            key = self.studio.new_session()
            answer.set_cookie(self.cookie, key, httponly=True, samesite="lax", path="/")
            return answer
        if "token" in request.query_params:
            return RedirectResponse("/", 303)
        return self._file("index.html")

    async def runs_page(self, request: Request) -> Response:
        """Answer with the page of the runs."""
        if not self.runs:
            raise NotFoundError("this server shows no runs; start it with --runs=DIR")
        return self._file("runs.html")

    async def static(self, request: Request) -> Response:
        """Answer with a module or the style."""
        name = request.path_params["name"]
        if name not in self._static:
            raise NotFoundError("there is no such file")
        return self._file(name)

    def _file(self, name: str) -> Response:
        suffix = name[name.rfind(".") :]
        return Response(self._static[name], media_type=_TYPES.get(suffix, "application/octet-stream"))

    async def limits(self, request: Request) -> Response:
        """Answer with what the page takes."""
        self.access.session(request)
        upload, pictures = self.studio.limits.upload, self.studio.limits.pictures
        return JSONResponse({"upload": upload, "pictures": pictures, "suffixes": sorted(PICTURE_SUFFIXES)})

    async def album(self, request: Request) -> Response:
        """Answer when something has changed."""
        session = self.access.session(request)
        since = request.query_params.get("since", "0")
        was_unseen = session.unseen() >= self.studio.limits.unwatched
        waiting = asyncio.ensure_future(session.wait(int(since) if since.isdigit() else 0, _POLL_SECONDS))
        if was_unseen:
            self.studio.wake()
        try:
            while not waiting.done():  # so that a window that is closed does not count as open
                await asyncio.wait([waiting], timeout=1.0)
                if not waiting.done() and await request.is_disconnected():
                    break
        finally:
            waiting.cancel()
        # In order of their turns; what runs is first.
        queue = [picture.id for _, picture in self.studio.queue()]
        running = any(picture.work for _, picture in self.studio.pictures())
        shown = [
            picture.shown(queue.index(picture.id) + running if picture.id in queue else 0)
            for picture in session.pictures.values()
        ]
        return JSONResponse(
            {
                "version": session.version,
                "pictures": shown,
                "runs": bool(self.runs),
                "references": bool(self.studio.references),
            }
        )

    async def upload(self, request: Request) -> Response:
        """Take a file; it is read afterwards."""
        session, limits = self.access.session(request), self.studio.limits
        name = safe_name(request.query_params.get("name", "picture"))
        length = request.headers.get("content-length", "")
        if not length.isdigit():
            raise UserError("an upload needs the header Content-Length")
        if int(length) > limits.upload:
            raise UserError(f"{name}: {int(length) / 1e6:,.1f} MB; a file may have {limits.upload / 1e6:,.1f} MB")
        self.studio.require_room(int(length))
        reference = request.query_params.get("reference")
        picture = session.add(
            name, self.studio.store.new_folder(), reference in ("1", "folder"), in_folder=reference == "folder"
        )
        received = 0
        self.studio.incoming += int(length)
        try:
            with open(picture.folder / "original", "wb") as file:
                async for chunk in request.stream():
                    received += len(chunk)
                    if received > int(length):
                        raise UserError(f"{name}: longer than announced")
                    file.write(chunk)
            if received < int(length):
                raise UserError(f"{name}: shorter than announced")
        except (UserError, ClientDisconnect, OSError) as error:
            session.remove(picture)
            if isinstance(error, OSError):
                raise BusyError("busy: there is no room for this picture; remove some, or try again later") from None
            raise
        finally:
            self.studio.incoming -= int(length)
        self.studio.read(session, picture)
        return JSONResponse({"id": picture.id, "version": session.version}, 201)

    async def remove(self, request: Request) -> Response:
        """Remove a picture."""
        session = self.access.session(request)
        session.remove(self.access.picture(request))
        self.studio.wake()
        return JSONResponse({})

    async def change(self, request: Request) -> Response:
        """Take another recipe."""
        session, picture = self.access.session(request), self.access.ready(request)
        recipe = parse_recipe(await self.access.json(request))
        async with picture.changing:
            if recipe.reference and (
                recipe.reference not in session.pictures or not session.pictures[recipe.reference].is_reference
            ):
                raise UserError("there is no such reference any more")
            if recipe.hints is not None and recipe.hints != picture.recipe.hints:
                size = {"height": picture.info["height"], "width": picture.info["width"]}
                await self.studio.quick.call("check_hints", priority=NOW, hints=recipe.hints, **size)
            picture.change(recipe)
        session.changed()
        self.studio.wake()
        return JSONResponse({"revision": picture.revision, "version": session.version})


def build(studio: Studio, gate: Gate, cookie: str, runs: str = "") -> Guard:
    """Return the application of a server; the arguments are those of `Page`."""
    handlers = {
        ColorjaxError: _refused,
        NoSessionError: _no_session,
        NotWantedError: _gone,
        ClientDisconnect: _gone,
        404: _not_found,
        405: _not_found,
        Exception: _fault,
    }
    app = Starlette(routes=Page(studio, gate, cookie, runs).routes(), exception_handlers=handlers)
    return Guard(app, gate)


def _refused(request: Request, error: Exception) -> Response:
    status = {BusyError: 503, NotFoundError: 404, WorkerDiedError: 500, UserError: 400}.get(type(error), 500)
    return JSONResponse({"error": str(error)}, status)


def _no_session(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the page was begun anew; load it again"}, 401)


def _gone(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "nobody waits for this any more"}, 409)


def _not_found(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "there is nothing at this address"}, 404)


def _fault(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "a fault of colorjax; the terminal shows more"}, 500)
