"""The commands, one file each. `catalog` lists them, `console` parses command lines, and `execute` calls a command.

A command combines the parts (data, task, network, training, methods, evaluation) without the details of any part.
Its file is imported only when the command is used, so that commands that only read files do not wait for jax.
A command that runs as several processes does the same work in each of them, but only process 0 writes and prints.
"""
