"""Keep compiled programs on disk for the next start."""

import hashlib
import os
import platform
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


def _processor() -> str:
    """Return a name for this kind of processor, since a program compiled for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    about = next((line for line in lines if line.startswith(("flags", "Features"))), lines[0] if lines else "")
    return f"{platform.machine()}-{hashlib.sha256(about.encode()).hexdigest()[:8]}"
