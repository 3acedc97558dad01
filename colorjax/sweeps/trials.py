"""The trials of a search: how a worker takes the next one, and reports its end.

A trial is an ordinary run, in `runs/trial-NUMBER`. A worker continues a trial that another worker left unfinished (its
process is gone, but the study still waits for it), or asks the study for a new one.
"""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import optuna
from ml_collections import ConfigDict
from optuna.trial import TrialState

from colorjax.errors import DiskError, Interrupted, Pruned
from colorjax.runs.files import file_lock
from colorjax.runs.history import best_step, read_history
from colorjax.runs.run_state import RunState, alive, read_state, slurm_job, write_state
from colorjax.runtime.disk import disk_fault
from colorjax.sweeps.folder import make_run
from colorjax.sweeps.plan import changed
from colorjax.sweeps.search import Search, open_study, sampler_of, suggest

_LOCK_SECONDS = 60  # with many earlier trials, the sampler needs some of this time
BEST_METRIC = "psnr"  # determines a run's best checkpoint, also if the search is for another metric


def work(search: Search, directory: Path, train: Callable, say: Callable[[str], None]) -> None:
    """Take trials until there are as many as the search asks for.

    Args:
      search: from `read_search`.
      directory: the search's folder.
      train: called as `train(config, workdir, on_validation)`; trains a run, or continues it.
      say: called with a line about each trial.

    Raises:
      Interrupted: a signal came. The trial has written its checkpoint, and the next worker continues it.
      DiskError: the disk is full. The next worker continues the trial.
    """
    study = open_study(search, directory)
    while taken := _take(search, study, directory):
        trial, config, workdir = taken
        say(f"== {workdir.name}: {', '.join(f'{key}={value}' for key, value in suggest(trial, search.space).items())}")
        try:
            _run(search, study, trial, config, workdir, train)
        except (Interrupted, DiskError):  # on a full disk all other trials would fail too
            raise
        except Pruned as stop:
            study.tell(trial, state=TrialState.PRUNED)
            say(f"pruned   {workdir.name}: {stop}")
        except Exception as error:  # an error in one trial must not stop the others, but for that of a full disk
            if fault := disk_fault(error, str(workdir)):
                raise fault from error
            study.tell(trial, state=TrialState.FAIL)
            say(f"failed   {workdir.name}: {read_state(workdir).reason or error}")
        else:
            say(f"done     {workdir.name}: {search.settings.metric} {study.trials[trial.number].value:.6g}")


def _run(search, study, trial, config, workdir, train) -> None:
    """Train the run of a trial and report its value to the study."""
    metric = search.settings.metric
    known = study.trials[trial.number].intermediate_values

    def report(step: int, value: float | None) -> None:
        if value is not None and step not in known:
            trial.report(value, step)

    def on_validation(step: int, metrics) -> None:
        report(step, metrics.get(metric))
        if trial.should_prune():
            raise Pruned(f"{metric} {metrics[metric]:.6g} at step {step} is worse than the median of the other trials")

    # Report the validations that a killed worker made and did not report.
    for line in read_history(workdir):
        if line["kind"] == "validation":
            report(line["step"], line.get(metric))
    train(config, workdir, on_validation)
    history = read_history(workdir)
    best = best_step(history, BEST_METRIC)
    values = [line[metric] for line in history if line["kind"] == "validation" and line["step"] == best]
    study.tell(trial, values[-1])


def _take(search: Search, study: optuna.Study, directory: Path) -> tuple[optuna.Trial, ConfigDict, Path] | None:
    """Take the next trial and return it with its config and folder; None if all trials are taken.

    The folder then exists and is marked as this process's.
    """
    with file_lock(directory / ".trials.lock", _LOCK_SECONDS):
        trial = _left_behind(study, directory) or _new(search, study)
        if trial is None:
            return None
        workdir = _folder(directory, trial)
        config = changed(search.config, suggest(trial, search.space), workdir.name)
        make_run(workdir, config)
        now = time.time()
        write_state(workdir, RunState("running", "", socket.gethostname(), os.getpid(), slurm_job(), now, now))
    return trial, config, workdir


def _left_behind(study: optuna.Study, directory: Path) -> optuna.Trial | None:
    for frozen in study.get_trials(states=(TrialState.RUNNING,)):
        trial = optuna.Trial(study, frozen._trial_id)
        state = read_state(_folder(directory, trial))
        if state is None or state.state in ("waiting", "stopped", "lost"):
            return trial
        # While its process is alive, an ended run will still be reported to the study.
        if state.state != "running" and not alive(state):
            return trial
    return None


def _new(search: Search, study: optuna.Study) -> optuna.Trial | None:
    count = len(study.get_trials(deepcopy=False))
    if count >= search.settings.trials:
        return None
    study.sampler = sampler_of(search.settings, count)
    return study.ask()


def _folder(directory: Path, trial: optuna.Trial) -> Path:
    return directory / "runs" / f"trial-{trial.number}"
