"""Training: the state, the step, the mapping over devices, and the loop with its checkpoints and logs.

`train` starts or continues a training run; `load_network` reads the trained network of a run.
"""

from colorjax.training.checkpoints import load_network as load_network
from colorjax.training.loop import train as train
