"""Requeue a Slurm job when its time is up, as long as its starts still write new checkpoints."""

import dataclasses
import json
import signal
import subprocess
import time
from pathlib import Path

from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.files import read_json
from colorjax.runs.run_state import RunState, slurm_job, write_state
from colorjax.runtime.atomic import write_atomically

#: The signals that Slurm is asked to send some time before it ends a job. SIGTERM is not one of them: it means that
#: somebody has decided to end the job, which is then not requeued.
WARNINGS = ("SIGUSR1", "SIGUSR2")


def block_slurm_signals() -> None:
    """Block Slurm's warnings until the training handles them (`training/preemption.py`); unblocked, they would kill."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.Signals[name] for name in WARNINGS})


def note_start(workdir: Path, limit: int) -> None:
    """Record in `workdir/starts.json` the checkpoint from which this start continues.

    Args:
      workdir: the run's folder.
      limit: how many starts in a row may find the same newest checkpoint.

    Raises:
      UserError: `limit` starts in a row wrote no newer checkpoint, or the limit is below 0.
    """
    if limit < 0:
        raise UserError(f"--attempts={limit}: must be 0 or more")
    step = newest_checkpoint(workdir)
    path = workdir / "starts.json"
    starts = read_json(path, list) if path.exists() else []
    if len(starts) >= limit and all(start["step"] == step for start in starts[-limit:]):
        # The count begins again: a person who has found the reason may start the run once more.
        path.unlink()
        raise UserError(
            f"{limit} starts in a row wrote no checkpoint after step {step}, so this run is not started again; "
            "look at its log, lower config.training.checkpoint_every or raise --cluster.time"
        )
    workdir.mkdir(parents=True, exist_ok=True)
    starts.append({"step": step, "time": time.strftime("%Y-%m-%d %H:%M:%S"), "job": slurm_job()})
    write_atomically(path, json.dumps(starts, indent=2) + "\n")


def newest_checkpoint(workdir: Path) -> int:
    """Return the step of the newest checkpoint, 0 without a checkpoint."""
    folder = workdir / "checkpoints"
    steps = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    return max(steps, default=0)


def requeue(workdir: Path, state: RunState) -> None:
    """Put this process's job back into Slurm's queue, and record that in the run's `state.json`.

    Args:
      workdir: the run's folder.
      state: the run's state, stopped by a warning.

    Raises:
      ColorjaxError: this process is no job of Slurm, or Slurm refused.
    """
    job = slurm_job()
    if not job:
        raise ColorjaxError("--attempts is for jobs of Slurm, and this is none; the same command goes on")
    # Written before Slurm is asked, because Slurm then ends this process at once. Undone below if Slurm refuses.
    step = newest_checkpoint(workdir)
    reason = f"back in the queue after {state.reason.partition(':')[0]}, at step {step}"
    write_state(workdir, dataclasses.replace(state, state="waiting", reason=reason))
    asked = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if asked.returncode:
        write_state(workdir, state)
        raise ColorjaxError(f"scontrol requeue {job} failed: {asked.stderr.strip() or asked.returncode}")
