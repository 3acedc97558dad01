"""Starting jobs from a snapshot: here, several at a time, or on Slurm as one array."""

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
    """Raise a `UserError` for what this machine can't do, or nothing would read, before anything is made."""
    if executor.on_slurm:
        slurm.check()
        return
    if executor.cluster.to_dict() != cluster_config().to_dict():
        raise UserError("--cluster is for --executor=slurm, and this would run here; leave it, or add the executor")
    local.shares(executor.count)


def start(jobs: Sequence[Job], workdir: Path, code: Path, executor: Executor, progress: Progress) -> int | None:
    """Start `jobs`; return how many of them failed, or None at once where Slurm has them now.

    Args:
      jobs: what to start.
      workdir: the sweep's folder.
      code: the snapshot that they are started from.
      executor: where they run.
      progress: of the display, where they run here.
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
    """Return a line to be typed next."""
    return f"  python launch.py {command} --workdir={shlex.quote(str(workdir))}"
