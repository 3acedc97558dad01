"""Training: the state, the step, the mapping over devices, and the loop with its checkpoints and logs.

`train` runs (or goes on with) a training; `load_network` reads back what it wrote.
"""

from colorjax.training.checkpoints import load_network as load_network
from colorjax.training.loop import train as train
