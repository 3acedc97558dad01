"""Errors for users. Each message is one line: what is wrong, where, and what to do.

`launch.py` prints the message of a `ColorjaxError` without a traceback and exits with its `exit_status`.
"""


class ColorjaxError(Exception):
    """The base class of all errors that stop a command and are not bugs."""

    exit_status = 1


class UserError(ColorjaxError):
    """Bad input: an unknown key, a missing file, an image that can't be read, a busy workdir."""

    exit_status = 2


class NotFiniteError(ColorjaxError):
    """The loss or a gradient is not finite; the message names the step and the last good checkpoint."""

    exit_status = 3


class DiskError(ColorjaxError):
    """A disk is full, read-only or broken; the message names the file or the folder."""


class Interrupted(ColorjaxError):  # noqa: N818 - it is a request, not a fault
    """A signal stopped training after a checkpoint was written; the same command continues from it.

    Args:
      message: the line to print.
      signal: name of the signal, such as 'SIGTERM'.
    """

    exit_status = 75  # EX_TEMPFAIL of sysexits.h: try again later

    def __init__(self, message: str, signal: str):
        super().__init__(message)
        self.signal = signal


class Pruned(ColorjaxError):  # noqa: N818 - nor is this
    """A search stopped this run early, because others are better."""


def nearest(name: str, known) -> str:
    """Return the end of an error line about an unknown name: `did you mean 'x'?`, or a list of the known ones.

    Args:
      name: the unknown name.
      known: the known names, an iterable.
    """
    import difflib

    known = sorted(map(str, known))
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
