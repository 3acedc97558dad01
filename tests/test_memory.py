"""Memory that is used up is one line, whoever says it; other errors are not taken for it."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import launch
from colorjax import denoising
from colorjax.commands import status
from colorjax.runtime.memory import memory_fault

XLA = RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 5425596040 bytes.")


@pytest.mark.parametrize("error", [XLA, MemoryError("Unable to allocate 6.89 GiB"), MemoryError()])
def test_memory_used_up_is_one_line_of_the_command(tmp_path, monkeypatch, capsys, error):
    def fail(**_):
        raise error

    monkeypatch.setattr(status, "main", fail)
    assert launch.main(["status", f"--workdir={tmp_path}"]) == 1
    line = capsys.readouterr().err
    assert line.startswith("launch.py status: out of memory (")
    assert "use a smaller --config.training.batch_size" in line
    assert line.count("\n") == 1


def test_memory_used_up_by_one_picture_leaves_the_others(tmp_path, monkeypatch, capsys):
    def denoise(pixels, *_):
        if len(pixels) > 9:
            raise XLA
        return pixels

    monkeypatch.setattr(denoising, "denoise", denoise)
    monkeypatch.setattr(denoising, "check_denoiser", lambda *_: SimpleNamespace())
    monkeypatch.chdir(tmp_path)
    for name, side in (("large.png", 12), ("small.png", 8)):
        Image.fromarray(np.zeros((side, 8, 3), np.uint8)).save(name)
    assert launch.main(["denoise", "large.png", "small.png", "--output=out"]) == 1
    out, err = capsys.readouterr()
    assert "large.png: skipped: too large for this machine's memory" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["small.png"]
    assert out == ""


def test_memory_is_not_blamed_for_other_errors():
    for error in (RuntimeError("INVALID_ARGUMENT: shapes differ"), ValueError("memory"), KeyError("allocate")):
        assert memory_fault(error) is None
