"""A run killed with SIGKILL and started again, against one that nothing stopped: the same numbers, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest
from support import tiny_training as tiny

from colorjax.models import MODELS
from colorjax.training import load_network, loop

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]


@contextmanager
def started(workdir, pause):
    """A process that trains; killed at the latest when the context ends."""
    with (workdir.parent / f"{workdir.name}.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "support.tiny_training", str(workdir), str(pause)],
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/tests"},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def steps_seen(workdir):
    path = workdir / "history.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return max((json.loads(line)["step"] for line in lines if line.endswith("\n")), default=0)


def test_kill_and_start_again(tmp_path, monkeypatch):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    with started(killed, 0.1) as process:
        deadline = time.monotonic() + 120
        # Past the first checkpoints and validation, and between two checkpoints.
        while steps_seen(killed) < 14:
            assert process.poll() is None, (tmp_path / "killed.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert 14 <= steps_seen(killed) < tiny.STEPS
    with started(killed, 0) as again:
        assert again.wait(120) == 0, (tmp_path / "killed.log").read_text()
    assert "going on from the checkpoint of step" in (tmp_path / "killed.log").read_text()

    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)
    loop.train(tiny.config(optimizer__name="muon"), whole, tiny.data(), tiny.validate, jax.devices()[:2])
    for which in ("last", "best"):
        (_, one, step), (_, other, other_step) = load_network(killed, which), load_network(whole, which)
        assert step == other_step
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
            np.testing.assert_array_equal(a, b)
    lines = [[json.loads(line) for line in (w / "history.jsonl").read_text().splitlines()] for w in (killed, whole)]
    for line in lines[0] + lines[1]:
        line.pop("examples_per_second", None)
    assert lines[0] == lines[1]
