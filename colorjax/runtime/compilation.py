"""Keep compiled programs on disk for the next start."""

import hashlib
import os
import platform
import re
import warnings
import zlib
from pathlib import Path

import jax

from colorjax.runtime.cache import cache_directory


def keep_compilations() -> None:
    """Make jax keep compiled programs in `cache_directory()/compiled`, where the next start finds them.

    A user's own choice in JAX_COMPILATION_CACHE_DIR, JAX_ENABLE_COMPILATION_CACHE or
    JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS takes precedence.
    """
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_directory() / "compiled" / _processor()))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        # By default jax keeps only programs that took a second to compile. A training with a validation has a dozen
        # faster ones. They need 110 kB on the disk, and compiling them took some 2 of the 12 seconds of processor time
        # of a start, a step and a validation.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    warnings.showwarning = _without_broken_entries(warnings.showwarning)


def _without_broken_entries(show):
    """Return a `warnings.showwarning` that removes programs which a full disk cut short; jax only warns of them.

    The next start then compiles them again. The user need not know: the computation itself goes on.
    """
    pattern = re.compile(r"Error (?:reading|writing) persistent compilation cache entry for '(.+?)'")

    def show_others(message, *arguments, **options):
        if not (found := pattern.match(str(message))):
            show(message, *arguments, **options)
            return
        for entry in Path(jax.config.jax_compilation_cache_dir).glob(f"{found[1]}-*-cache"):
            if _is_broken(entry):
                entry.unlink(missing_ok=True)

    return show_others


def _is_broken(entry: Path) -> bool:
    try:
        zlib.decompress(entry.read_bytes())
    except (OSError, zlib.error):  # zlib.error also of those that Zstandard has compressed; they are made again
        return True
    return False


def _processor() -> str:
    """Return a name for this kind of processor, since a program compiled for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    about = next((line for line in lines if line.startswith(("flags", "Features"))), lines[0] if lines else "")
    return f"{platform.machine()}-{hashlib.sha256(about.encode()).hexdigest()[:8]}"
