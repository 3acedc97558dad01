"""The addresses of what is shown of a picture, and of what is offered for it.

GET    /api/pictures/ID/thumbnail         JPEG
GET    /api/pictures/ID/before/L/X/Y      a tile of level L as the picture was; BMP for level 0, else JPEG
GET    /api/pictures/ID/after/L/X/Y       the same, as it will be; ?strength=&vividness= instead of the recipe's own
GET    /api/pictures/ID/colors?x=&y=      likely colors for a spot
POST   /api/pictures/ID/references        finds references in the server's folder; ?own=1 among those of the browser's
DELETE /api/references                    removes those of the browser's folder
"""

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from colorjax.errors import UserError
from colorjax.page.access import Access, NotFoundError
from colorjax.page.album import READY
from colorjax.page.recipe import parse_share
from colorjax.page.studio import NOW, SOON, Studio


class Previews:
    """The handlers of these addresses."""

    def __init__(self, studio: Studio, access: Access):
        """Make the handlers."""
        self.studio, self.access = studio, access

    def routes(self) -> list[Route]:
        """Return the addresses."""
        one = "/api/pictures/{id}"
        return [
            Route(f"{one}/thumbnail", self.thumbnail),
            Route(f"{one}/before/{{level:int}}/{{x:int}}/{{y:int}}", self.before),
            Route(f"{one}/after/{{level:int}}/{{x:int}}/{{y:int}}", self.after),
            Route(f"{one}/colors", self.colors),
            Route(f"{one}/references", self.references, methods=["POST"]),
            Route("/api/references", self.remove_references, methods=["DELETE"]),
        ]

    async def thumbnail(self, request: Request) -> Response:
        """Answer with the thumbnail."""
        return FileResponse(self.access.ready(request).folder / "thumbnail.jpg", media_type="image/jpeg")

    async def before(self, request: Request) -> Response:
        """Answer with a tile of the picture as it was."""
        return await self._tile(request, {"recipe": None})

    async def after(self, request: Request) -> Response:
        """Answer with a tile of the picture as it will be."""
        session, picture = self.access.session(request), self.access.ready(request)
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
        picture = self.access.ready(request)

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
        picture = self.access.ready(request)
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
        session, picture = self.access.session(request), self.access.ready(request)
        if request.query_params.get("own") == "1":
            found, poor = await self.studio.compare_references(session, picture)
        elif self.studio.references:
            found, poor = await self.studio.find_references(session, picture)
        else:
            raise NotFoundError("this server has no folder of references; start it with --references=FOLDER")
        return JSONResponse({"found": [reference.id for reference in found], "poor": poor})

    async def remove_references(self, request: Request) -> Response:
        """Remove the references of the browser's folder."""
        session = self.access.session(request)
        for picture in [picture for picture in session.pictures.values() if picture.in_folder]:
            session.remove(picture)
        self.studio.wake()
        return JSONResponse({})
