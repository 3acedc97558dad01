"""`launch.py sweep`: the runs that a config file lists, here or on a cluster."""

from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict
from tqdm import tqdm

from colorjax.commands.networks import check
from colorjax.config import total_steps
from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.provenance import take_snapshot
from colorjax.sweeps import local, slurm
from colorjax.sweeps.folder import listing, make_run, note_jobs, standing
from colorjax.sweeps.jobs import Job, python_words
from colorjax.sweeps.plan import plan


def main(
    config: ConfigDict,
    file: str,
    workdir: Path,
    data: ModuleType,
    cluster: ConfigDict,
    executor: str = "local",
    jobs: int = 1,
    dry_run: bool = False,
) -> None:
    """List the runs of a sweep with what differs in each, then run or submit those that are not complete.

    Args:
      config: of the file, with the overrides of the command line.
      file: `FILE[:variant]`, which defines `sweep(add)`.
      workdir: the sweep's folder.
      data: the `datasets` package.
      cluster: what Slurm is asked for.
      executor: 'local' or 'slurm'.
      jobs: how many runs at a time, with 'local'.
      dry_run: only list, and show the script for Slurm.

    Raises:
      UserError: a run that can't be, found before any is started.
      ColorjaxError: with 'local', runs failed; Slurm refused.
    """
    jax.config.update("jax_platforms", "cpu")  # the accelerators are the runs'
    workdir = workdir.absolute()
    logs = workdir / "logs"
    runs = plan(file, config, workdir / "runs")
    standings = [standing(run, workdir) for run in runs]
    waiting = [run for run, stands in zip(runs, standings, strict=True) if not stands]
    print(f"{workdir}: {len(runs)} runs, {len(waiting)} to run")
    print("\n".join(listing(runs, standings)), flush=True)
    if executor == "local":
        local.shares(jobs)
    if dry_run:
        if executor == "slurm" and waiting:
            print(f"\n{slurm.script(cluster, workdir.name, logs, len(waiting))}")
        return
    for run in waiting:
        try:
            check(run.config, data)
        except UserError as error:
            raise UserError(f"run {run.name!r}: {error}") from None
    if not waiting:
        return
    code = take_snapshot(Path(data.__file__).parents[1], workdir / "code")
    started = []
    for run in waiting:
        make_run(run.directory, run.config)
        words = ["train", f"--config={run.directory / 'config.json'}", f"--workdir={run.directory}"]
        if executor == "slurm":
            words.append(f"--attempts={cluster.attempts}")
        container = cluster.container if executor == "slurm" else ""
        words = python_words(code, *words, container=container)
        started.append(Job(run.name, words, run.directory, total_steps(run.config)))
    if executor == "slurm":
        numbers = slurm.submit(started, cluster, workdir.name, logs)
        note_jobs(workdir, executor, code, {job.name: number for job, number in zip(started, numbers, strict=True)})
        print(f"submitted {len(numbers)} runs, jobs {numbers[0]} to {numbers[-1]}; see how they stand with\n")
        print(f"  python launch.py status --workdir={workdir}")
        return
    note_jobs(workdir, executor, code, {job.name: "" for job in started})
    failed = local.run_jobs(started, jobs, logs, tqdm.write)
    if failed:
        raise ColorjaxError(f"{failed} of {len(started)} runs failed; the same command tries them again")
    print(f"all {len(runs)} runs are done; compare them with\n\n  python launch.py compare --workdir={workdir}")
