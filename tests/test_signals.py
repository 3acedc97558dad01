"""Ctrl-C and SIGTERM reach a command wherever they come, and leave nothing half done."""

import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorjax.commands import signals

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("number", "line"), [(signal.SIGINT, ("stopped (Ctrl-C)", 130)), (signal.SIGTERM, ("stopped (SIGTERM)", 143))]
)
def test_signal_is_an_exception_and_tells_its_line(number, line):
    with pytest.raises(KeyboardInterrupt) as caught, signals.raised(signal.SIGINT, signal.SIGTERM) as received:
        signal.raise_signal(number)
    assert received == [number]
    assert signals.line_and_status(caught.value) == line


def test_signal_in_a_callback_that_can_raise_nothing_is_raised_again(capsys):
    class Watched:
        pass

    def lose_the_last_of_them():
        watched = Watched()
        weakref.finalize(watched, signal.raise_signal, signal.SIGINT)
        del watched
        time.sleep(10)  # which the signal ends

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), signals.raised(signal.SIGINT):
        lose_the_last_of_them()
    assert time.monotonic() - started < 9
    assert "Exception ignored" not in capsys.readouterr().err


def test_signals_are_as_before_at_the_end_and_ignored_ones_stay_so():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN), sys.unraisablehook
    try:
        with signals.raised(signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert sys.unraisablehook is before[1]
    finally:
        signal.signal(signal.SIGTERM, before[0])


@pytest.mark.process
def test_sigterm_leaves_no_half_written_file(tmp_path):
    """The signal comes while a result is written, which takes its encoder some time."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), np.uint8)).save(tmp_path / "a.png")
    out = tmp_path / "out"
    words = [sys.executable, ROOT / "launch.py", "denoise", tmp_path / "a.png", "--method=gaussian", f"--output={out}"]
    command = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while command.poll() is None and not (out.is_dir() and list(out.glob(".*.part"))):
        time.sleep(0.01)
    command.send_signal(signal.SIGTERM)
    _, error = command.communicate(timeout=60)
    assert (command.returncode, error) == (143, "launch.py denoise: stopped (SIGTERM)\n")
    assert os.listdir(out) == []
