"""Finding pictures, naming their results, and never writing over one of them."""

import os
import socket
from pathlib import Path

import pytest
from PIL import Image

from colorjax.errors import UserError
from colorjax.pictures.find import OTHER_SUFFIXES, PICTURE_SUFFIXES, find_pictures
from colorjax.pictures.overwriting import identities, refuse_to_overwrite


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png", "inner/a.png", "inner/.git/c.png", "empty/x.txt"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def names(pictures):
    return [name.as_posix() for _, name in pictures.found]


def test_find_keeps_a_folders_structure(folder):
    found = find_pictures([folder])
    assert names(found) == ["a.png", "b.JPG", "inner/a.png"]
    assert [path for path, _ in found.found] == [folder / "a.png", folder / "b.JPG", folder / "inner/a.png"]
    assert found.remarks == ()


def test_files_are_taken_whatever_they_are_called(folder):
    assert names(find_pictures([folder / "notes.txt", str(folder / ".hidden.png")])) == ["notes.txt", ".hidden.png"]


def test_names_that_collide_keep_their_folders_and_it_is_said(folder):
    given = [folder / "inner/a.png", folder / "a.png", folder / "b.JPG"]
    found = find_pictures(given)
    assert names(found) == ["inner/a.png", "a.png", "b.JPG"]
    assert found.remarks == ("1 name in more than one folder: the results keep their folders (., inner)",)
    other = folder.parent / "others/2019"
    other.mkdir(parents=True)
    for name in ("a.png", "c.png"):
        (other / name).touch()
    # All of a folder, so that its pictures stay together.
    found = find_pictures([folder, other])
    assert names(found) == [
        "photos/a.png",
        "photos/b.JPG",
        "photos/inner/a.png",
        "others/2019/a.png",
        "others/2019/c.png",
    ]
    assert found.remarks == ("1 name in more than one folder: the results keep their folders (others/2019, photos)",)


def test_names_that_differ_in_case_alone_get_a_number_and_it_is_said(folder):
    (folder / "A.png").touch()
    found = find_pictures([folder])
    assert names(found) == ["A.png", "a-2.png", "b.JPG", "inner/a.png"]
    (remark,) = found.remarks
    assert remark == f"{folder / 'a.png'} gives a-2.png: another result has its name"
    (folder / "a-2.png").touch()
    found = find_pictures([folder])
    assert len({name.casefold() for name in names(found)}) == len(names(found)) == 5


def test_suffixes_are_those_of_pillow_but_for_what_is_no_photograph():
    Image.init()
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN or kind == "MPO"}
    icons_textures_and_brushes = {".ico", ".cur", ".icns", ".blp", ".dds", ".ftc", ".ftu", ".gbr"}
    films_and_documents = {".fli", ".flc", ".mpg", ".mpeg", ".iim"}
    drawings = {".eps", ".ps", ".wmf", ".emf"}
    measurements = {".bufr", ".fit", ".fits", ".grib", ".h5", ".hdf", ".pfm"}
    left_out = icons_textures_and_brushes | films_and_documents | drawings | measurements
    assert known - PICTURE_SUFFIXES == left_out
    assert not PICTURE_SUFFIXES - known - {".jfif"}
    assert not PICTURE_SUFFIXES & OTHER_SUFFIXES


def test_find_counts_by_suffix_what_looks_like_a_picture_and_is_not_taken(folder):
    for name in ("x.heic", "inner/y.HEIC", "z.nef", "photo.mpo", "scan.pbm", "old.psd", "k.j2k", "p.qoi", "data.csv"):
        (folder / name).touch()
    found = find_pictures([folder])
    assert set(names(found)) == {"a.png", "b.JPG", "inner/a.png", "photo.mpo", "scan.pbm", "old.psd", "k.j2k", "p.qoi"}
    assert found.remarks == ("3 files left out: 2 .heic, 1 .nef; save them as JPEG, PNG or TIFF",)
    (folder / "empty/x.dng").touch()
    with pytest.raises(
        UserError, match=r"empty: no pictures in this folder or below it \(1 file left out: 1 \.dng; save"
    ):
        find_pictures([folder / "empty"])


def test_find_leaves_pipes_and_sockets_out(folder):
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "s.jpg"))
        found = find_pictures([folder])
    assert names(found) == ["a.png", "b.JPG", "inner/a.png"]
    assert found.remarks == ("2 files left out: pipes, sockets or devices (pipe.png, s.jpg)",)


def test_find_leaves_results_beside_their_sources_out(folder):
    results = ["k.gif.png", "k.gif-compared.png", "k.gif-2.png", "wrong.png.jpg"]
    own = ["k.gif", "wrong.png", "k-compared.png", "lonely.gif.png"]
    for name in results + own:
        (folder / name).touch()
    everything = sorted([*results, *own, "a.png", "b.JPG", "inner/a.png"])
    for output in (folder, folder / "inner/..", f"{folder}/."):
        found = find_pictures([folder], output)
        assert sorted(names(found)) == [name for name in everything if name not in results]
        (remark,) = found.remarks
        assert remark.startswith("4 files left out: results of an earlier run (k.gif-2.png, k.gif-compared.png")
    assert sorted(names(find_pictures([folder], folder.parent / "out"))) == everything


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
