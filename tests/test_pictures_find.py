"""Finding pictures, naming their results, and never writing over one of them."""

import os
from pathlib import Path

import pytest

from colorjax.errors import UserError
from colorjax.pictures.find import find_pictures
from colorjax.pictures.overwriting import identities, refuse_to_overwrite


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png", "inner/a.png", "inner/.git/c.png", "empty/x.txt"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def names(found):
    return [name.as_posix() for _, name in found]


def test_find_keeps_a_folders_structure(folder):
    found = find_pictures([folder])
    assert names(found) == ["a.png", "b.JPG", "inner/a.png"]
    assert [path for path, _ in found] == [folder / "a.png", folder / "b.JPG", folder / "inner/a.png"]


def test_files_are_taken_whatever_they_are_called(folder):
    assert names(find_pictures([folder / "notes.txt", str(folder / ".hidden.png")])) == ["notes.txt", ".hidden.png"]


def test_names_do_not_collide(folder):
    (folder / "a-2.png").touch()
    (folder / "A.png").touch()
    given = [folder / "inner/a.png", folder / "a.png", folder / "a-2.png", folder / "A.png"]
    assert names(find_pictures(given)) == ["a.png", "a-2.png", "a-2-2.png", "A-3.png"]
    found = find_pictures([folder / "inner", folder])
    assert names(found) == ["a.png", "A-2.png", "a-2-2.png", "a-3.png", "b.JPG"]
    assert len({name.casefold() for name in names(found)}) == len({path for path, _ in found})


def test_find_takes_a_file_that_is_given_twice_once(folder):
    (folder / "link.png").symlink_to("a.png")
    (folder / "inner/up").symlink_to("..")
    found = find_pictures([folder / "a.png", folder, folder / "inner/../a.png"])
    assert names(found) == ["a.png", "b.JPG", "inner/a.png"]


def test_find_leaves_an_output_directory_inside_aside(folder):
    assert names(find_pictures([folder], folder / "inner")) == ["a.png", "b.JPG"]
    assert names(find_pictures([folder], folder / "nowhere")) == ["a.png", "b.JPG", "inner/a.png"]
    assert names(find_pictures([folder], folder)) == ["a.png", "b.JPG", "inner/a.png"]


def test_find_of_what_is_not_there_is_one_line(folder):
    with pytest.raises(UserError, match="^no pictures given; name files or folders of pictures$"):
        find_pictures([])
    with pytest.raises(UserError, match=r"nowhere\.png: no such file or folder$"):
        find_pictures([folder, folder / "nowhere.png"])
    with pytest.raises(UserError, match="empty: no pictures in this folder or below it$"):
        find_pictures([folder / "empty"])
    os.mkfifo(folder / "pipe")
    with pytest.raises(UserError, match="pipe: neither a file nor a folder$"):
        find_pictures([folder / "pipe"])


def test_inputs_are_never_overwritten(folder, monkeypatch):
    (folder / "link.png").symlink_to("a.png")
    os.link(folder / "a.png", folder / "hard.png")
    (folder / "up").symlink_to("..", target_is_directory=True)
    monkeypatch.chdir(folder)
    inputs = identities([folder / "a.png", folder / "inner/a.png"])
    for path in ("a.png", "inner/../a.png", "link.png", "hard.png", "up/photos/a.png", folder / "inner/a.png"):
        with pytest.raises(UserError, match=r"a\.png|link\.png|hard\.png") as error:
            refuse_to_overwrite(path, inputs)
        assert str(error.value).startswith(f"{path}: this is one of the inputs")
    for path in ("b.JPG", "new.png", Path("nowhere/a.png")):
        refuse_to_overwrite(path, inputs)
    # An input that was given through a link is what the link leads to.
    with pytest.raises(UserError):
        refuse_to_overwrite("a.png", identities(["link.png"]))
