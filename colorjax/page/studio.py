"""All that goes on in a server: sessions, what they may keep, and the work on their pictures, one piece at a time."""

import asyncio
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from colorjax.errors import ColorjaxError, UserError
from colorjax.page.album import FAILED, READY, Picture, Session
from colorjax.page.limits import BYTES_DENOISED, BYTES_FINISHED, BYTES_SHOWN, Limits
from colorjax.page.store import Store, safe_name
from colorjax.page.worker import NotWantedError, Worker, WorkerDiedError

_TIDY_SECONDS = 20.0
_ATTEMPTS = 2  # of work that ended with its process
_SMALL = 10_000_000  # bytes of a file that is read in the time of a tile or two, and takes its turn among them
_CANCEL_SECONDS = 0.5  # how often it is looked whether running work is still wanted
NICENESS = 4  # of what takes long, so that what must answer at once comes first

FOUND = 5  # references in a folder

# Priorities of the quick worker.
NOW, SOON, LATER = 0, 1, 2


class BusyError(ColorjaxError):
    """A limit is reached; the message says which."""


class Studio:
    """The state of a server."""

    def __init__(self, store: Store, limits: Limits, references: str = ""):
        """Make a studio without sessions; `references` is a folder to find references in, '' for none."""
        self.store, self.limits, self.references = store, limits, references
        self.sessions: dict[str, Session] = {}
        self.quick, self.long = Worker(), Worker(NICENESS)
        self._tasks: list[asyncio.Task] = []
        self._reading: set[asyncio.Task] = set()
        self._wake = asyncio.Event()
        self._running: tuple[Session, Picture, str] | None = None
        self._served: list[str] = []
        self.incoming = 0  # bytes of uploads that are still to come

    def start(self) -> None:
        """Start the children and the work."""
        for worker in (self.quick, self.long):
            worker.start()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(task()) for task in (self._work, self._tidy, self._warm_up)]

    def close(self) -> None:
        """End the children."""
        for task in [*self._tasks, *self._reading]:
            task.cancel()
        for worker in (self.quick, self.long):
            worker.close()

    def new_session(self) -> str:
        """Return the name of a new session.

        Raises:
          BusyError: there are as many as may be, all with pictures.
        """
        if len(self.sessions) >= self.limits.sessions:
            empty = [key for key, session in self.sessions.items() if not session.pictures and not session.watching]
            if not empty:
                raise BusyError(f"busy: {self.limits.sessions} browsers are at work here; try again later")
            del self.sessions[min(empty, key=lambda key: self.sessions[key].seen)]
        key = secrets.token_urlsafe(24)
        self.sessions[key] = Session()
        return key

    def pictures(self) -> Iterator[tuple[Session, Picture]]:
        """Return all pictures with their sessions."""
        return ((session, picture) for session in self.sessions.values() for picture in session.pictures.values())

    def require_room(self, size: int) -> None:
        """Raise a `BusyError` unless another file of this size may be kept."""
        if sum(1 for _ in self.pictures()) >= self.limits.pictures:
            raise BusyError(f"busy: {self.limits.pictures} pictures are kept here; remove some, or try again later")
        if size > self.room():
            raise BusyError("busy: there is no room for this picture; remove some, or try again later")

    def room(self) -> int:
        """Return how many bytes may still be written; uploads on their way count as written."""
        free = min(self.limits.kept - self.store.size(), shutil.disk_usage(self.store.path).free)
        return max(0, free - self.incoming)

    def read(self, session: Session, picture: Picture) -> None:
        """Begin to read an upload that is complete."""
        task = asyncio.get_running_loop().create_task(self._read(session, picture))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, session: Session, picture: Picture) -> None:
        room = self.room() // (BYTES_SHOWN + BYTES_DENOISED + BYTES_FINISHED)
        most, advice = self.limits.pixels, ""
        if room < most:
            most, advice = max(1, room), "; there is no room for more now: remove other pictures"

        async def wanted() -> bool:
            return picture.id in session.pictures

        try:
            size = (picture.folder / "original").stat().st_size
            for attempt in range(_ATTEMPTS):
                try:
                    picture.info = await self.quick.call(
                        "read",
                        priority=SOON if size < _SMALL and not picture.in_folder else LATER,
                        wanted=wanted,
                        folder=str(picture.folder),
                        name=picture.name,
                        max_pixels=most,
                        advice=advice,
                    )
                    break
                except WorkerDiedError:
                    if attempt == _ATTEMPTS - 1:
                        raise
            picture.state = READY
            if picture.is_reference and (picture.info["gray"]):
                raise UserError(f"{picture.name}: it is gray; a reference needs colors")
            if not picture.is_reference and picture.info["colorful"]:
                picture.recipe = picture.recipe._replace(task="denoise")
        except (NotWantedError, FileNotFoundError):  # it was removed meanwhile
            return
        except ColorjaxError as error:
            picture.state, picture.error = FAILED, _line(picture, error)
            if picture.in_folder and picture.id in session.pictures:
                session.remove(picture)
        if picture.id in session.pictures:
            session.changed()
        self._wake.set()

    async def find_references(self, session: Session, picture: Picture) -> tuple[list[Picture], bool]:
        """Return the references most like a picture, and whether they are hardly like it; earlier ones are removed.

        Raises:
          BusyError: there is no room for them.
          UserError: the folder has none.
        """
        size = {"height": picture.info["height"], "width": picture.info["width"]}
        paths, poor = await self.long.call(
            "find_references", folder=str(picture.folder), root=self.references, count=FOUND, **size
        )
        for other in list(session.pictures.values()):
            if other.lent_to == picture.id and other.id != picture.recipe.reference:
                session.remove(other)
        found = []
        for path in map(Path, paths):
            self.require_room(path.stat().st_size)
            folder = self.store.new_folder()
            await asyncio.to_thread(shutil.copyfile, path, folder / "original")
            reference = session.add(safe_name(path.name), folder, is_reference=True)
            reference.lent_to = picture.id
            self.read(session, reference)
            found.append(reference)
        return found, poor

    async def compare_references(self, session: Session, picture: Picture) -> tuple[list[Picture], bool]:
        """Return the same of the folder of references that the browser has sent; nothing is copied or removed.

        Raises:
          UserError: there are none, or none with colors.
        """
        references = {str(one.folder): one for one in session.pictures.values() if one.in_folder and one.state == READY}
        if not references:
            raise UserError("no picture in the folder of references has colors")
        sizes = [(folder, one.info["height"], one.info["width"]) for folder, one in references.items()]
        size = {"height": picture.info["height"], "width": picture.info["width"]}
        folders, poor = await self.long.call(
            "compare_references", folder=str(picture.folder), references=sizes, count=FOUND, **size
        )
        return [references[folder] for folder in folders], poor

    def wake(self) -> None:
        """Look for work: a recipe has changed, a result is wanted, or a window has been opened."""
        self._wake.set()

    def queue(self) -> list[tuple[Session, Picture]]:
        """Return the pictures with work to do, whose windows are open, in the order of their turns.

        Browsers take turns, those whose work was done last come last; of one browser, the pictures whose file is
        wanted come first.
        """
        waiting = [
            (
                self._served.index(key) if key in self._served else -1,
                not picture.wants_result,
                picture.asked,
                session,
                picture,
            )
            for key, session in self.sessions.items()
            if session.unseen() < self.limits.unwatched
            for picture in session.pictures.values()
            if picture.next_work() and not picture.work
        ]
        return [(session, picture) for *_, session, picture in sorted(waiting, key=lambda entry: entry[:3])]

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            if not (queue := self.queue()):
                await self._wake.wait()
                continue
            session, picture = queue[0]
            key = next((key for key, value in self.sessions.items() if value is session), "")
            self._served = [other for other in self._served if other != key and other in self.sessions] + [key]
            await self._do(session, picture, picture.next_work())

    async def _do(self, session: Session, picture: Picture, work: str) -> None:
        recipe, kind = picture.recipe, picture.kind
        pixels = picture.info["width"] * picture.info["height"]
        if pixels * (BYTES_DENOISED if work == "denoise" else BYTES_FINISHED) > self.room():
            picture.error = f"{picture.name}: there is no room for its result; remove other pictures"
            picture.wants_result = False
            session.changed()
            return
        picture.work, picture.share = work, 0.0

        def progress(share: float) -> None:
            if round(share, 2) != round(picture.share, 2):
                picture.share = share
                session.changed()

        def is_wanted() -> bool:
            if picture.id not in session.pictures or session.unseen() >= self.limits.unwatched:
                return False
            return picture.kind == kind if work == "denoise" else picture.recipe == recipe

        if work == "denoise":
            arguments = {"folder": str(picture.folder), "name": picture.name, "kind": kind}
        else:
            reference = session.pictures.get(recipe.reference)
            pair = (str(reference.folder), reference.name) if reference else None
            arguments = {"folder": str(picture.folder), "name": picture.name, "recipe": recipe, "reference": pair}
            arguments["denoised"] = kind
        session.changed()
        call = asyncio.ensure_future(self.long.call(work, progress=progress, **arguments))
        try:
            while not call.done():
                await asyncio.wait([call], timeout=_CANCEL_SECONDS)
                if not call.done() and not is_wanted():
                    self.long.cancel(work)
            value = call.result()
            if work == "denoise":
                picture.denoised.add(kind)
            else:
                picture.result = {**value, "recipe": recipe}
            picture.attempts = 0
        except NotWantedError:
            pass
        except WorkerDiedError as error:
            picture.attempts += 1
            if picture.attempts >= _ATTEMPTS:
                picture.error = _line(picture, error)
        except ColorjaxError as error:
            if is_wanted():
                picture.error = _line(picture, error)
        finally:
            call.cancel()
            picture.work, picture.share = "", 0.0
            if picture.error:
                picture.wants_result = False
        if picture.id not in session.pictures:  # removed while its files were being written
            shutil.rmtree(picture.folder, ignore_errors=True)
        session.changed()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(min(_TIDY_SECONDS, self.limits.idle / 2))
            for key, session in list(self.sessions.items()):
                if session.unseen() > self.limits.idle:
                    for picture in list(session.pictures.values()):
                        session.remove(picture)
                    del self.sessions[key]
            self._wake.set()

    async def _warm_up(self) -> None:
        try:
            await self.quick.call("warm_up", priority=LATER)
        except ColorjaxError:  # the first tile will say what is wrong
            return


def _line(picture: Picture, error: Exception) -> str:
    """Return one line on what went wrong, with the picture's name: those on memory and disk come without it."""
    line, name = str(error), f"{picture.name}: "
    return line if line.startswith(name) else name + line
