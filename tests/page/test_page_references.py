"""Pictures that lend their colors, in Chromium."""

import photographs
from browsing import drop, expect, finished


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
    found.first.click()
    expect(page.locator("#found [aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#reference-image")).to_be_visible()
    finished(page)
