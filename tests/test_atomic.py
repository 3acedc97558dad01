"""Files that are never half written: the old one or the new one is there, and nothing else beside it."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from colorjax.errors import UserError
from colorjax.runtime.atomic import replacing, write_atomically
from colorjax.runtime.cache import save_arrays


def test_atomic_file_is_there_when_it_is_complete(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("ne")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_file_stays_the_old_one_after_an_error(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")

    def interrupted():
        with replacing(path) as temporary:
            temporary.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "note.txt"
    with replacing(path) as one, replacing(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_atomic_writers_leave_nothing_but_their_files(tmp_path):
    write_atomically(tmp_path / "text.json", "{}\n")
    save_arrays(tmp_path / "below" / "arrays.safetensors", {"x": np.arange(3)})
    assert (tmp_path / "text.json").read_text() == "{}\n"
    np.testing.assert_array_equal(load_file(tmp_path / "below" / "arrays.safetensors")["x"], np.arange(3))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["arrays.safetensors", "below", "text.json"]


def test_atomic_arrays_that_cant_be_written_are_a_line_with_their_path(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "arrays.safetensors"
    with pytest.raises(UserError, match=f"^can't write {path}: .*; give another file$"):
        save_arrays(path, {"x": np.arange(3)}, advice="give another file")
