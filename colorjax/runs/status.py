"""Progress and quality of each run, as one `RunStatus` per run that is read from its files alone.

Steps count from the beginning of the run. Rates are examples per second; times are seconds.
"""

import dataclasses
import math
import statistics
from typing import Any

from colorjax.config.defaults import count_steps
from colorjax.runs.failure_reason import error_line, failure_reason
from colorjax.runs.find import FoundRun
from colorjax.runs.history import best_step
from colorjax.runs.requeue import newest_checkpoint
from colorjax.runs.run_state import RunState, read_state

BEST = "psnr"  # the metric by which a run's best checkpoint is chosen
GOING_ON = ("waiting", "running")  # states that can change without anyone starting the run again
_LATEST = 5  # last logged lines whose median rate is shown; a single line may have been slow by chance


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """Progress and quality of a run.

    Attributes:
      name: the run's name in the searched folder.
      state: as in `colorjax.runs.run_state.RunState`, 'lost' included.
      reason: one line on that state; '' for none.
      step: the newest known step.
      steps: number of steps of the whole run; None if its config is incomplete.
      rate: recent examples per second; NaN if unknown.
      best: the metric `BEST` of the best validation; NaN without a validation.
      best_step: the step of that validation; None without one.
      seconds_left: time left for training at that rate, without validations; NaN if the run is not running.
    """

    name: str
    state: str
    reason: str
    step: int
    steps: int | None
    rate: float
    best: float
    best_step: int | None
    seconds_left: float


def run_status(run: FoundRun) -> RunStatus:
    """Return the status of a run."""
    settings, history = run.settings, run.history
    # A killed run may have a checkpoint that is newer than its last line, or a line newer than its last checkpoint.
    step = max(newest_checkpoint(run.path), *(line["step"] for line in history[-1:]), 0)
    steps = _steps(settings)
    state = _state(run, step, steps)
    rates = [line["examples_per_second"] for line in history if line.get("examples_per_second")][-_LATEST:]
    rate = statistics.median(rates) if rates else math.nan
    best = best_step(history, BEST)
    values = {line["step"]: line.get(BEST) for line in history if line["kind"] == "validation"}
    left = math.nan
    if state.state == "running" and steps is not None:
        left = (steps - step) * settings["training.batch_size"] / rate
    return RunStatus(
        run.name,
        state.state,
        _reason(run, state),
        step,
        steps,
        rate,
        math.nan if best is None else values[best],
        best,
        left,
    )


def _steps(settings: dict[str, Any]) -> int | None:
    names = ("training.epochs", "data.patches_per_epoch", "training.batch_size")
    if not all(name in settings for name in names):
        return None
    return count_steps(*(settings[name] for name in names))


def _state(run: FoundRun, step: int, steps: int | None) -> RunState:
    """Return the state in `state.json`; for a run from before that file existed, infer it from the other files."""
    if state := read_state(run.path):
        return state
    if step == 0:
        return RunState("waiting", "never started")
    return RunState("done") if step == steps else RunState("stopped", "left no sign of life (no state.json)")


def _reason(run: FoundRun, state: RunState) -> str:
    reason = _reason_of_state(run, state)
    return reason if run.readable else "; ".join(filter(None, ("unreadable config.json", reason)))


def _reason_of_state(run: FoundRun, state: RunState) -> str:
    if state.state == "lost" or (state.state == "failed" and not state.reason):
        return "; ".join(filter(None, (failure_reason(run, state.job), state.reason)))
    if state.state == "waiting" and not state.reason:
        # A job that died before the run began could not write the state; only its log has the reason.
        words = error_line(run, state.job, since=(run.path / "state.json").stat().st_mtime)
        return f"its log says: {words}" if words else ""
    return state.reason
