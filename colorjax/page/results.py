"""The addresses of finished files.

POST   /api/pictures/ID/result            asks for the finished file; DELETE withdraws that
GET    /api/pictures/ID/result            the finished file
POST   /api/results                       asks for the finished files of all pictures
GET    /api/results                       those that are finished, as a zip file
"""

import asyncio
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from colorjax.page.access import Access, NotFoundError
from colorjax.page.album import FAILED, Picture
from colorjax.page.results_zip import write_zip
from colorjax.page.studio import Studio


class Results:
    """The handlers of these addresses."""

    def __init__(self, studio: Studio, access: Access):
        """Make the handlers."""
        self.studio, self.access = studio, access

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/api/pictures/{id}/result", self.ask, methods=["POST", "DELETE"]),
            Route("/api/pictures/{id}/result", self.result, methods=["GET"]),
            Route("/api/results", self.ask_for_all, methods=["POST"]),
            Route("/api/results", self.zip, methods=["GET"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Ask for the finished file, or withdraw that."""
        session, picture = self.access.session(request), self.access.ready(request)
        self._want(picture, request.method == "POST")
        session.changed()
        self.studio.wake()
        return JSONResponse({"version": session.version})

    async def ask_for_all(self, request: Request) -> Response:
        """Ask for all finished files, also of pictures that are still being read."""
        session = self.access.session(request)
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
        picture = self.access.ready(request)
        if not picture.has_result():
            raise NotFoundError(f"{picture.name}: it is not finished")
        return FileResponse(picture.folder / picture.result["file"], headers=_attachment(picture.result["name"]))

    async def zip(self, request: Request) -> Response:
        """Answer with all finished files."""
        session = self.access.session(request)
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


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
