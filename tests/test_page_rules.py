"""The page's rules that need neither its packages nor a network: who is let in, names, recipes, whose turn it is."""

import json
import time

import pytest

from colorjax.errors import UserError
from colorjax.page.album import READY, Picture, Session
from colorjax.page.recipe import Recipe, parse_recipe
from colorjax.page.security import Gate, is_loopback
from colorjax.page.store import Store, safe_name

OWN = {"host": "127.0.0.1:8010"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", OWN, None),
        ("GET", {"host": "localhost:8010"}, None),
        ("GET", {"host": "[::1]:8010"}, None),
        ("GET", OWN | {"origin": "http://127.0.0.1:8010"}, None),
        ("POST", OWN | {"origin": "http://127.0.0.1:8010", "sec-fetch-site": "same-origin"}, None),
        # A link on another site may open the page, and nothing more.
        (
            "GET",
            OWN | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
            None,
        ),
        ("GET", OWN | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        ("GET", OWN | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        (
            "POST",
            OWN | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
            403,
        ),
        ("GET", {}, 421),
        ("GET", {"host": "evil.example:8010"}, 421),
        ("GET", {"host": "127.0.0.1.evil.example:8010"}, 421),
        ("GET", {"host": "192.168.0.7:8010"}, 421),
        ("GET", {"host": "127.0.0.1:80"}, 421),
        ("GET", {"host": "127.0.0.1"}, 421),
        ("GET", {"host": "127.0.0.1:x"}, 421),
        ("POST", OWN, 403),
        ("DELETE", OWN | {"origin": "http://127.0.0.1:8011"}, 403),
        ("DELETE", OWN | {"origin": "http://localhost:8010"}, 403),
    ],
    ids=str,
)
def test_gate_on_loopback(method, headers, status):
    refusal = Gate("127.0.0.1", 8010, "").refusal(method, headers)
    assert (refusal and refusal[0]) == status


@pytest.mark.parametrize(
    ("host", "own"),
    [("192.168.0.7:80", True), ("[fe80::1]:80", True), ("192.168.0.7", True), ("evil.example:80", False)],
)
def test_gate_on_all_addresses_takes_addresses_and_no_foreign_names(host, own):
    assert Gate("0.0.0.0", 80, "secret").is_own(host) == own


def test_gate_takes_its_token_alone():
    gate = Gate("0.0.0.0", 80, "secret")
    assert gate.accepts("secret")
    assert not any(map(gate.accepts, ("", "secre", "secrets", "Secret", "sécret")))


def test_loopback_is_told_from_other_addresses():
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.7", "example.com", "")))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("old photo.JPG", "old photo.JPG"),
        ("../../etc/passwd", "passwd"),
        ("C:\\pictures\\a.png", "a.png"),
        ("a\n\0b.png", "ab.png"),
        ('<img src="x">.png', "img src=x.png"),
        ("", "picture"),
        ("..", "picture"),
        ("/", "picture"),
        ("Großmutter 1912.tif", "Großmutter 1912.tif"),
        ("x" * 300 + ".tiff", "x" * 100 + ".tiff"),
    ],
)
def test_names_of_uploads_are_made_safe(name, safe):
    assert safe_name(name) == safe


def test_recipe_comes_back_as_it_was_sent():
    sent = {"task": "colorize", "strength": 0.5, "vividness": 1, "method": "scribble", "hints": {}, "reference": "a"}
    assert parse_recipe(json.loads(json.dumps(sent)))._asdict() == sent
    assert parse_recipe({}) == Recipe()


@pytest.mark.parametrize(
    "wrong", [{"vividness": True}, {"strength": "x"}, {"strength": -0.1}, {"method": "paint"}, "x"]
)
def test_recipe_that_can_not_be_is_refused(wrong):
    with pytest.raises(UserError):
        parse_recipe(wrong)


def picture(tmp_path, **info):
    info = {"gray": True, "own_space": False, "width": 4, "height": 4} | info
    return Picture("a", "a.jpg", tmp_path, state=READY, info=info)


def test_picture_knows_its_next_work(tmp_path):
    one = picture(tmp_path)
    assert (one.next_work(), one.kind) == ("denoise", "gray")
    one.denoised.add("gray")
    assert one.next_work() == ""
    one.wants_result = True
    assert one.next_work() == "render"
    one.result = {"recipe": one.recipe, "remarks": []}
    assert one.next_work() == ""
    one.change(one.recipe._replace(vividness=0.9))
    assert (one.has_result(), one.wants_result, one.next_work()) == (False, False, "")
    one.change(one.recipe._replace(task="colorize"))
    assert one.kind == ""


def test_sliders_keep_the_revision_and_hints_change_it(tmp_path):
    one = picture(tmp_path)
    one.change(one.recipe._replace(strength=0.2, vividness=0.1))
    assert one.revision == 1
    one.change(one.recipe._replace(hints={"format": "x"}))
    assert one.revision == 2


def test_work_after_a_fault_waits_for_another_recipe(tmp_path):
    one = picture(tmp_path)
    one.error = "the disk was full"
    assert one.next_work() == ""
    one.change(one.recipe._replace(strength=0.5))
    assert one.next_work() == "denoise"


def test_removed_picture_takes_its_files_and_what_was_found_for_it(tmp_path):
    import asyncio

    async def work():
        session = Session()
        for name in ("photo", "found"):
            (tmp_path / name).mkdir()
        photo = session.add("photo.jpg", tmp_path / "photo", False)
        found = session.add("found.jpg", tmp_path / "found", True)
        found.lent_to = photo.id
        other = session.add("other.jpg", tmp_path, False)
        other.change(other.recipe._replace(reference=found.id))
        session.remove(photo)
        assert list(session.pictures) == [other.id]
        assert other.recipe.reference == ""
        assert not (tmp_path / "photo").exists()
        assert not (tmp_path / "found").exists()

    asyncio.run(work())


def test_windows_are_woken_by_changes(tmp_path):
    import asyncio

    async def work():
        session = Session()
        waiting = asyncio.ensure_future(session.wait(session.version, 30))
        await asyncio.sleep(0.01)
        assert session.unseen() == 0
        assert not waiting.done()
        session.changed()
        await asyncio.wait_for(waiting, 5)
        await session.wait(session.version, 0.01)  # nothing new, and it does not wait for ever
        assert session.unseen() < 5

    started = time.monotonic()
    asyncio.run(work())
    assert time.monotonic() - started < 10


def test_store_is_private_and_removes_what_killed_servers_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = Store()
    folder = store.new_folder()
    (folder / "original").write_bytes(bytes(1000))
    assert store.size() == 1000
    assert store.path.stat().st_mode & 0o077 == 0
    abandoned = tmp_path / "colorjax-page-abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    foreign = tmp_path / "colorjax-page-foreign"  # not made by a server: it has no lock
    foreign.mkdir()
    other = Store()
    assert not abandoned.exists()
    assert foreign.exists()
    assert folder.exists()
    for one in (store, other):
        one.close()
    assert list(tmp_path.iterdir()) == [foreign]
