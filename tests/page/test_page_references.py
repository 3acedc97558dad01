"""Pictures that lend their colors, in Chromium."""

import photographs
from browsing import drop, expect, finished


def are_shown(page):
    """Expect each reference that was found, and what it would give."""
    images = page.locator("#found img")
    for number in range(images.count()):
        expect(images.nth(number)).not_to_have_js_property("naturalWidth", 0)


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


def test_references_are_found_in_a_folder(opened, with_folders):
    page = opened(address=with_folders.address)
    drop(page, ("old.jpg", photographs.gray_jpeg()))
    finished(page)
    page.get_by_role("button", name="Find similar ones").click()
    found = page.locator("#found button")
    expect(found).to_have_count(3)
    are_shown(page)
    found.first.click()
    expect(page.locator("#found [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#reference-image")).to_be_visible()
    finished(page)


def test_nearest_are_found_in_a_folder_of_the_browser(opened, tmp_path):
    for number, (width, height) in enumerate([(96, 96), (128, 96), (160, 96)]):
        (tmp_path / f"color-{number}.png").write_bytes(photographs.color_png(width, height))
    (tmp_path / "gray.jpg").write_bytes(photographs.gray_jpeg(64, 64))
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    (tmp_path / "notes.txt").write_text("no picture")
    page = opened()
    drop(page, ("old.jpg", photographs.gray_jpeg()))
    finished(page)
    expect(page.get_by_role("button", name="Find similar ones")).to_be_hidden()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(tmp_path)
    found = page.locator("#found button")
    expect(found).to_have_count(3)
    expect(page.locator("#reference-count")).to_have_text("3 pictures in your folder")
    found.nth(1).click()
    expect(page.locator("#found [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#reference-image")).to_be_visible()
    finished(page)
    expect(page.locator("#strip button")).to_have_count(1)
    page.reload()  # the folder is still there
    finished(page)
    page.get_by_role("button", name="Find similar ones").click()
    expect(found).to_have_count(3)
    page.get_by_role("button", name="Forget them").click()
    expect(found).to_have_count(0)
    expect(page.locator("#reference-image")).to_be_hidden()
    expect(page.get_by_role("button", name="Find similar ones")).to_be_hidden()
    finished(page)
