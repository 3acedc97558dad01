"""What the page takes and for how long it keeps it. Sizes are in bytes, times in seconds."""

from typing import NamedTuple


class Limits(NamedTuple):
    """The limits of a server.

    Attributes:
      upload: of one file.
      pixels: of one picture; checked before it is decoded.
      kept: of all files in the temporary folder.
      pictures: of all sessions together.
      sessions: browsers at a time.
      body: of a request that is no upload, such as hints.
      idle: after which the pictures of a browser without an open window are dropped.
      unwatched: after which the work for such a browser is stopped; it goes on when a window is opened again.
    """

    upload: int = 700_000_000
    pixels: int = 100_000_000
    kept: int = 20_000_000_000
    pictures: int = 300
    sessions: int = 64
    body: int = 4_000_000
    idle: float = 2 * 3600.0
    unwatched: float = 60.0


#: Bytes that a pixel of 16 bits in color takes as it is shown, denoised (with all bits and as shown), and finished.
BYTES_SHOWN, BYTES_DENOISED, BYTES_FINISHED = 4, 10, 7
