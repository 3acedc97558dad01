"""One file for each command: config in, files out. `catalog` lists them, `console` parses, `execute` calls them.

They put the parts together (data, task, network, training, methods, evaluation) and know nothing of how a part works.
A file is imported when its command is asked for, so that those which only read files do not wait for jax.
A command that may run as several processes does the same in each of them; what it writes and says is the first one's.
"""
