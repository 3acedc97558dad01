"""Start jobs from a snapshot of the code: on this machine, several at a time, or on Slurm as one array."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from colorjax.errors import UserError
from colorjax.sweeps import local, slurm
from colorjax.sweeps.cluster import cluster_config
from colorjax.sweeps.executor import Executor
from colorjax.sweeps.folder import note_jobs
from colorjax.sweeps.jobs import Job
from colorjax.sweeps.local import Progress


def check_executor(executor: Executor) -> None:
    """Check, before any file is written, that jobs can be started in this way.

    Raises:
      UserError: this machine lacks Slurm, GPUs or cores for it, or a cluster config is given without Slurm.
    """
    if executor.on_slurm:
        slurm.check()
        return
    if executor.cluster.to_dict() != cluster_config().to_dict():
        raise UserError("--cluster is for --executor=slurm, and this would run here; leave it, or add the executor")
    local.shares(executor.count)


def start(jobs: Sequence[Job], workdir: Path, code: Path, executor: Executor, progress: Progress) -> int | None:
    """Start `jobs`. On this machine, run them and return how many failed; on Slurm, submit them and return None.

    Args:
      jobs: to start.
      workdir: the folder of the sweep or search.
      code: the folder of the snapshot of the code.
      executor: where the jobs run.
      progress: what the progress bar shows, for jobs on this machine.

    Raises:
      UserError: as `check_executor`.
      ColorjaxError: Slurm refuses the jobs.
      Interrupted: a signal came, and the jobs on this machine have stopped.
    """
    logs = workdir / "logs"
    if not executor.on_slurm:
        note_jobs(workdir, "local", code, {job.name: "" for job in jobs})
        return local.run_jobs(jobs, executor.count, logs, tqdm.write, progress)
    numbers = slurm.submit(jobs, executor.cluster, workdir.name, logs)
    note_jobs(workdir, "slurm", code, {job.name: number for job, number in zip(jobs, numbers, strict=True)})
    which = f"job {numbers[0]}" if len(numbers) == 1 else f"jobs {numbers[0]} to {numbers[-1]}"
    print(f"submitted {which}; see how they stand with\n\n{next_command('status', workdir)}")
    return None


def next_command(command: str, workdir: Path) -> str:
    """Return the command line that the user may type next, indented."""
    return f"  python launch.py {command} --workdir={shlex.quote(str(workdir))}"
