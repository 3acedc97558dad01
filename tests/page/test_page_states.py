"""All states of the page: wide and narrow, light and dark, without barriers; and the page of the runs."""

import photographs
import pytest
from browsing import at, choose, drop, expect, finished
from serving import ROOT

AXE = ROOT / ".cache" / "page" / "node_modules" / "axe-core" / "axe.min.js"


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
    for name in ("Save", "Undo", "Add files"):
        button = page.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, with_folders, scheme, tmp_path):
    if not AXE.exists():
        pytest.skip(f"no axe-core: npm install --prefix {ROOT / '.cache' / 'page'} axe-core@4")
    for number, width in enumerate((96, 128)):
        (tmp_path / f"color-{number}.png").write_bytes(photographs.color_png(width, 96))
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
    page.get_by_text("1 failed").click()
    look("failed")
    page.get_by_role("button", name="old.jpg").click()
    finished(page)
    look("finished")
    choose(page, "tool", "point")
    page.mouse.click(*at(page, 0.5, 0.4))
    expect(page.locator("#likely button").first).to_be_visible()
    look("painting")
    page.set_input_files("#reference-files", tmp_path)
    expect(page.locator("#found button")).to_have_count(2)
    look("references")
    page.goto(f"{with_folders.address}runs")
    expect(page.get_by_role("row", name="good")).to_be_visible()
    look("runs")
