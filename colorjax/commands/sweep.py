"""`launch.py sweep`: the runs that a config file lists, here or on a cluster."""

from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict

from colorjax.commands.networks import check
from colorjax.config import total_steps
from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.history import last_step
from colorjax.runs.provenance import take_snapshot
from colorjax.sweeps import slurm
from colorjax.sweeps.folder import listing, make_run, standing
from colorjax.sweeps.jobs import Job, python_words
from colorjax.sweeps.local import Progress
from colorjax.sweeps.plan import PlannedRun, plan
from colorjax.sweeps.start import check_executor, start


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
    runs = plan(file, config, workdir / "runs")
    standings = [standing(run, workdir) for run in runs]
    waiting = [run for run, stands in zip(runs, standings, strict=True) if not stands]
    print(f"{workdir}: {len(runs)} runs, {len(waiting)} to run")
    print("\n".join(listing(runs, standings)), flush=True)
    if dry_run:
        if executor == "slurm" and waiting:
            print(f"\n{slurm.script(cluster, workdir.name, workdir / 'logs', len(waiting))}")
        return
    check_executor(executor, jobs)
    for run in waiting:
        try:
            check(run.config, data)
        except UserError as error:
            raise UserError(f"run {run.name!r}: {error}") from None
    if not waiting:
        return
    code = take_snapshot(Path(data.__file__).parents[1], workdir / "code")
    for run in waiting:
        make_run(run.directory, run.config)
    started = [Job(run.name, _words(run, code, executor, cluster), run.directory) for run in waiting]
    steps = {run.directory: total_steps(run.config) for run in waiting}
    progress = Progress(
        sum(steps.values()), "step", lambda: sum(min(last_step(directory), steps[directory]) for directory in steps)
    )
    failed = start(started, workdir, code, executor, jobs, cluster, progress)
    if failed:
        raise ColorjaxError(f"{failed} of {len(started)} runs failed; the same command tries them again")
    if failed == 0:
        print(f"all {len(runs)} runs are done; compare them with\n\n  python launch.py compare --workdir={workdir}")


def _words(run: PlannedRun, code: Path, executor: str, cluster: ConfigDict) -> tuple[str, ...]:
    words = ["train", f"--config={run.directory / 'config.json'}", f"--workdir={run.directory}"]
    if executor == "local":
        return python_words(code, *words)
    return python_words(code, *words, f"--attempts={cluster.attempts}", container=cluster.container)
