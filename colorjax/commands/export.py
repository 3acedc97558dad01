"""`launch.py export`: write a trained network as one file."""

from collections.abc import Sequence
from pathlib import Path

from colorjax import weights
from colorjax.config.defaults import with_defaults
from colorjax.config.files import override
from colorjax.errors import UserError
from colorjax.training.checkpoints import load_network


def main(workdir: Path, output: str, checkpoint: str, changes: Sequence[str]) -> None:
    """Write a checkpoint of a run to a file and print what was written.

    Args:
      workdir: the run's folder.
      output: the file to write; its name must end in .safetensors.
      checkpoint: 'best' or 'last'.
      changes: words that change settings of the run, such as --config.inference.patch_size=512.

    Raises:
      UserError: another file name, no such run or checkpoint, or an unknown setting.
    """
    target = Path(output)
    if target.suffix != weights.SUFFIX:
        raise UserError(f"--output={output}: the name of such a file ends in {weights.SUFFIX}")
    trained_config, variables, step = load_network(workdir, checkpoint)
    changed = override(with_defaults(trained_config), changes)
    count = weights.save(target, changed, variables, step)
    print(f"written  {target}: {changed.model.name} of step {step}, {count:,} weights, {target.stat().st_size:,} bytes")
