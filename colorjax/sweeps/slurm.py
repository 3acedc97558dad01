"""Submit jobs to Slurm with submitit: one job array, with one run per element.

submitit pickles a function and calls it in each process of a job. Here this function is `os.execvp`, with the run's
command line. So none of our code is pickled, the run uses only the code of the snapshot, and Slurm's signals reach the
run directly, not a process around it.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from colorjax.errors import ColorjaxError, UserError
from colorjax.sweeps.jobs import Job


def script(cluster: ConfigDict, name: str, logs: Path, count: int) -> str:
    """Return the script that would submit an array of jobs.

    Args:
      cluster: the cluster config.
      name: of the job array.
      logs: folder for the output.
      count: number of jobs.
    """
    from submitit.slurm import slurm

    arguments = {"map_count": count} if count > 1 else {}
    command = f"{shlex.quote(sys.executable)} -u -m submitit.core._submit {shlex.quote(str(logs))}"
    return slurm._make_sbatch_string(command=command, folder=logs, **parameters(cluster, name, count), **arguments)


def submit(jobs: Sequence[Job], cluster: ConfigDict, name: str, logs: Path) -> list[str]:
    """Submit `jobs` as one array and return their job numbers, such as '12_0', in order.

    Args:
      jobs: to submit.
      cluster: the cluster config.
      name: of the job array.
      logs: folder for the output.

    Raises:
      UserError: this machine has no Slurm.
      ColorjaxError: Slurm refuses the jobs.
    """
    import submitit
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    check()
    executor = submitit.SlurmExecutor(logs)
    executor.update_parameters(**parameters(cluster, name, len(jobs)))
    submitted = []
    try:
        with executor.batch():
            for job in jobs:
                submitted.append(executor.submit(os.execvp, job.words[0], list(job.words)))
    except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        detail = detail.decode() if isinstance(detail, bytes) else detail
        raise ColorjaxError(f"sbatch refused the jobs: {detail.strip().splitlines()[-1]}") from None
    return [job.job_id for job in submitted]


def check() -> None:
    """Check that jobs can be submitted from here.

    Raises:
      UserError: this machine has no Slurm.
    """
    if not shutil.which("sbatch"):
        raise UserError("--executor=slurm: there is no sbatch here; run this on a login node, or use --executor=local")


def in_queue(job: str) -> bool:
    """Whether the job is waiting or running at Slurm; False on a machine without Slurm."""
    if not shutil.which("squeue"):
        return False
    words = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={job}"]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    return bool(asked.stdout.strip())


def parameters(cluster: ConfigDict, name: str, count: int) -> Mapping[str, Any]:
    """Return submitit's parameters for an array of jobs.

    Args:
      cluster: the cluster config.
      name: of the job array.
      count: number of jobs.
    """
    several = cluster.nodes * cluster.processes_per_node > 1
    texts = {key: cluster[key] for key in ("partition", "account", "qos", "constraint") if cluster[key]}
    numbers = {"gpus_per_node": cluster.gpus_per_node} if cluster.gpus_per_node else {}
    if cluster.memory_gb:
        numbers["mem"] = f"{round(1024 * cluster.memory_gb)}MB"
    numbers["array_parallelism"] = cluster.parallel or count
    # Since Slurm 22.05 srun no longer inherits the number of CPUs from its job.
    srun = [f"--cpus-per-task={cluster.cpus_per_process}", *cluster.srun_arguments]
    if several:  # when one process dies, the others can't continue
        srun.insert(0, "--kill-on-bad-exit=1")
    further = dict(argument.removeprefix("--").partition("=")[::2] for argument in cluster.sbatch_arguments)
    return {
        "job_name": name,
        "time": cluster.time,
        "nodes": cluster.nodes,
        "ntasks_per_node": cluster.processes_per_node,
        "cpus_per_task": cluster.cpus_per_process,
        "signal_delay_s": cluster.signal_seconds,
        "setup": list(cluster.setup) or None,
        "srun_args": srun,
        "additional_parameters": {"requeue": True} | {key: value or True for key, value in further.items()},
        **texts,
        **numbers,
    }
