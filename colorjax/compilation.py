"""Compiled programs that are kept for the next start."""

import hashlib
import platform
from pathlib import Path

import jax

from colorjax.cache import cache_directory


def keep_compilations() -> None:
    """Have jax keep what it compiles in `cache_directory()/compiled`, so that the next start finds it there.

    Whoever has chosen otherwise, by JAX_COMPILATION_CACHE_DIR or JAX_ENABLE_COMPILATION_CACHE, keeps their choice.
    """
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_directory() / "compiled" / _processor()))


def _processor() -> str:
    """Return a name for this kind of processor: what is compiled for one may not run on another of the cluster."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    about = next((line for line in lines if line.startswith(("flags", "Features"))), lines[0] if lines else "")
    return f"{platform.machine()}-{hashlib.sha256(about.encode()).hexdigest()[:8]}"
