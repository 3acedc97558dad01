"""The addresses of the page. Answers are JSON unless said otherwise; a refusal is {"error": one line}.

GET    /                                  the page; begins a session (a cookie)
GET    /runs                              the page of the runs; its addresses are in `page.runs`
GET    /static/FILE                       its modules and its style
GET    /api/limits                        what the page takes: bytes of a file, pictures, suffixes of files in folders
GET    /api/album?since=VERSION           the pictures, as soon as something is newer than VERSION
POST   /api/pictures?name=&reference=     an upload, the file itself as the body; reference=1 if it lends its colors,
                                          reference=folder if it is one of those in which references are found
DELETE /api/references                    removes those of that folder
DELETE /api/pictures/ID
POST   /api/pictures/ID/recipe            what is asked for
POST   /api/pictures/ID/result            asks for the finished file; DELETE withdraws that
GET    /api/pictures/ID/result            the finished file
GET    /api/pictures/ID/thumbnail         JPEG
GET    /api/pictures/ID/before/L/X/Y      a tile of level L as the picture was; BMP for level 0, else JPEG
GET    /api/pictures/ID/after/L/X/Y       the same, as it will be; ?strength=&vividness= instead of the recipe's own
POST   /api/pictures/ID/references        finds references in the server's folder; ?own=1 among those of the browser's
GET    /api/pictures/ID/colors?x=&y=      likely colors for a spot
POST   /api/results                       asks for the finished files of all pictures
GET    /api/results                       those that are finished, as a zip file
"""

import asyncio
import json
from importlib import resources
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from colorjax.errors import ColorjaxError, UserError
from colorjax.page.album import FAILED, READY, Picture, Session
from colorjax.page.guard import Guard
from colorjax.page.recipe import parse_recipe, parse_share
from colorjax.page.results_zip import write_zip
from colorjax.page.security import Gate
from colorjax.page.store import safe_name
from colorjax.page.studio import NOW, SOON, BusyError, Studio
from colorjax.page.worker import NotWantedError, WorkerDiedError
from colorjax.pictures.find import PICTURE_SUFFIXES

_POLL_SECONDS = 20.0
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class NotFoundError(ColorjaxError):
    """There is no such thing for this browser."""


class NoSessionError(Exception):
    """The browser has no session here, as after a restart of the server."""


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
            Route(f"{one}/result", self.ask, methods=["POST", "DELETE"]),
            Route(f"{one}/result", self.result, methods=["GET"]),
            Route(f"{one}/thumbnail", self.thumbnail),
            Route(f"{one}/before/{{level:int}}/{{x:int}}/{{y:int}}", self.before),
            Route(f"{one}/after/{{level:int}}/{{x:int}}/{{y:int}}", self.after),
            Route(f"{one}/colors", self.colors),
            Route(f"{one}/references", self.references, methods=["POST"]),
            Route("/api/references", self.remove_references, methods=["DELETE"]),
            Route("/api/results", self.ask_for_all, methods=["POST"]),
            Route("/api/results", self.zip, methods=["GET"]),
            *(self._run_routes() if self.runs else ()),
        ]

    def _run_routes(self) -> list[Route]:
        from colorjax.page.runs import run_routes  # here: it brings in what draws charts

        return run_routes(self.runs, self._session)

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
        self._session(request)
        upload, pictures = self.studio.limits.upload, self.studio.limits.pictures
        return JSONResponse({"upload": upload, "pictures": pictures, "suffixes": sorted(PICTURE_SUFFIXES)})

    async def album(self, request: Request) -> Response:
        """Answer when something has changed."""
        session = self._session(request)
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
        session, limits = self._session(request), self.studio.limits
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
        return JSONResponse({"id": picture.id}, 201)

    async def remove(self, request: Request) -> Response:
        """Remove a picture."""
        session = self._session(request)
        session.remove(self._picture(request))
        self.studio.wake()
        return JSONResponse({})

    async def change(self, request: Request) -> Response:
        """Take another recipe."""
        session, picture = self._session(request), self._ready(request)
        recipe = parse_recipe(await self._json(request))
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

    async def ask(self, request: Request) -> Response:
        """Ask for the finished file, or withdraw that."""
        session, picture = self._session(request), self._ready(request)
        self._want(picture, request.method == "POST")
        session.changed()
        self.studio.wake()
        return JSONResponse({"version": session.version})

    async def ask_for_all(self, request: Request) -> Response:
        """Ask for all finished files, also of pictures that are still being read."""
        session = self._session(request)
        for picture in session.pictures.values():
            if picture.state != FAILED and not picture.is_reference:
                self._want(picture, True)
        session.changed()
        self.studio.wake()
        return JSONResponse({"version": session.version})

    def _want(self, picture: Picture, wanted: bool) -> None:
        picture.wants_result = wanted
        if wanted:
            picture.error, picture.attempts = "", 0

    async def result(self, request: Request) -> Response:
        """Answer with the finished file."""
        picture = self._ready(request)
        if not picture.has_result():
            raise NotFoundError(f"{picture.name}: it is not finished")
        return FileResponse(picture.folder / picture.result["file"], headers=_attachment(picture.result["name"]))

    async def zip(self, request: Request) -> Response:
        """Answer with all finished files."""
        session = self._session(request)
        pictures = [picture for picture in session.pictures.values() if not picture.is_reference]
        done = [
            (picture.folder / picture.result["file"], picture.result["name"])
            for picture in pictures
            if picture.has_result()
        ]
        failed = [picture.error for picture in pictures if picture.error]
        if not done:
            raise NotFoundError("nothing is finished yet")
        self.studio.require_room(sum(path.stat().st_size for path, _ in done))
        folder = self.studio.store.new_folder()
        path, remove = await asyncio.to_thread(write_zip, folder, done, failed)
        return FileResponse(path, headers=_attachment("restored.zip"), media_type="application/zip", background=remove)

    async def thumbnail(self, request: Request) -> Response:
        """Answer with the thumbnail."""
        return FileResponse(self._ready(request).folder / "thumbnail.jpg", media_type="image/jpeg")

    async def before(self, request: Request) -> Response:
        """Answer with a tile of the picture as it was."""
        return await self._tile(request, {"recipe": None})

    async def after(self, request: Request) -> Response:
        """Answer with a tile of the picture as it will be."""
        session, picture = self._session(request), self._ready(request)
        recipe, asked = picture.recipe, request.query_params
        for key in ("strength", "vividness"):
            if key in asked:
                recipe = recipe._replace(**{key: parse_share(key, asked[key])})
        reference = session.pictures.get(asked.get("reference", recipe.reference))
        if reference is not None and reference.state != READY:
            reference = None
        arguments = {
            "recipe": recipe,
            "revision": picture.revision,
            "denoised": picture.available if picture.recipe.denoises else "",
            "reference": str(reference.folder) if reference else "",
        }
        return await self._tile(request, arguments)

    async def _tile(self, request: Request, arguments: dict) -> Response:
        picture = self._ready(request)

        async def wanted() -> bool:
            return not await request.is_disconnected()

        place = {key: request.path_params[key] for key in ("level", "x", "y")}
        data = await self.studio.quick.call(
            "tile",
            priority=SOON,
            wanted=wanted,
            folder=str(picture.folder),
            height=picture.info["height"],
            width=picture.info["width"],
            **place,
            **arguments,
        )
        return Response(data, media_type="image/bmp" if place["level"] == 0 else "image/jpeg")

    async def colors(self, request: Request) -> Response:
        """Answer with the likely colors for a spot."""
        picture = self._ready(request)
        try:
            x, y = (float(request.query_params[key]) for key in ("x", "y"))
        except (KeyError, ValueError):
            raise UserError("x and y are needed, in pixels") from None
        size = {"height": picture.info["height"], "width": picture.info["width"]}
        found = await self.studio.quick.call(
            "likely_colors", priority=NOW, folder=str(picture.folder), x=x, y=y, **size
        )
        return JSONResponse(found)

    async def references(self, request: Request) -> Response:
        """Find references for a picture, and answer with their ids."""
        session, picture = self._session(request), self._ready(request)
        if request.query_params.get("own") == "1":
            found, poor = await self.studio.compare_references(session, picture)
        elif self.studio.references:
            found, poor = await self.studio.find_references(session, picture)
        else:
            raise NotFoundError("this server has no folder of references; start it with --references=FOLDER")
        return JSONResponse({"found": [reference.id for reference in found], "poor": poor})

    async def remove_references(self, request: Request) -> Response:
        """Remove the references of the browser's folder."""
        session = self._session(request)
        for picture in [picture for picture in session.pictures.values() if picture.in_folder]:
            session.remove(picture)
        self.studio.wake()
        return JSONResponse({})

    def _session(self, request: Request) -> Session:
        session = self.studio.sessions.get(request.cookies.get(self.cookie, ""))
        if session is None:
            raise NoSessionError
        return session

    def _picture(self, request: Request) -> Picture:
        picture = self._session(request).pictures.get(request.path_params["id"])
        if picture is None:
            raise NotFoundError("this picture is not here any more")
        return picture

    def _ready(self, request: Request) -> Picture:
        picture = self._picture(request)
        if picture.state != READY:
            raise NotFoundError(f"{picture.name}: it is not read yet")
        return picture

    async def _json(self, request: Request):
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.studio.limits.body:
                raise UserError(f"more than {self.studio.limits.body / 1e6:g} MB of settings")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise UserError("the settings are no JSON") from None


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


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
