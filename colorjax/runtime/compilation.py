"""Compiled programs that are kept for the next start."""

import hashlib
import os
import platform
from pathlib import Path

import jax

from colorjax.runtime.cache import cache_directory


def keep_compilations() -> None:
    """Have jax keep what it compiles in `cache_directory()/compiled`, so that the next start finds it there.

    Whoever has chosen otherwise, by JAX_COMPILATION_CACHE_DIR, JAX_ENABLE_COMPILATION_CACHE or
    JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS, keeps their choice.
    """
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_directory() / "compiled" / _processor()))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        # By default jax keeps only what took a second. A training with a validation has a dozen programs below that,
        # 110 kB on the disk, which took some 2 of the 12 seconds of processor time of a start, a step and a validation.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _processor() -> str:
    """Return a name for this kind of processor: what is compiled for one may not run on another of the cluster."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    about = next((line for line in lines if line.startswith(("flags", "Features"))), lines[0] if lines else "")
    return f"{platform.machine()}-{hashlib.sha256(about.encode()).hexdigest()[:8]}"
