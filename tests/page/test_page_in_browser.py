"""The page in Chromium: what a person sees, touches and saves."""

import io
import json
import shutil
import time

import numpy as np
import photographs
import pytest
import tifffile
from needs import CHROMIUM, missing
from PIL import Image
from serving import LONG, ROOT, launch, running
from support.runs import make_run, train, validation

if not missing():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=LONG * 1000)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / ".cache" / "page" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, CHROMIUM)))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, server):
    """A function that opens the page in a browser of its own; in the end nothing may have gone wrong in any."""
    contexts, wrong = [], []

    def opened(context=None, address=server.address, **settings):
        if context is None:
            context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}} | settings)
            context.set_default_timeout(LONG * 1000)
            contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))

        def look(request):
            if not request.url.startswith((server.address, address, "blob:", "data:")):
                wrong.append(f"a request to {request.url}")

        page.on("request", look)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def drop(page, *files):
    """Drop files, (name, data) each, on the page."""
    page.set_input_files(
        "#files", [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    )


def finished(page):
    """Wait until the present picture is done, and all of it is on the screen."""
    expect(page.locator("body[data-state=ready][data-complete=true]")).to_be_attached()


def at(page, x, y):
    """Return the place on the screen at shares of the canvas."""
    box = page.locator("#canvas").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def stroke(page, start, end):
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=6)
    page.mouse.up()


def choose(page, name, value):
    page.locator(f"[name={name}][value={value}]").check(force=True)


def save(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Save", exact=True).click()
    return download.value


def color_at(page, x, y):
    """Return [r, g, b] of the screen at shares of the canvas."""
    left, top = at(page, x, y)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return np.array(image.getpixel((round(left), round(top))), int)


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
    broken.click()
    expect(page.locator("#notice")).to_contain_text("broken.jpg: ")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#strip button")).to_have_count(1)
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
    drop(page, ("a.png", photographs.color_png(64, 48)), ("b.png", photographs.color_png(48, 64)))
    expect(page.get_by_role("button", name="b.png: ready")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save all").click()
    assert download.value.suggested_filename == "restored.zip"


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


def choose_when_ready(page, name, value):
    expect(page.locator("body.ready")).to_be_attached()
    choose(page, name, value)


def test_reference_is_dropped_and_taken_away(opened):
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg()))
    finished(page)
    reference = {"name": "reference.png", "mimeType": "image/png", "buffer": photographs.color_png()}
    page.set_input_files("#reference-file", reference)
    expect(page.get_by_alt_text("Reference: reference.png")).to_be_visible()
    page.get_by_role("button", name="Without it").click()
    expect(page.get_by_alt_text("Reference: reference.png")).to_be_hidden()
    expect(page.locator("#strip button")).to_have_count(1)  # a reference is no picture to restore


@pytest.fixture(scope="module")
def with_folders(tmp_path_factory):
    """A server with a folder of references and one of runs."""
    folder = tmp_path_factory.mktemp("folders")
    (folder / "references").mkdir()
    for number, (width, height) in enumerate([(96, 96), (128, 96), (160, 96)]):
        (folder / "references" / f"color-{number}.png").write_bytes(photographs.color_png(width, height))
    history = [train(10), validation(20, 25.5)]
    make_run(folder / "runs" / "good", history=history)
    make_run(folder / "runs" / "bad", state="failed", reason="the disk was full")
    (folder / "runs" / "report.html").write_text("<!doctype html><title>Report</title><h1>All of it</h1>")
    (folder / "secret.html").write_text("secret")
    (folder / "runs" / "compare.html").symlink_to(folder / "secret.html")
    words = (f"--references={folder / 'references'}", f"--runs={folder / 'runs'}")
    with running(folder, *words) as started:
        yield started


def test_references_are_found_in_a_folder(opened, with_folders):
    page = opened(address=with_folders.address)
    drop(page, ("old.jpg", photographs.gray_jpeg()))
    finished(page)
    page.get_by_role("button", name="Find similar ones").click()
    found = page.locator("#found button")
    expect(found).to_have_count(3)
    found.first.click()
    expect(page.locator("#found [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#reference-image")).to_be_visible()
    finished(page)


def test_runs_are_shown_and_nothing_else_of_their_folder(opened, with_folders):
    page = opened(address=with_folders.address)
    page.goto(f"{with_folders.address}runs")
    expect(page.get_by_role("row", name="good")).to_contain_text("25.50")
    expect(page.get_by_role("row", name="bad")).to_contain_text("the disk was full")
    expect(page.locator("#reports a")).to_have_count(1)
    with page.context.expect_page() as report:
        page.get_by_role("link", name="report.html").click()
    expect(report.value.get_by_role("heading", name="All of it")).to_be_visible()
    for path in (
        "reports/compare.html",
        "reports/good/config.json",
        "reports/../secret.html",
        "reports/%2e%2e/secret.html",
    ):
        assert page.request.get(with_folders.address + path).status == 404
    with page.context.expect_page() as compared:
        page.get_by_role("link", name="Compare").click()
    expect(compared.value.get_by_role("heading", name="Runs in runs")).to_be_visible()


@pytest.mark.parametrize("width", [360, 3840])
def test_nothing_is_wider_than_the_window(opened, width):
    page = opened(viewport={"width": width, "height": 740})
    drop(page, ("old.jpg", photographs.gray_jpeg(384, 256)), ("two.jpg", photographs.gray_jpeg(64, 64)))
    finished(page)
    choose(page, "tool", "point")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Save", "Undo", "Add pictures"):
        button = page.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, with_folders, scheme):
    if not AXE.exists():
        pytest.skip(f"no axe-core: npm install --prefix {ROOT / '.cache' / 'page'} axe-core@4")
    page = opened(address=with_folders.address, color_scheme=scheme)

    def look(state):
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run()")["violations"]
        bad = [
            f"{state}: {one['id']}: {[node['html'][:90] for node in one['nodes']]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert bad == []

    look("empty")
    drop(page, ("broken.jpg", b"nothing"), ("old.jpg", photographs.gray_jpeg()))
    expect(page.get_by_role("button", name="broken.jpg: failed")).to_be_visible()
    look("failed")
    page.get_by_role("button", name="old.jpg").click()
    finished(page)
    look("finished")
    choose(page, "tool", "point")
    page.mouse.click(*at(page, 0.5, 0.4))
    expect(page.locator("#likely button").first).to_be_visible()
    look("painting")
    page.goto(f"{with_folders.address}runs")
    expect(page.get_by_role("row", name="good")).to_be_visible()
    look("runs")


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
