"""A run under Slurm puts itself back into the queue when its time is up, as long as that leads anywhere."""

import dataclasses
import json
import signal
import subprocess
import time
from pathlib import Path

from colorjax.errors import ColorjaxError, UserError
from colorjax.runs.files import read_json, write_atomically
from colorjax.runs.run_state import RunState, slurm_job, write_state

#: What Slurm is asked to send some time before it ends a job; SIGTERM means that somebody has decided already.
WARNINGS = ("SIGUSR1", "SIGUSR2")


def block_slurm_signals() -> None:
    """Have Slurm's warnings wait until the training is ready for them (`preemption.py`); they would end the process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.Signals[name] for name in WARNINGS})


def note_start(workdir: Path, limit: int) -> None:
    """Note in `workdir/starts.json` from which checkpoint this start goes on.

    Args:
      workdir: the run's folder.
      limit: how many starts in a row may find the same newest checkpoint.

    Raises:
      UserError: so many did, without writing a newer one; or a limit below 0.
    """
    if limit < 0:
        raise UserError(f"--attempts={limit}: must be 0 or more")
    step = newest_checkpoint(workdir)
    path = workdir / "starts.json"
    starts = read_json(path, list) if path.exists() else []
    if len(starts) >= limit and all(start["step"] == step for start in starts[-limit:]):
        # Somebody who has found the reason starts it again, and then it counts anew.
        path.unlink()
        raise UserError(
            f"{limit} starts in a row wrote no checkpoint after step {step}, so this run is not started again; "
            "look at its log, lower config.training.checkpoint_every or raise --cluster.time"
        )
    workdir.mkdir(parents=True, exist_ok=True)
    starts.append({"step": step, "time": time.strftime("%Y-%m-%d %H:%M:%S"), "job": slurm_job()})
    write_atomically(path, json.dumps(starts, indent=2) + "\n")


def newest_checkpoint(workdir: Path) -> int:
    """Return the step of the newest checkpoint, 0 without any."""
    folder = workdir / "checkpoints"
    steps = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    return max(steps, default=0)


def requeue(workdir: Path, state: RunState) -> None:
    """Put this process's job back into Slurm's queue, and say so in the run's `state.json`.

    Args:
      workdir: the run's folder.
      state: how the run stands, stopped by a warning.

    Raises:
      ColorjaxError: Slurm did not take it.
    """
    job = slurm_job()
    if not job:
        raise ColorjaxError("--attempts is for jobs of Slurm, and this is none; the same command goes on")
    # Before Slurm is asked, because it ends this process at once; and written again if it refuses.
    step = newest_checkpoint(workdir)
    reason = f"back in the queue after {state.reason.partition(':')[0]}, at step {step}"
    write_state(workdir, dataclasses.replace(state, state="waiting", reason=reason))
    asked = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if asked.returncode:
        write_state(workdir, state)
        raise ColorjaxError(f"scontrol requeue {job} failed: {asked.stderr.strip() or asked.returncode}")
