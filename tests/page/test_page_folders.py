"""Whole folders as a batch, in Chromium."""

import photographs
import pytest
from browsing import drop, expect


@pytest.fixture
def folder(tmp_path):
    """A folder with two pictures, one of them in a folder of its own, and five other files."""
    inside = tmp_path / "box" / "1931"
    inside.mkdir(parents=True)
    (tmp_path / "box" / "a.JPG").write_bytes(photographs.gray_jpeg(64, 48))
    (inside / "b.png").write_bytes(photographs.color_png(64, 48))
    for name in ("notes.txt", "list.txt", "README", "phone.heic", ".hidden.jpg"):
        (inside / name).write_bytes(b"no picture")
    return tmp_path / "box"


def is_taken(page):
    """Expect that the folder's pictures are there, and that one line tells of what was left out."""
    expect(page.get_by_role("button", name="a.JPG: ready")).to_be_visible()
    expect(page.get_by_role("button", name="b.png: ready")).to_be_visible()
    expect(page.locator("#strip button")).to_have_count(2)
    said = "4 files are left out, as no picture that can be read: 1 without an ending, 1 .heic, 2 .txt."
    assert said in page.evaluate("window.said")


def listen(page):
    """Keep all that the page says, since a line goes away after some seconds."""
    page.evaluate("""() => {
      window.said = [];
      const status = document.getElementById("status");
      new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });
    }""")


def test_folder_is_chosen(opened, folder):
    page = opened()
    listen(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    is_taken(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add folder").click()
    chooser.value.set_files(folder)
    expect(page.locator("#strip button")).to_have_count(4)


def test_folder_is_dropped(opened, folder):
    page = opened()
    listen(page)
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 400, "y": 300, "data": data})
    is_taken(page)


def test_folder_without_pictures_is_one_line(opened, tmp_path):
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "notes.txt").write_text("no picture")
    page = opened()
    page.set_input_files("#folder", tmp_path / "box")
    said = "There is no picture in this folder. One file is left out, as no picture that can be read: 1 .txt."
    expect(page.locator("#status")).to_have_text(said)
    expect(page.get_by_role("heading", name="Drop photographs here")).to_be_visible()


def test_refused_files_are_told_and_the_others_are_taken(opened, limited):
    page = opened(address=limited.address, allowed="503")
    small = photographs.gray_jpeg(32, 32)
    drop(page, *[(f"{number}.jpg", small) for number in range(4)], ("large.jpg", small + bytes(100_000)))
    expect(page.locator("#strip button")).to_have_count(3)
    said = "2 files were not taken. The first: 3.jpg: busy: 3 pictures are kept here; remove some, or try again later"
    expect(page.locator("#status")).to_have_text(said)
    drop(page, ("large.jpg", small + bytes(100_000)))
    expect(page.locator("#status")).to_have_text("large.jpg: 0.1 MB; a file may have 0.1 MB")
