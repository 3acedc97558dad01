"""`launch.py search`: Optuna over the space that a config file declares, here or on a cluster."""

from pathlib import Path
from types import ModuleType

import jax
from ml_collections import ConfigDict
from optuna.trial import TrialState

from colorjax.commands.networks import check
from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.provenance import take_snapshot
from colorjax.sweeps import slurm
from colorjax.sweeps.jobs import Job, python_words
from colorjax.sweeps.local import Progress
from colorjax.sweeps.search import open_study, plan_search, save_search
from colorjax.sweeps.start import check_executor, start


def main(
    config: ConfigDict,
    file: str,
    workdir: Path,
    data: ModuleType,
    cluster: ConfigDict,
    search: ConfigDict,
    executor: str = "local",
    jobs: int = 1,
    dry_run: bool = False,
) -> None:
    """Start workers that take trials of a search, or go on with it, until there are as many as are asked for.

    Args:
      config: of the file, with the overrides of the command line.
      file: `FILE[:variant]`, which defines `search_space()`.
      workdir: the search's folder.
      data: the `datasets` package.
      cluster: what Slurm is asked for, for each worker.
      search: its settings.
      executor: 'local' or 'slurm'.
      jobs: how many workers at a time.
      dry_run: only show what would be searched, and the script for Slurm.

    Raises:
      UserError: a space that can't be, found before any trial is started.
      ColorjaxError: with 'local', a worker failed; Slurm refused.
    """
    jax.config.update("jax_platforms", "cpu")  # the accelerators are the trials'
    workdir = workdir.absolute()
    if jobs < 1:
        raise UserError(f"--jobs={jobs}: must be 1 or more")
    if cluster.nodes * cluster.processes_per_node > 1:
        raise UserError("a trial of a search is one process: --cluster.nodes and .processes_per_node must be 1")
    planned = plan_search(file, config, search)
    print(f"{workdir}: {search.trials} trials, for the {_aim(planned)} {search.metric}, {jobs} at a time, over")
    for key, distribution in planned.space.items():
        print(f"  {key}: {distribution}")
    if dry_run:
        if executor == "slurm":
            print(f"\n{slurm.script(cluster, workdir.name, workdir / 'logs', jobs)}")
        return
    check_executor(executor, jobs)
    check(config, data)
    save_search(planned, workdir)
    study = open_study(planned, workdir)
    code = take_snapshot(Path(data.__file__).parents[1], workdir / "code")
    words = ["work", f"--workdir={workdir}"]
    if executor == "slurm":
        words.append(f"--attempts={cluster.attempts}")
    words = python_words(code, *words, container=cluster.container if executor == "slurm" else "")
    workers = [Job(f"worker-{number}", words, workdir) for number in range(jobs)]
    progress = Progress(search.trials, "trial", lambda: sum(trial.state.is_finished() for trial in study.trials))
    failed = start(workers, workdir, code, executor, jobs, cluster, progress)
    if failed:
        raise ColorjaxError(f"{failed} of {jobs} workers failed; the same command goes on with the search")
    if failed == 0:
        print(_summary(study, search.metric, workdir))


def _aim(search) -> str:
    return "highest" if search.higher_is_better else "lowest"


def _summary(study, metric: str, workdir: Path) -> str:
    counts = {state: len(study.get_trials(states=(state,), deepcopy=False)) for state in TrialState}
    line = ", ".join(f"{count} {state.name.lower()}" for state, count in counts.items() if count)
    if not counts[TrialState.COMPLETE]:
        return f"{line}; no trial was completed, see why with\n\n  python launch.py status --workdir={workdir}"
    best = study.best_trial
    return (
        f"{line}; the best is trial-{best.number}, {metric} {best.value:.6g}; see them all with\n\n"
        f"  python launch.py compare --workdir={workdir}"
    )
