"""`launch.py export`: write a trained network as one file."""

from pathlib import Path
from types import ModuleType

from colorjax import weights
from colorjax.errors import UserError
from colorjax.training.checkpoints import load_network


def main(workdir: Path, output: str, data: ModuleType) -> None:
    """Write the best checkpoint of the run in `workdir` to `output` and say what was written."""
    del data  # no photographs are needed
    target = Path(output)
    if target.suffix != weights.SUFFIX:
        raise UserError(f"--output={output}: the name of such a file ends in {weights.SUFFIX}")
    config, variables, step = load_network(workdir)
    count = weights.save(target, config, variables, step)
    print(f"written  {target}: {config.model.name} of step {step}, {count:,} weights, {target.stat().st_size:,} bytes")
