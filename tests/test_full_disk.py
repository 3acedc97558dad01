"""A disk that is full or read-only: one line that names the file, no half file, and nothing lost."""

import contextlib
import errno
import os
import resource
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
import skimage.data
from ml_collections import ConfigDict
from PIL import Image
from support import tiny_training as tiny

import launch
from colorjax.commands import compare
from colorjax.errors import ColorjaxError
from colorjax.models import MODELS
from colorjax.pages.text import write_csv
from colorjax.pictures.read import read_photo
from colorjax.pictures.write import write_photo
from colorjax.runtime import atomic, compilation
from colorjax.runtime.disk import disk_fault
from colorjax.sweeps.search import open_study
from colorjax.training import loop
from colorjax.training.checkpoints import Checkpoints

PICTURE = skimage.data.astronaut()[::6, ::6]


@contextlib.contextmanager
def files_of_at_most(size):
    """Let no file grow beyond so many bytes, as on a full disk: Python ignores the signal and raises an OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.bmp", "deep.png", "deep.tif"])
def test_full_disk_leaves_no_half_picture_and_the_earlier_result(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    pixels = PICTURE.astype(np.uint16) * np.uint16(257) if name.startswith("deep") else PICTURE
    write_photo(path, pixels, photo)
    before = content(tmp_path)
    with files_of_at_most(900), pytest.raises(ColorjaxError, match=rf"{name}: can't be written: File too large"):
        write_photo(path, 255 - pixels, photo)
    assert content(tmp_path) == before


def test_full_disk_is_one_line_of_the_command_with_status_1(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(PICTURE).save("a.bmp")
    launch.main(["denoise", "a.bmp", "--output=whole"])  # compiled before the disk is full
    capsys.readouterr()
    with files_of_at_most(900):
        assert launch.main(["denoise", "a.bmp", "--output=out"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].endswith("a.bmp: out/a.bmp: can't be written: File too large")
    assert not content(tmp_path / "out")


@pytest.mark.slow
def test_full_disk_while_a_table_is_written_loses_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("tiny.py").write_text(
        "from colorjax.config import *\n"
        "def get_config(variant=''):\n"
        "    config = table_config()\n"
        "    config.task.name, config.protocol.resize, config.protocol.size = 'colorize', 'short_side', 24\n"
        "    config.data.name = 'skimage_photos'\n"
        "    return config.lock()\n"
    )
    words = ["table", "--config=tiny.py", "--workdir=table"]
    assert launch.main(words) == 0
    whole = content(tmp_path / "table")
    (tmp_path / "table/rows/observed/evaluation.json").unlink()
    capsys.readouterr()
    for size in (2_000, 14_000):  # the samples of a row, the report
        with files_of_at_most(size):
            assert launch.main(words) == 1
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("launch.py table: ")
        assert "can't be written: File too large; make room, or choose another place" in line
        now = content(tmp_path / "table")
        assert set(now) <= set(whole)
        assert all(now[name] == whole[name] for name in now if name.suffix in (".html", ".csv", ".md"))
    assert launch.main(words) == 0
    assert set(content(tmp_path / "table")) == set(whole)


def test_full_disk_is_known_before_a_checkpoint_is_begun_and_the_run_goes_on_later(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)
    config = tiny.config(training__checkpoint_every=2)
    original = Checkpoints.save

    def save(self, step, state):
        with pytest.MonkeyPatch.context() as patch:
            if step >= 4:
                patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=300))
            original(self, step, state)

    monkeypatch.setattr(Checkpoints, "save", save)
    with pytest.raises(ColorjaxError, match=r"no room for a checkpoint of .* last good checkpoint: step 2, "):
        loop.train(config, tmp_path / "run", tiny.data(), tiny.validate, jax.devices()[:1])
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["2"]
    monkeypatch.setattr(Checkpoints, "save", original)
    loop.train(config, tmp_path / "run", tiny.data(), tiny.validate, jax.devices()[:1])
    loop.train(config, tmp_path / "whole", tiny.data(), tiny.validate, jax.devices()[:1])
    ends = [max(int(path.name) for path in (tmp_path / name / "checkpoints").iterdir()) for name in ("run", "whole")]
    assert ends[0] == ends[1] > 2


def test_disk_faults_are_told_from_bugs_in_whatever_they_are_wrapped():
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/a/history.jsonl")
    line = "runs/a/history.jsonl: can't be written: No space left on device; make room"
    assert str(disk_fault(full)).startswith(line)
    bug = RuntimeError("a thread failed")
    bug.__cause__ = full
    assert str(disk_fault(ExceptionGroup("two", [ValueError("other"), bug]))).startswith(line)
    store = ValueError(
        'RESOURCE_EXHAUSTED: Error writing local file "/runs/a/d/12": [OS error 28: ENOSPC No space left]'
    )
    assert str(disk_fault(store)).startswith("/runs/a/d/12: can't be written: ENOSPC; make room")
    assert str(disk_fault(OSError(errno.EDQUOT, "Disk quota exceeded"), "runs/a")).startswith(
        "runs/a: can't be written"
    )
    for other in (FileNotFoundError(errno.ENOENT, "No such file", "x"), ValueError("shapes differ"), KeyError("a")):
        assert disk_fault(other) is None


def test_journal_of_a_search_is_read_again_after_half_a_line(tmp_path):
    settings = ConfigDict({"pruner": "none", "startup_trials": 1, "warmup_steps": 0})
    plan = SimpleNamespace(settings=settings, higher_is_better=True)
    study = open_study(plan, tmp_path)
    study.tell(study.ask(), 1.0)
    with (tmp_path / "study.journal").open("a") as journal:
        journal.write('{"op_code": 4, "worker')  # where the disk was full
    again = open_study(plan, tmp_path)
    again.tell(again.ask(), 2.0)
    assert [trial.value for trial in open_study(plan, tmp_path).trials] == [1.0, 2.0]


def test_writers_name_the_file_and_keep_the_earlier_one(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, [["one", 1]])
    with files_of_at_most(300), pytest.raises(OSError, match="File too large") as caught:
        write_csv(path, [["x" * 400, 2]])
    assert caught.value.filename == str(path)
    assert path.read_text() == "one,1\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    with files_of_at_most(300), pytest.raises(OSError, match="File too large") as caught:
        atomic.write_atomically(tmp_path / "b.json", "x" * 400)
    assert caught.value.filename == str(tmp_path / "b.json")


def test_read_only_folder_of_runs_is_compared_and_a_run_there_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)
    loop.train(tiny.config(), tmp_path / "run", tiny.data(), tiny.validate, jax.devices()[:1])

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(compare, "write_files", refuse)
    capsys.readouterr()
    with pytest.raises(ColorjaxError, match=r"can't be written \(Read-only file system\); the table is above"):
        compare.main(tmp_path)
    assert "| all runs |    1 |" in capsys.readouterr().out
    assert launch.main(["status", f"--workdir={tmp_path}"]) == 0
    capsys.readouterr()
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    words = [f"--config={tmp_path / 'run' / 'config.json'}", f"--workdir={tmp_path / 'run'}"]
    assert launch.main(["evaluate", *words]) == 2
    line = capsys.readouterr().err
    assert "can't be written (Read-only file system); export the run's weights" in line
    assert line.count("\n") == 1


def test_programs_that_a_full_disk_cut_short_are_compiled_again_without_a_word(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compilation, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    shown = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: shown.append(str(message)))
    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", str(tmp_path))
        compilation.keep_compilations()
        whole, cut = tmp_path / "jit__apply-1-cache", tmp_path / "jit__apply-2-cache"
        whole.write_bytes(zlib.compress(b"program"))
        cut.write_bytes(zlib.compress(b"program" * 99)[:-9])
        for word in ("reading", "writing"):
            warnings.showwarning(
                UserWarning(f"Error {word} persistent compilation cache entry for 'jit__apply': cut"),
                UserWarning,
                "",
                1,
            )
        warnings.showwarning(UserWarning("another"), UserWarning, "", 1)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
    assert whole.exists()
    assert not cut.exists()
    assert shown == ["another"]
