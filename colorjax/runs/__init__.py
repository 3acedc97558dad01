"""What is known of runs from their files alone; nothing here imports jax."""
