"""What a person does on the page, in Chromium."""

import io

import numpy as np
from needs import missing
from PIL import Image
from serving import LONG

if missing():
    expect = None
else:
    from playwright.sync_api import expect

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


def choose_when_ready(page, name, value):
    expect(page.locator("body.ready")).to_be_attached()
    choose(page, name, value)
