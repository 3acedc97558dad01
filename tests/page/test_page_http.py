"""The server over HTTP: what a person gets from it, and what it refuses."""

import io
import json
import os
import signal
import time
import zipfile
from pathlib import Path
from threading import Thread

import numpy as np
import photographs
import pytest
import tifffile
from photographs import as_png
from PIL import Image
from serving import Client, launch, running
from skimage import data


@pytest.fixture(scope="module")
def client(server):
    return Client(server.address)


@pytest.fixture(scope="module")
def gray(client):
    """The id of a gray JPEG file that has been read."""
    name = client.upload("old.jpg", photographs.gray_jpeg())
    assert client.read(name)["state"] == "ready"
    return name


# The same files as by the commands


def by_command(folder, name, data, *words, hints=None):
    (folder / name).write_bytes(data)
    if hints:
        (folder / "hints.json").write_text(json.dumps(hints))
        words = [*words, f"--hints={folder / 'hints.json'}"]
    launch(words[0], folder / name, f"--output={folder / 'out'}", *words[1:])
    return (folder / "out" / name).read_bytes()


def test_restored_file_is_that_of_the_command(client, gray, tmp_path):
    assert client.picture(gray)["recipe"]["task"] == "restore"
    client.change(gray, task="restore", strength=0.5)
    result = client.result(gray)
    assert result == by_command(tmp_path, "old.jpg", photographs.gray_jpeg(), "restore", "--strength=0.5")
    with Image.open(io.BytesIO(result)) as image:
        assert image.getexif()[photographs.EXIF_MODEL] == "Box camera"
        assert image.info["dpi"] == (300, 300)


@pytest.mark.parametrize("method", ["network", "scribble"])
def test_hints_give_the_same_pixels_as_on_the_command_line(client, method, tmp_path):
    data = photographs.deep_tiff()
    name = client.upload("deep.tif", data)
    assert client.read(name)["info"]["bits"] == 16
    hints = photographs.hints(192, 128)
    client.change(name, task="colorize", method=method, hints=hints)
    result = client.result(name)
    expected = by_command(tmp_path, "deep.tif", data, "colorize", f"--method={method}", hints=hints)
    pixels = tifffile.imread(io.BytesIO(result))
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, tifffile.imread(io.BytesIO(expected)))


def test_color_picture_is_denoised_unless_more_is_asked_for(client, tmp_path):
    data = photographs.color_png()
    name = client.upload("color.png", data)
    assert client.read(name)["recipe"]["task"] == "denoise"
    assert client.result(name) == by_command(tmp_path, "color.png", data, "denoise")


@pytest.mark.parametrize("gray", [True, False])
def test_16_bits_that_are_only_denoised_stay_in_their_color_space(client, gray, tmp_path):
    tiff = photographs.deep_tiff_in_a_space_of_its_own(gray)
    name = client.upload("deep.tif", tiff)
    assert client.read(name)["info"]["own_space"]
    client.change(name, task="denoise", strength=0.8)
    result = client.result(name)
    assert result == by_command(tmp_path, "deep.tif", tiff, "denoise", "--strength=0.8")
    # What is shown is in sRGB all the same.
    before, after = (
        np.asarray(Image.open(io.BytesIO(client.ask("GET", f"/api/pictures/{name}/{which}/0/0/0")[2])), float)
        for which in ("before", "after")
    )
    with tifffile.TiffFile(io.BytesIO(tiff)) as file:
        levels = (file.asarray() / 65535) ** (1 / 2.2) * 255
    assert np.abs(before - levels).mean() < 6  # by the other primaries; linear values are 50 away
    assert np.abs(after - levels).mean() < 9
    # In color it is sRGB, as by the other commands.
    client.change(name, task="restore")
    colored = client.result(name)
    assert colored == by_command(tmp_path, "deep.tif", tiff, "restore", "--strength=0.8")


def test_reference_gives_the_colors_that_the_command_gives(client, gray, tmp_path):
    reference = client.upload("reference.png", photographs.color_png(), reference="1")
    assert client.read(reference)["state"] == "ready"
    client.change(gray, task="colorize", strength=1.0, reference=reference)
    (tmp_path / "reference.png").write_bytes(photographs.color_png())
    words = ("colorize", f"--reference={tmp_path / 'reference.png'}")
    assert client.result(gray) == by_command(tmp_path, "old.jpg", photographs.gray_jpeg(), *words)
    client.json("DELETE", f"/api/pictures/{reference}")
    assert client.picture(gray)["recipe"]["reference"] == ""


def test_nearest_of_the_browsers_references_comes_first(server):
    client = Client(server.address)
    scene = data.astronaut()
    name = client.upload("old.png", as_png(scene[:300, 100:400].mean(axis=-1).astype(np.uint8)))
    near, *far = [
        client.upload("reference.png", as_png(pixels), reference="folder")
        for pixels in (scene[20:320, 130:430], data.coffee()[:300, :300], data.chelsea())
    ]
    for one in (name, near, *far):
        assert client.read(one)["state"] == "ready"
    gray = client.upload("gray.jpg", photographs.gray_jpeg(64, 64), reference="folder")
    client.until_gone(gray)
    found = client.json("POST", f"/api/pictures/{name}/references?own=1")["found"]
    assert found[0] == near
    assert set(found) == {near, *far}
    client.json("DELETE", "/api/references")
    status, _, body = client.ask("POST", f"/api/pictures/{name}/references?own=1")
    assert (status, json.loads(body)["error"]) == (400, "no picture in the folder of references has colors")
    assert [picture["id"] for picture in client.json("GET", "/api/album")["pictures"]] == [name]


def test_all_results_come_as_a_zip_with_what_failed(server):
    client = Client(server.address)
    same = [client.upload("a/same.png", photographs.color_png(64, 48)) for _ in range(2)]
    broken = client.upload("broken.jpg", photographs.gray_jpeg()[:300])
    for name in (*same, broken):
        client.read(name)
    client.json("POST", "/api/results", {})
    for name in same:
        client.until(name, lambda picture: picture["saved"])
    status, headers, data = client.ask("GET", "/api/results")
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert set(archive.namelist()) == {"same.png", "same-2.png", "not restored.txt"}
        assert "broken.jpg" in archive.read("not restored.txt").decode()


def test_changes_come_in_the_order_in_which_they_are_asked_for(server):
    client = Client(server.address)
    name = client.upload("old.jpg", photographs.gray_jpeg())
    recipe = client.read(name)["recipe"] | {"task": "colorize"}
    large = client.upload("large.jpg", photographs.large_jpeg(6000))  # while it is read, hints are not checked
    client.until(large, lambda picture: picture["state"] == "reading")
    changes = [recipe | {"hints": photographs.hints(192, 128)}, recipe | {"hints": None}]
    threads = [Thread(target=client.json, args=("POST", f"/api/pictures/{name}/recipe", one)) for one in changes]
    for thread in threads:
        thread.start()
        time.sleep(0.1)  # so that they are asked for in this order
    for thread in threads:
        thread.join()
    assert client.picture(name)["recipe"]["hints"] is None


# Views


def test_tiles_are_those_of_the_picture(client, gray):
    client.change(gray, task="colorize", reference="")
    status, _, before = client.ask("GET", f"/api/pictures/{gray}/before/0/0/0")
    assert status == 200
    given = np.asarray(Image.open(io.BytesIO(photographs.gray_jpeg())), float)
    assert np.abs(np.asarray(Image.open(io.BytesIO(before)), float) - given).mean() < 2
    _, _, after = client.ask("GET", f"/api/pictures/{gray}/after/0/0/0?vividness=0.5")
    shown = np.asarray(Image.open(io.BytesIO(after)).convert("RGB"), float)
    finished = np.asarray(Image.open(io.BytesIO(client.result(gray))).convert("RGB"), float)
    assert np.ptp(finished, axis=-1).mean() > 5  # it has colors
    assert np.abs(shown - finished).mean() < 2


def test_likely_colors_are_given_for_a_spot(client, gray):
    found = client.json("GET", f"/api/pictures/{gray}/colors?x=20&y=30")
    assert 0 <= found["lightness"] <= 100
    shares = [share for _, _, share in found["colors"]]
    assert shares == sorted(shares, reverse=True)
    assert 2 <= len(shares) <= 6
    assert sum(shares) <= 1 + 1e-6


@pytest.mark.parametrize("path", ["before/0/9/0", "after/7/0/0", "before/0/0/99999999999999999999"])
def test_tile_that_is_not_there_is_refused(client, gray, path):
    status, _, body = client.ask("GET", f"/api/pictures/{gray}/{path}")
    assert status == 400
    assert json.loads(body)["error"] == "there is no such tile"


# Refusals


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:80"}, 421),
        ({"Host": None}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Cookie": "colorjax=guessed"}, 401),
    ],
    ids=str,
)
def test_requests_of_other_sites_are_refused(client, gray, changes, status):
    before = client.picture(gray)
    answer = client.ask("DELETE", f"/api/pictures/{gray}", **{key.replace("-", "_"): v for key, v in changes.items()})
    assert answer[0] == status
    assert client.picture(gray)["id"] == before["id"]


def test_other_sites_can_not_read_either(client, gray):
    path = f"/api/pictures/{gray}/thumbnail"
    assert client.ask("GET", path)[0] == 200
    assert client.ask("GET", path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert client.ask("GET", path, Origin="http://evil.example")[0] == 403


def test_another_browser_does_not_see_the_pictures(server, client, gray):
    other = Client(server.address)
    assert other.json("GET", "/api/album")["pictures"] == []
    assert other.ask("GET", f"/api/pictures/{gray}/thumbnail")[0] == 404


def test_another_window_of_the_same_browser_does(server, client, gray):
    window = Client(server.address, client.cookie)
    assert gray in [picture["id"] for picture in window.json("GET", "/api/album")["pictures"]]


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/album", "/nothing", "/static/..%2f..%2fapp.py"])
def test_every_answer_has_the_policy(client, path):
    _, headers, body = client.ask("GET", path)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert b"class Page" not in body


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.jpg", "/etc/passwd.jpg", "..\\..\\passwd.jpg", "a\0b\n.jpg", "x" * 5000 + ".jpg", "", "."],
)
def test_name_of_an_upload_is_never_a_path(server, client, name, tmp_path):
    picture = client.upload(name, photographs.gray_jpeg(32, 32))
    shown = client.read(picture)
    assert shown["state"] == "ready"
    assert not {"/", "\\", "\0", "\n"} & set(shown["name"])
    assert len(shown["name"]) <= 130
    client.change(picture, task="colorize")
    client.result(picture)
    _, headers, _ = client.ask("GET", f"/api/pictures/{picture}/result")
    assert ".." not in headers["Content-Disposition"].replace("..jpg", "")
    client.json("DELETE", f"/api/pictures/{picture}")


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", photographs.gray_jpeg()[:200], b"<svg onload=alert(1)></svg>", b"\x89PNG\r\n\x1a\n" * 9],
)
def test_broken_file_is_one_line_without_a_path(client, data):
    picture = client.read(client.upload("broken.jpg", data))
    assert picture["state"] == "failed"
    assert picture["error"].startswith("broken.jpg: ")
    assert "\n" not in picture["error"]
    assert "/" not in picture["error"]
    client.json("DELETE", f"/api/pictures/{picture['id']}")


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        ({"task": "paint"}, "task='paint'"),
        ({"strength": 2}, "strength: needs a number from 0 to 1"),
        ({"strength": float("nan")}, "strength: needs a number from 0 to 1"),
        ({"tusk": 1}, "did you mean 'task'?"),
        ({"hints": {"format": "other"}}, "no hints"),
        ({"hints": photographs.hints(7, 7)}, "outside the picture"),
        ({"reference": "../x"}, "no such reference"),
        ([], "no JSON object"),
    ],
)
def test_wrong_settings_are_one_line(client, gray, recipe, line):
    status, _, body = client.ask("POST", f"/api/pictures/{gray}/recipe", json.dumps(recipe).encode())
    assert status == 400
    assert line in json.loads(body)["error"]


def test_gray_reference_is_refused(client):
    reference = client.read(client.upload("gray.jpg", photographs.gray_jpeg(64, 64), reference="1"))
    assert (reference["state"], reference["error"]) == ("failed", "gray.jpg: it is gray; a reference needs colors")


# Limits


def test_limits_hold_before_anything_is_decoded(limited):
    client = Client(limited.address)
    status, _, body = client.ask("POST", "/api/pictures?name=a.jpg", bytes(100_001))
    assert (status, json.loads(body)["error"]) == (400, "a.jpg: 0.1 MB; a file may have 0.1 MB")
    status, _, body = client.ask("POST", "/api/pictures?name=a.jpg", b"abc", Content_Length="many")
    assert status == 400
    large = client.read(client.upload("large.jpg", photographs.gray_jpeg(192, 128)))
    assert large["state"] == "failed"
    assert "192 x 128 is" in large["error"]
    names = [client.upload("a.jpg", photographs.gray_jpeg(32, 32)) for _ in range(2)]
    status, _, body = client.ask("POST", "/api/pictures?name=a.jpg", photographs.gray_jpeg(32, 32))
    assert status == 503
    assert json.loads(body)["error"].startswith("busy: 3 pictures are kept here")
    for name in (large["id"], *names):
        client.json("DELETE", f"/api/pictures/{name}")


def test_pictures_are_dropped_after_their_time(limited):
    client = Client(limited.address)
    client.read(client.upload("a.jpg", photographs.gray_jpeg(32, 32)))
    assert list(limited.folder.glob("colorjax-page-*/*/original"))
    end = time.monotonic() + 30
    while list(limited.folder.glob("colorjax-page-*/*/original")):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert client.ask("GET", "/api/album")[0] == 401


# What goes wrong


def test_work_goes_on_after_its_process_was_killed(server):
    client = Client(server.address)
    name = client.upload("large.jpg", photographs.large_jpeg(900))
    client.until(name, lambda picture: picture["running"] and picture["share"] > 0)
    killed = server.children()
    assert len(killed) == 2
    for child in killed:
        os.kill(child, signal.SIGKILL)
    client.until(name, lambda picture: picture["denoised"])
    assert client.ask("GET", f"/api/pictures/{name}/before/0/0/0")[0] == 200
    assert not set(killed) & set(server.children())


def test_work_that_nobody_wants_is_stopped(server):
    client = Client(server.address)
    name = client.upload("large.jpg", photographs.large_jpeg(2500))
    client.until(name, lambda picture: picture["running"] and picture["share"] > 0)
    client.json("DELETE", f"/api/pictures/{name}")
    started = time.monotonic()
    small = client.upload("small.jpg", photographs.gray_jpeg(64, 64))
    client.until(small, lambda picture: picture["state"] == "ready" and picture["denoised"])
    assert time.monotonic() - started < 20  # the large one would take a minute on this machine


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_at_once_and_leaves_nothing(tmp_path, number):
    with running(tmp_path) as started:
        client = Client(started.address)
        name = client.upload("large.jpg", photographs.large_jpeg(2000))
        client.until(name, lambda picture: picture["running"])
        children = started.children()
        assert len(children) == 2
        assert list(tmp_path.glob("colorjax-page-*"))
        begun = time.monotonic()
        os.kill(started.process.pid, number)
        status = started.process.wait(30)
        assert time.monotonic() - begun < 2
        assert status == {signal.SIGTERM: 0, signal.SIGINT: 130}[number]
    assert not list(tmp_path.glob("colorjax-page-*"))
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_next_server_removes_what_a_killed_one_left(tmp_path):
    with running(tmp_path) as killed:
        Client(killed.address)
        (left,) = tmp_path.glob("colorjax-page-*")
        killed.process.kill()
        killed.process.wait()
        with running(tmp_path) as other:
            Client(other.address)
            assert not left.exists()
            assert len(list(tmp_path.glob("colorjax-page-*"))) == 1


# Another host


def test_other_host_needs_the_token(tmp_path):
    with running(tmp_path, "--host=0.0.0.0") as started:
        assert "?token=" in started.address
        port = started.address.split(":")[2].split("/")[0]
        token = started.address.split("token=")[1]
        local = f"http://127.0.0.1:{port}/"
        with pytest.raises(AssertionError):
            Client(local)
        with pytest.raises(AssertionError):
            Client(f"{local}?token={token[:-1]}{'y' if token.endswith('x') else 'x'}")
        client = Client(f"{local}?token={token}")
        assert client.json("GET", "/api/album")["pictures"] == []
        assert client.ask("GET", "/", Host=f"evil.example:{port}")[0] == 421
        assert client.ask("GET", "/")[0] == 200
