"""Picture files: reading and writing them, with all that they hold."""
