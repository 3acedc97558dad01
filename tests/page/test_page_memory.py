"""Pictures whose decoding uses up the memory: each is one line, and all others go on. Linux, for its limits."""

import io
import os
import resource
import signal
import sys
import time
from pathlib import Path

import imagecodecs
import numpy as np
import photographs
import pytest
from PIL import Image
from serving import LONG, Client, running

if sys.platform != "linux":
    pytest.skip("limits of another process need Linux", allow_module_level=True)


@pytest.fixture
def server(tmp_path):
    """A server whose child processes a test may starve or kill, that has shown a tile and denoised."""
    with running(tmp_path) as started:
        yield started


@pytest.fixture
def client(server):
    """A browser with a small picture that is shown and denoised."""
    client = Client(server.address)
    small = client.upload("small.jpg", photographs.gray_jpeg(64, 64))
    client.until(small, lambda picture: picture["denoised"])
    assert shows(client, small)
    return client


@pytest.fixture(scope="module")
def large():
    """A PNG file of 486 MB of pixels, which are black."""
    return imagecodecs.png_encode(np.zeros((9000, 9000, 3), np.uint16), level=1)


def shows(client, name):
    """Return whether a tile comes in color."""
    status, _, tile = client.ask("GET", f"/api/pictures/{name}/after/0/0/0")
    return status == 200 and Image.open(io.BytesIO(tile)).mode == "RGB"


def is_well(client):
    """Return whether another picture is read, shown and finished."""
    other = client.upload("other.jpg", photographs.gray_jpeg(96, 64))
    return client.read(other)["state"] == "ready" and shows(client, other) and bool(client.result(other))


def test_decoder_without_memory_is_one_line_and_the_others_go_on(server, client, large):
    children = server.children()
    for child in children:
        used = 1024 * int(Path(f"/proc/{child}/status").read_text().split("VmSize:")[1].split()[0])
        resource.prlimit(child, resource.RLIMIT_AS, (used + 400_000_000, resource.RLIM_INFINITY))
    picture = client.read(client.upload("large.png", large))
    assert (picture["state"], picture["error"]) == ("failed", "large.png: too large for this machine's memory")
    assert server.children() == children
    assert is_well(client)


def test_picture_that_kills_its_decoder_is_tried_twice_and_the_others_go_on(server, client, large):
    quick, long = server.children()
    name = client.upload("large.png", large)
    killed, end = set(), time.monotonic() + LONG
    while (picture := client.picture(name))["state"] == "reading":
        assert time.monotonic() < end
        for child in {*server.children()} - killed - {long}:
            os.kill(child, signal.SIGKILL)  # as the kernel does when the memory of the machine is used up
            killed.add(child)
    line = "large.png: the program that works on pictures ended, perhaps for lack of memory"
    assert (picture["state"], picture["error"]) == ("failed", line)
    assert quick in killed
    assert len(killed) == 2
    assert is_well(client)
    assert long in server.children()
