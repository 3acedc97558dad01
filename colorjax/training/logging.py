"""Logs of a run: `history.jsonl`, TensorBoard event files, and a progress bar.

A line of the history is `{"step": int, "kind": "train" | "validation", "<metric>": float, ...}`. A number that is not
finite is written as null, because JSON has no notation for it. A train line has the means of the losses and of what the
objective logs over the steps since the line before it, the gradient's norm and the learning rate of its own step, and
`examples_per_second` over these steps, without the time for compiling and validation.
"""

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tqdm import tqdm

from colorjax import processes
from colorjax.runs.history import read_history
from colorjax.runtime.atomic import write_atomically

#: Metrics of which a line has the value of its step; of the others it has the mean.
OF_THE_STEP = frozenset({"grad_norm", "learning_rate"})


def announce(message: str) -> None:
    """Print one line to stderr, above the progress bar if there is one; of several processes only the first prints."""
    if processes.is_first():
        tqdm.write(message, file=sys.stderr)


def open_log(workdir: Path, start: int, steps: int, batch_size: int, log_every: int):
    """Return the log of one start of a run: a `RunLog` in the first process, a `NoLog` in all others.

    Args:
      workdir: the run's folder.
      start: number of steps taken before this start.
      steps: number of steps of the whole run.
      batch_size: number of examples in a step.
      log_every: number of steps from one train line to the next.
    """
    arguments = workdir, start, steps, batch_size, log_every
    return RunLog(*arguments) if processes.is_first() else NoLog()


class NoLog:
    """A log that writes nothing, for all processes except the first."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def train(self, step: int, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return no lines; only `RunLog` has the history."""
        return []

    def validation(self, step: int, metrics: Mapping[str, Any]) -> None:
        """See `RunLog`."""

    def validated(self, step: int) -> None:
        """Return None; only `RunLog` has the history."""


class RunLog:
    """The log of one start of a run, from step `start` on; a context, which closes all files at its end."""

    def __init__(self, workdir: Path, start: int, steps: int, batch_size: int, log_every: int):
        # This start repeats the steps that an earlier start took after the checkpoint, so their lines are dropped.
        self.history = [line for line in read_history(workdir) if line["step"] <= start]
        path = workdir / "history.jsonl"
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in self.history))
        self._file = path.open("a")
        self._events = SummaryWriter(str(workdir / "tensorboard"), purge_step=start + 1 if start else None)
        # Without a terminal each update of the bar becomes a line of a file, so updates are rare.
        interval = 0.2 if sys.stderr.isatty() else 30
        self._bar = tqdm(total=steps, initial=start, desc=workdir.name, unit="step", mininterval=interval)
        self._shown = {}
        self._log_every = log_every
        self._batch_size = batch_size
        self._since = {}  # metric -> its values since the last line
        self._clock = None  # when the timed steps began; None until the first step is compiled
        self._timed_steps = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._bar.close()
        self._file.close()
        self._events.close()

    def train(self, step: int, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Record one step's metrics; write a line every `log_every` steps.

        Returns:
          all train lines of the history when a line was written, else none.
        """
        for name in metrics.keys() - OF_THE_STEP:
            self._since.setdefault(name, []).append(float(metrics[name]))
        if self._clock is None:
            self._clock = time.perf_counter()
        else:
            self._timed_steps += 1
        if step % self._log_every == 0:
            numbers = dict(metrics)
            numbers |= {name: math.fsum(values) / len(values) for name, values in self._since.items()}
            if self._timed_steps:
                seconds = time.perf_counter() - self._clock
                numbers["examples_per_second"] = self._timed_steps * self._batch_size / seconds
            self._write(step, "train", numbers)
            self._since = {}
            self._clock, self._timed_steps = time.perf_counter(), 0
            self._show(**{name: value for name, value in numbers.items() if name.startswith("loss")})
        self._bar.update()
        return [line for line in self.history if line["kind"] == "train"] if step % self._log_every == 0 else []

    def validation(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write a line with a validation's metrics; the time for the validation does not count in the speed."""
        self._write(step, "validation", metrics)
        self._show(**{f"validation {name}": value for name, value in metrics.items() if name in ("psnr", "loss")})
        self._clock, self._timed_steps = None, 0

    def validated(self, step: int) -> bool:
        """Return whether the history has a validation of `step`."""
        return any(line["step"] == step and line["kind"] == "validation" for line in self.history)

    def _write(self, step: int, kind: str, metrics: Mapping[str, Any]) -> None:
        numbers = {name: float(value) for name, value in metrics.items()}
        line = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        line = {"step": step, "kind": kind} | line
        self.history.append(line)
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        for name, value in numbers.items():
            self._events.add_scalar(f"{kind}/{name}", value, step)

    def _show(self, **metrics: float) -> None:
        self._shown |= {name: f"{value:.4g}" for name, value in metrics.items()}
        self._bar.set_postfix(self._shown, refresh=False)
