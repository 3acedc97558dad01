"""Tell a machine or a device whose memory is used up from a bug, in whatever exception it arrives."""

from colorjax.errors import ColorjaxError

# How XLA says it, on processors and on accelerators.
WORDS = ("RESOURCE_EXHAUSTED", "Out of memory allocating", "failed to allocate")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that the memory is used up: NumPy's and Python's own, or XLA's."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word.lower() in str(error).lower() for word in WORDS)
    )


def memory_fault(error: BaseException) -> ColorjaxError | None:
    """Return one line on an exception of a command that ran out of memory; None for all others."""
    if not is_out_of_memory(error):
        return None
    words = " ".join(str(error).split())[:120] or "the machine has no more"
    return ColorjaxError(
        f"out of memory ({words}); use a smaller --config.training.batch_size, --config.data.patch_size or "
        "--config.inference.patch_size, or a machine with more; a run goes on from its last checkpoint"
    )
