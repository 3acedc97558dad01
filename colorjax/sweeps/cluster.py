"""The `cluster` config: what jobs request from Slurm. `--cluster.KEY=VALUE` overrides each key."""

import shlex
from collections.abc import Sequence

from ml_collections import ConfigDict

from colorjax.config.files import get_config, of_same_type, override
from colorjax.errors import UserError


def cluster_config() -> ConfigDict:
    """Return all settings of a cluster config with their defaults.

    A user's own file defines `get_config(variant="")` and starts from this config.
    """
    return ConfigDict(
        {
            "partition": "",  # for this and the next three keys, "" is the cluster's default
            "account": "",
            "qos": "",
            "constraint": "",
            "time": 60,  # minutes for one start; a run whose time is up goes back into the queue
            "nodes": 1,  # for one run
            "processes_per_node": 1,  # a single process uses all devices of its node; several share them
            "gpus_per_node": 0,
            "cpus_per_process": 2,
            "memory_gb": 0.0,  # per node; 0 for the cluster's default
            "parallel": 0,  # runs at a time; 0 for as many as the cluster starts
            "attempts": 3,  # a run is given up after this number of starts in a row without a new checkpoint
            "signal_seconds": 120,  # time before the end of a job at which the run is told to write a checkpoint
            "setup": (),  # lines of the job's script before the run, such as "module load cuda"
            "container": "",  # words before python, such as "apptainer exec --nv colorjax.sif"
            "python": "",  # the python in the container; "" for the one that submits the jobs
            "srun_arguments": (),  # such as "--container-image=colorjax.sqsh"
            "sbatch_arguments": (),  # further options of sbatch, such as "exclude=node7" or "exclusive"
        }
    )


def load_cluster(argument: str, words: Sequence[str]) -> ConfigDict:
    """Return a cluster config with overrides applied.

    Args:
      argument: `FILE[:variant]` of the config; '' for the defaults.
      words: overrides, `--cluster.KEY=VALUE`.

    Raises:
      UserError: as `config.files.load`, or a value that is impossible for a job.
    """
    path, _, variant = argument.partition(":")
    config = cluster_config()
    given = get_config(path, variant, "--cluster") if argument else config
    for key in given:
        if key not in config:
            raise UserError(f"--cluster={argument}: {key!r} is no key of a cluster config; start from cluster_config()")
    for key in config:
        if key not in given:
            raise UserError(f"--cluster={argument}: lacks the key {key!r}; start from cluster_config()")
        config[key] = of_same_type(given[key], config[key], f"--cluster={argument}: {key}={given[key]!r}")
    config = override(config, words, "cluster")
    for key in ("time", "nodes", "processes_per_node", "cpus_per_process", "attempts"):
        if config[key] < 1:
            raise UserError(f"--cluster.{key}={config[key]}: must be 1 or more")
    for key in ("gpus_per_node", "memory_gb", "parallel", "signal_seconds"):
        if config[key] < 0:
            raise UserError(f"--cluster.{key}={config[key]}: must be 0 or more")
    for key in ("setup", "srun_arguments", "sbatch_arguments"):
        if not all(isinstance(line, str) for line in config[key]):
            raise UserError(f"--cluster.{key}={config[key]}: needs texts, such as ('one', 'two') or ('one',)")
    try:
        shlex.split(config.container)
    except ValueError as error:
        raise UserError(f"--cluster.container={config.container}: {error}") from None
    if config.signal_seconds >= 60 * config.time:
        raise UserError(
            f"--cluster.signal_seconds={config.signal_seconds}: a run of --cluster.time={config.time} minutes would be "
            "told to stop before it has begun"
        )
    return config
