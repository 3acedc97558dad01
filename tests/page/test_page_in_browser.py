"""The page in Chromium: what a person sees, touches and saves."""

import io
import json
import time
import zipfile

import numpy as np
import photographs
import tifffile
from browsing import at, choose, choose_when_ready, color_at, drop, expect, finished, save, stroke
from PIL import Image
from serving import launch


def test_drop_wait_divide_paint_undo_save(opened, tmp_path):
    page = opened()
    expect(page.get_by_role("heading", name="Drop photographs here")).to_be_visible()
    drop(page, ("old.jpg", photographs.gray_jpeg(384, 256)))
    finished(page)

    # Before is gray and after is not, and the divider moves by finger and by keys.
    divider = page.get_by_role("slider", name="Divider between before and after")
    assert divider.get_attribute("aria-valuenow") == "50"
    box = page.locator("#divider").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(*at(page, 0.9, 0.4), steps=4)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "90"
    assert np.ptp(color_at(page, 0.5, 0.5)) <= 2
    divider.press("Home")
    assert divider.get_attribute("aria-valuenow") == "0"
    divider.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "2"
    finished(page)

    # Three strokes, of which one is taken back.
    choose(page, "task", "colorize")
    choose(page, "tool", "brush")
    for number, place in enumerate([(0.3, 0.3), (0.5, 0.6), (0.7, 0.3)]):
        stroke(page, place, (place[0] + 0.06, place[1] + 0.02))
        expect(page.locator("#likely button").first).to_be_visible()
        page.locator("#likely button").nth(min(number, page.locator("#likely button").count() - 1)).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save hints").click()
    assert len(json.loads(download.value.path().read_text())["strokes"]) == 3
    # The last stroke, and the choice of its color.
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save hints").click()
    hints = json.loads(download.value.path().read_text())
    assert (hints["width"], hints["height"], len(hints["strokes"])) == (384, 256, 2)
    finished(page)

    # The file is that of the command.
    download.value.save_as(tmp_path / "hints.json")
    saved = save(page)
    assert saved.suggested_filename == "old.jpg"
    (tmp_path / "old.jpg").write_bytes(photographs.gray_jpeg(384, 256))
    launch("colorize", tmp_path / "old.jpg", f"--output={tmp_path / 'out'}", f"--hints={tmp_path / 'hints.json'}")
    pixels = np.asarray(Image.open(saved.path()))
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(tmp_path / "out" / "old.jpg")))
    assert np.ptp(pixels.astype(int), axis=-1).max() > 20


def test_files_are_dropped_on_the_page(opened):
    page = opened()
    page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg"));
          for (const kind of ["dragenter", "dragover"]) {
            dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
          }
        }""",
        list(photographs.gray_jpeg(64, 64)),
    )
    expect(page.locator("#dropping")).to_be_visible()
    page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg"));
          dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        list(photographs.gray_jpeg(64, 64)),
    )
    expect(page.locator("#dropping")).to_be_hidden()
    expect(page.get_by_role("button", name="dropped.jpg: ready")).to_be_visible()


def test_reload_and_second_window_show_the_same(opened):
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg(384, 256)))
    expect(page.locator("#strip button")).to_have_count(1)
    page.reload()  # in the middle of the work
    finished(page)
    choose(page, "task", "denoise")
    window = opened(page.context)
    finished(window)
    expect(window.locator("[name=task][value=denoise]")).to_be_checked()
    choose(window, "task", "restore")
    expect(page.locator("[name=task][value=restore]")).to_be_checked()
    finished(page)  # so that no window still asks for tiles of a picture that is gone
    finished(window)
    window.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Drop photographs here")).to_be_visible()


def test_deep_tiff_keeps_its_bits(opened):
    page = opened()
    drop(page, ("deep.tif", photographs.deep_tiff()))
    finished(page)
    expect(page.locator("#facts")).to_have_text("192 × 128, 16 bits, TIFF")
    saved = save(page)
    assert saved.suggested_filename == "deep.tif"
    with tifffile.TiffFile(saved.path()) as tiff:
        assert tiff.pages[0].dtype == np.uint16
        assert tiff.pages[0].tags["XResolution"].value == (600, 1)
        assert tiff.pages[0].shape == (128, 192, 3)


def test_broken_file_is_told_and_the_others_go_on(opened):
    page = opened()
    drop(page, ("broken.jpg", b"\xff\xd8 nothing"), ("good.png", photographs.color_png()))
    broken = page.get_by_role("button", name="broken.jpg: failed")
    expect(broken).to_be_visible()
    expect(page.get_by_role("button", name="good.png: ready")).to_be_visible()
    expect(page.locator("#batch-ready")).to_have_text("1 of 2 ready")
    page.get_by_text("1 failed").click()
    expect(page.locator("#batch-failed li")).to_contain_text("broken.jpg: not a picture")
    broken.click()
    expect(page.locator("#notice")).to_contain_text("broken.jpg: ")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#strip button")).to_have_count(1)
    expect(page.locator("#batch")).to_be_hidden()
    finished(page)


def test_sliders_answer_and_are_kept(opened):
    page = opened()
    drop(page, ("noisy.png", photographs.color_png()))
    finished(page)
    strength = page.get_by_label("Strength of denoising")
    strength.focus()
    for _ in range(3):
        strength.press("PageDown")
    value = strength.input_value()
    assert int(value) < 100
    expect(page.locator("output[for=strength]")).to_have_text(f"{value} %")
    finished(page)
    page.reload()
    finished(page)
    assert page.get_by_label("Strength of denoising").input_value() == value


def test_hints_are_painted_by_keys_alone(opened):
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg()))
    finished(page)
    choose(page, "task", "colorize")
    page.locator("#canvas").focus()
    page.keyboard.press("p")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    red = page.get_by_label("Green to red")
    red.focus()
    red.press("End")
    page.locator("#canvas").focus()
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save hints").click()
    hints = json.loads(download.value.path().read_text())
    assert (len(hints["points"]), len(hints["strokes"])) == (1, 1)
    red, green, _ = (int(hints["points"][0]["color"][i : i + 2], 16) for i in (1, 3, 5))
    assert red > green + 40
    assert hints["strokes"][0]["points"][-1][1] > hints["strokes"][0]["points"][0][1]
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("button", name="Save hints")).to_be_disabled()
    page.set_input_files("#hints-file", {"name": "h.json", "mimeType": "", "buffer": json.dumps(hints).encode()})
    expect(page.get_by_role("button", name="Save hints")).to_be_enabled()


def test_eraser_takes_away_what_it_touches(opened):
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg(384, 256)))
    finished(page)
    choose(page, "tool", "brush")
    stroke(page, (0.4, 0.4), (0.6, 0.4))
    choose(page, "tool", "eraser")
    stroke(page, (0.5, 0.3), (0.5, 0.5))
    with page.expect_download() as download:
        page.get_by_role("button", name="Save hints").click()
    strokes = json.loads(download.value.path().read_text())["strokes"]
    assert len(strokes) == 2
    assert max(x for x, _ in strokes[0]["points"]) < min(x for x, _ in strokes[1]["points"])


def test_all_are_saved_as_a_zip(opened):
    page = opened()
    files = [("c.png", b"nothing"), ("a.png", photographs.color_png(64, 48)), ("b.png", photographs.color_png(48, 64))]
    drop(page, *files)
    expect(page.get_by_role("button", name="b.png: ")).to_be_visible()  # and not read yet
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all").click()
    assert download.value.suggested_filename == "restored.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert set(archive.namelist()) == {"a.png", "b.png", "not restored.txt"}
    expect(page.locator("#status")).to_have_text("2 pictures in the zip file; 1 failed, and it says why.")
    with page.expect_download():  # again, now that all are there
        page.get_by_role("button", name="Save all").click()


def test_saved_file_has_what_was_changed_just_before(opened):
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg()))
    finished(page)
    choose(page, "task", "colorize")
    first = save(page).path().read_bytes()
    choose(page, "task", "denoise")
    second = save(page).path().read_bytes()
    assert Image.open(io.BytesIO(first)).mode == "RGB"
    assert Image.open(io.BytesIO(second)).mode == "L"


def test_large_picture_comes_in_tiles(opened):
    page = opened()
    tiles = []
    page.on("request", lambda request: tiles.append(request.url) if "/before/" in request.url else None)
    drop(page, ("large.jpg", photographs.large_jpeg(3000)))
    choose_when_ready(page, "task", "colorize")
    finished(page)
    assert not any("/before/0/" in url for url in tiles)  # the whole of it never comes at full size
    with page.expect_request(lambda request: "/before/0/" in request.url):
        page.get_by_role("button", name="1 : 1").click()
    finished(page)
    full = {url for url in tiles if "/before/0/" in url}
    assert 0 < len(full) < 36 / 2
    expect(page.locator("#zoom-share")).to_have_text("100 %")


def test_hints_are_followed_soon(opened):
    """Within what a person calls at once; docs/page.md has what an idle machine takes."""
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg(384, 256)))
    finished(page)
    choose(page, "tool", "point")
    took = []
    for x in (0.4, 0.5, 0.6):
        with page.expect_response(lambda answer: "/after/" in answer.url and answer.ok):
            page.mouse.click(*at(page, x, 0.4))
            began = time.monotonic()
        took.append(time.monotonic() - began)
    assert min(took) < 3
