"""The errors that a person is meant to read: one line saying what, where and what to do.

`launch.py` prints the message of a `ColorjaxError` without a traceback and exits with its `exit_status`.
"""

#: The exit status that a shell gives for a program that SIGINT (Ctrl-C) has ended.
CTRL_C = 130


class ColorjaxError(Exception):
    """Anything that stops a command and is not a bug."""

    exit_status = 1


class UserError(ColorjaxError):
    """Bad input: an unknown key, a missing file, a picture that can't be read, a busy workdir."""

    exit_status = 2


class NotFiniteError(ColorjaxError):
    """The loss or a gradient stopped being finite; names the step and the last good checkpoint."""

    exit_status = 3


class Interrupted(ColorjaxError):  # noqa: N818 - it is a request, not a fault
    """A signal came; a checkpoint was written and the same command goes on from it.

    Args:
      message: the line.
      signal: name of the signal, such as 'SIGTERM'.
    """

    exit_status = 75  # EX_TEMPFAIL of sysexits.h: try again later

    def __init__(self, message: str, signal: str):
        super().__init__(message)
        self.signal = signal


class Pruned(ColorjaxError):  # noqa: N818 - nor is this
    """A search has seen enough of this run."""


def nearest(name: str, known) -> str:
    """Return `; did you mean 'x'?` or a list of what is known, to end an error line about `name`."""
    import difflib

    known = sorted(map(str, known))
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
