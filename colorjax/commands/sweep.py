"""`launch.py sweep`: start the runs that a config file lists, on this machine or on a cluster."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict

from colorjax.commands.networks import check, check_settings
from colorjax.config.defaults import total_steps
from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.history import last_step
from colorjax.runs.provenance import take_snapshot
from colorjax.runs.run_state import read_state
from colorjax.sweeps import slurm
from colorjax.sweeps.executor import Executor
from colorjax.sweeps.folder import listing, make_run, require_kind, skip_reason
from colorjax.sweeps.jobs import Job, job_words
from colorjax.sweeps.local import Progress
from colorjax.sweeps.plan import PlannedRun, plan
from colorjax.sweeps.start import check_executor, next_command, start


def main(
    config: ConfigDict, file: str, workdir: Path, data: ModuleType, executor: Executor, dry_run: bool = False
) -> None:
    """List the runs of a sweep with the settings that differ, then run or submit those that are not done.

    Args:
      config: of the file, with the overrides of the command line.
      file: `FILE[:variant]`, which defines `sweep(add)`.
      workdir: the sweep's folder.
      data: the `datasets` package.
      executor: where the jobs run.
      dry_run: whether to only list the runs, and show the script for Slurm.

    Raises:
      UserError: an impossible run, found before any run is started.
      ColorjaxError: runs on this machine failed, or Slurm refused the jobs.
    """
    jax.config.update("jax_platforms", "cpu")  # leaves the accelerators to the runs
    workdir = workdir.absolute()
    require_kind(workdir, "sweep")
    if executor.on_slurm and executor.jobs is not None:
        raise UserError(
            f"--jobs={executor.jobs} is for runs on this machine; on Slurm it is --cluster.parallel={executor.jobs}"
        )
    runs = plan(file, config, workdir / "runs")
    reasons = [skip_reason(run, workdir) for run in runs]
    waiting = [run for run, stands in zip(runs, reasons, strict=True) if not stands]
    print(f"{workdir}: {len(runs)} runs, {len(waiting)} to run")
    print("\n".join(listing(runs, reasons)), flush=True)
    for run in waiting:
        try:
            if dry_run:  # the photographs may not be prepared yet
                check_settings(run.config)
            else:
                check(run.config, data)
            _check_batch(run.config, executor)
        except UserError as error:
            raise UserError(f"run {run.name!r}: {error}") from None
    if dry_run:
        if executor.on_slurm and waiting:
            print(f"\n{slurm.script(executor.cluster, workdir.name, workdir / 'logs', len(waiting))}")
            words = _words(waiting[0], workdir / "code" / "HASH", executor)
            print(f"which starts, in each process of the first run,\n\n  {shlex.join(words)}")
        return
    check_executor(executor)
    if mine := [run for run in waiting if make_run(run.directory, run.config)]:
        _start(mine, workdir, data, executor)
    if executor.on_slurm:
        return
    done = sum(state is not None and state.state == "done" for state in (read_state(run.directory) for run in runs))
    if done < len(runs):
        print(f"{done} of {len(runs)} runs are done; see the others with\n\n{next_command('status', workdir)}")
    else:
        print(f"all {len(runs)} runs are done; compare them with\n\n{next_command('compare', workdir)}")


def _start(runs: Sequence[PlannedRun], workdir: Path, data: ModuleType, executor: Executor) -> None:
    code = take_snapshot(Path(data.__file__).parents[1], workdir / "code")
    started = [Job(run.name, _words(run, code, executor), run.directory) for run in runs]
    steps = {run.directory: total_steps(run.config) for run in runs}
    progress = Progress(
        sum(steps.values()), "step", lambda: sum(min(last_step(directory), steps[directory]) for directory in steps)
    )
    failed = start(started, workdir, code, executor, progress)
    if failed:
        raise ColorjaxError(f"{failed} of {len(started)} runs failed; the same command tries them again")


def _check_batch(config: ConfigDict, executor: Executor) -> None:
    """Check that the batch divides equally among the devices requested from Slurm; on this machine check nothing.

    Raises:
      UserError: it does not.
    """
    if executor.on_slurm:
        cluster = executor.cluster
        devices = cluster.nodes * (cluster.gpus_per_node or cluster.processes_per_node)
        if config.training.batch_size % devices:
            batch = f"config.training.batch_size={config.training.batch_size}"
            raise UserError(f"{batch} does not go equally into the {devices} devices that --cluster asks for")


def _words(run: PlannedRun, code: Path, executor: Executor) -> tuple[str, ...]:
    words = ["train", f"--config={run.directory / 'config.json'}", f"--workdir={run.directory}"]
    return job_words(code, executor, *words)
