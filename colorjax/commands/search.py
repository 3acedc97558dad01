"""`launch.py search`: search the space that a config file declares with Optuna, on this machine or on a cluster."""

import shlex
from pathlib import Path
from types import ModuleType

import jax
import optuna
from ml_collections import ConfigDict
from optuna.trial import TrialState
from tqdm import tqdm

from colorjax.commands.networks import check, check_settings
from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.provenance import take_snapshot
from colorjax.runs.run_state import read_state
from colorjax.sweeps import slurm
from colorjax.sweeps.executor import Executor
from colorjax.sweeps.folder import require_kind
from colorjax.sweeps.jobs import Job, job_words
from colorjax.sweeps.local import Progress
from colorjax.sweeps.search import open_study, plan_search, save_search
from colorjax.sweeps.start import check_executor, next_command, start


def main(
    config: ConfigDict,
    file: str,
    workdir: Path,
    data: ModuleType,
    executor: Executor,
    search: ConfigDict,
    dry_run: bool = False,
) -> None:
    """Start or continue a search: start workers, which take trials until there are `search.trials`.

    Args:
      config: of the file, with the overrides of the command line.
      file: `FILE[:variant]`, which defines `search_space()`.
      workdir: the search's folder.
      data: the `datasets` package.
      executor: where the workers run.
      search: the search's settings.
      dry_run: whether to only show what would be searched, and the script for Slurm.

    Raises:
      UserError: an impossible space, setting or number of jobs, found before any trial is started.
      ColorjaxError: a worker on this machine failed, no trial was completed, or Slurm refused the jobs.
    """
    jax.config.update("jax_platforms", "cpu")  # leaves the accelerators to the trials
    workdir = workdir.absolute()
    require_kind(workdir, "search")
    jobs, cluster = executor.count, executor.cluster
    if jobs < 1:
        raise UserError(f"--jobs={jobs}: must be 1 or more")
    if cluster.nodes * cluster.processes_per_node > 1:
        raise UserError("a trial of a search is one process: --cluster.nodes and .processes_per_node must be 1")
    planned = plan_search(file, config, search)
    aim = "highest" if planned.higher_is_better else "lowest"
    print(f"{workdir}: {search.trials} trials, for the {aim} {search.metric}, {jobs} at a time, over")
    for key, distribution in planned.space.items():
        print(f"  {key}: {distribution}")
    if dry_run:
        check_settings(config)
        if executor.on_slurm:
            print(f"\n{slurm.script(cluster, workdir.name, workdir / 'logs', jobs)}")
            words = job_words(workdir / "code" / "HASH", executor, "work", f"--workdir={workdir}")
            print(f"which starts, as each worker,\n\n  {shlex.join(words)}")
        return
    check_executor(executor)
    check(config, data)
    save_search(planned, workdir)
    study = open_study(planned, workdir)
    if len(study.trials) >= search.trials and all(trial.state.is_finished() for trial in study.trials):
        print(f"all {len(study.trials)} trials are there already; for more of them raise --search.trials")
        _conclude(study, search.metric, workdir)
        return
    code = take_snapshot(Path(data.__file__).parents[1], workdir / "code")
    words = job_words(code, executor, "work", f"--workdir={workdir}")
    workers = [Job(f"worker-{number}", words, workdir / "workers" / str(number)) for number in range(jobs)]
    progress = Progress(search.trials, "trial", _Finished(study, workdir))
    failed = start(workers, workdir, code, executor, progress)
    if failed:
        raise ColorjaxError(f"{failed} of {jobs} workers failed; the same command goes on with the search")
    if failed == 0:
        _conclude(study, search.metric, workdir)


class _Finished:
    """Counts the trials that have ended, and prints how each of them ended."""

    def __init__(self, study: optuna.Study, workdir: Path):
        self._study = study
        self._workdir = workdir
        self._said = {trial.number for trial in study.trials if trial.state.is_finished()}

    def __call__(self) -> int:
        finished = [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()]
        for trial in finished:
            if trial.number not in self._said:
                self._said.add(trial.number)
                tqdm.write(self._line(trial))
        return len(finished)

    def _line(self, trial) -> str:
        if trial.state == TrialState.COMPLETE:
            return f"done     trial-{trial.number}: {trial.value:.6g}"
        state = read_state(self._workdir / "runs" / f"trial-{trial.number}")
        how = "pruned" if trial.state == TrialState.PRUNED else "failed"
        return f"{how}   trial-{trial.number}: {state.reason if state else ''}"


def _conclude(study: optuna.Study, metric: str, workdir: Path) -> None:
    """Print the result of the search.

    Raises:
      ColorjaxError: no trial was completed.
    """
    counts = {state: len(study.get_trials(states=(state,), deepcopy=False)) for state in TrialState}
    line = ", ".join(f"{count} {state.name.lower()}" for state, count in counts.items() if count)
    if not counts[TrialState.COMPLETE]:
        raise ColorjaxError(f"{line}: no trial was completed; see why with the command status")
    best = study.best_trial
    print(f"{line}; the best is trial-{best.number}, {metric} {best.value:.6g}; see them all with\n")
    print(next_command("compare", workdir))
