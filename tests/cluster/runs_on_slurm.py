"""What the tests do with runs on a cluster: start them, wait for them, hold one in its middle, compare two of them."""

import dataclasses
import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
import pytest

from colorjax.runs.history import read_history
from colorjax.runs.run_state import read_state
from colorjax.training import load_network

ROOT = Path(__file__).parents[2]
PATIENCE = 400  # seconds for what takes 30 on two idle cores: others may be at work on them


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A Slurm to be reached through `environment`."""

    environment: Mapping[str, str] = dataclasses.field(repr=False)

    @classmethod
    def among(cls, environment: Mapping[str, str], folder: Path) -> "Cluster":
        """A cluster whose jobs keep in `folder` what the runs of a user share, and have no settings of the tests."""
        inherited = {name: value for name, value in environment.items() if not name.startswith(("JAX_", "XLA_"))}
        shared = {"TFDS_DATA_DIR": folder / "photographs", "COLORJAX_CACHE": folder / "cache"}
        return cls(inherited | {"JAX_PLATFORMS": "cpu"} | {name: str(path) for name, path in shared.items()})

    def launch(self, *words: str, **environment: str) -> str:
        """Return what `launch.py` printed; a status other than 0 fails the test."""
        return self.command(sys.executable, "launch.py", *words, **environment)

    def command(self, *words: str, **environment: str) -> str:
        """Return what a command printed; a status other than 0 fails the test."""
        try:
            done = subprocess.run(
                words,
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as error:
            pytest.fail(f"{' '.join(words)} has not ended after {PATIENCE} s:\n{_tail((error.output or b'').decode())}")
        if done.returncode:
            pytest.fail(f"{' '.join(words)} ended with status {done.returncode}:\n{_tail(done.stdout)}")
        return done.stdout

    def sweep(self, config: str, workdir: Path, **options: int) -> str:
        """Submit the sweep of a config, `options` being --cluster.KEY=VALUE; return what was printed."""
        words = [f"--cluster.{name}={value}" for name, value in options.items()]
        return self.submit("sweep", f"--config={config}", f"--workdir={workdir}", *words)

    def submit(self, *words: str) -> str:
        """Have `launch.py` submit jobs of one CPU a process; return what was printed."""
        return self.launch(*words, "--executor=slurm", "--cluster.cpus_per_process=1")

    def queue(self) -> str:
        """Return Slurm's list of the jobs that wait or run, a line each."""
        return self.command("squeue", "--noheader", "--array", "--format=%i %T %r")

    def job_state(self, job: str) -> str:
        """Return Slurm's word for a job, such as 'FAILED'; ended ones are remembered for a while."""
        return self.command("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={job}").strip()

    def cancel_all(self) -> None:
        """End all jobs, at once."""
        self.command("scancel", "--signal=KILL", "--full", "--state=RUNNING")
        self.command("scancel", f"--user={getpass.getuser()}")
        self.wait_for("an empty queue", lambda: not self.queue(), Path(), 60)

    def wait_for(self, what: str, holds: Callable[[], object], sweep: Path, seconds: float = PATIENCE) -> None:
        """Wait until `holds()`; fail with what Slurm and the logs in the sweep's folder say when it takes too long."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {seconds:.0f} s in vain for {what}\n{self.queue()}\n{_logs(sweep)}")
            time.sleep(0.02)

    def wait_until_done(self, run: Path) -> None:
        """Wait until a run of a sweep is done; fail as soon as it can't be any more."""

        def done():
            state = read_state(run)
            if state and state.state in ("failed", "lost"):
                pytest.fail(f"{run.name} {state.state}: {state.reason}\n{_logs(run.parents[1])}")
            return state and state.state == "done"

        self.wait_for(f"the end of {run.name}", done, run.parents[1])

    def hold(self, run: Path, step: int) -> int:
        """Stop the process of a run's start soon after `step`, so that it stays in the middle; return its number.

        Slurm sends SIGCONT before any other signal, so whatever Slurm is then asked for reaches the run, right there.
        """
        self.wait_for(f"step {step} of {run.name}", lambda: last_step(run) >= step, run.parents[1])
        process = read_state(run).pid
        os.kill(process, signal.SIGSTOP)
        return process

    def status(self, sweep: Path) -> dict[str, str]:
        """Return what `launch.py status` prints for each run, by its name."""
        lines = self.launch("status", f"--workdir={sweep}").splitlines()
        names = {run.name for run in (sweep / "runs").iterdir()}
        return {words[0]: line for line in lines if (words := line.split()) and words[0] in names}


def last_step(run: Path) -> int:
    """Return the newest step in a run's history."""
    lines = read_history(run) if (run / "history.jsonl").exists() else []
    return max((line["step"] for line in lines), default=0)


def starts(run: Path) -> list[dict]:
    """Return the starts that a run on Slurm has noted."""
    return json.loads((run / "starts.json").read_text())


def log(run: Path) -> str:
    """Return what all starts of a run's latest job have printed."""
    logs = (run.parents[1] / "logs").glob(f"{read_state(run).job}_*_log.*")
    return "".join(path.read_text() for path in sorted(logs))


def assert_equal(run: Path, other: Path, tolerance: float = 0) -> None:
    """Two runs have the same best and last parameters, by default bit for bit and with the same history.

    But for the rate, and the logged losses and accuracies, which are means since the line before or since the start.
    """
    for which in ("last", "best"):
        (_, one, step), (_, two, other_step) = load_network(run, which), load_network(other, which)
        assert step == other_step
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
    if not tolerance:
        assert _lasting(read_history(run)) == _lasting(read_history(other))


def _lasting(history: Sequence[Mapping]) -> list[dict]:
    lasting = {"step", "kind", "grad_norm", "learning_rate"}
    return [
        {name: value for name, value in line.items() if line["kind"] == "validation" or name in lasting}
        for line in history
    ]


def _logs(sweep: Path) -> str:
    return "\n".join(f"== {path.name}\n{_tail(path.read_text())}" for path in sorted(sweep.glob("logs/*_log.*")))


def _tail(text: str) -> str:
    return "\n".join(text.replace("\r", "\n").splitlines()[-20:])
