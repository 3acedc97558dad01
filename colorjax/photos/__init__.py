"""Anyone's photographs as files: found, read with all they carry, written, without jax."""
