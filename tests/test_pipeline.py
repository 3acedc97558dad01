"""A patch is a function of (seed, epoch, patch) alone; placements agree; errors name the key."""

import collections
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml_collections import ConfigDict

import datasets
from colorjax.errors import ColorjaxError, UserError
from colorjax.pictures.images import Photograph
from datasets import resident
from datasets.batching import Rows
from datasets.concatenated import Joined
from datasets.pipeline import CropSource, KeptPhotographs, stream
from datasets.sampling import Draws

ROOT = Path(__file__).parents[1]
SIZE = 16


def make_photographs(count=5):
    random = np.random.default_rng(0)
    shapes = [(40, 50), (33, 20), (10, 12), (64, 31), (SIZE, SIZE)]
    return [Photograph(f"photograph {i}", random.integers(0, 256, (*shapes[i % 5], 3), np.uint8)) for i in range(count)]


def make_config(**changes):
    config = {
        "name": "made",
        "photographs": 0,
        "photographs_seed": 0,
        "patch_size": SIZE,
        "patches_per_epoch": 23,
        "zoom": (0.7, 1.5),
        "zoom_of": "pixels",
        "training_splits": ("train",),
        "shares": (),
        "rotate": 20.0,
        "flip": True,
        "placement": "host",
        "workers": 0,
    }
    return ConfigDict(config | changes)


def read(config=None, seed=7, batch_size=6, start_step=0, steps=4, process=0, processes=1, photographs=None):
    """Return the stream, and its batches joined into one."""
    rows = Rows.of(batch_size, start_step, steps, process, processes)
    patches = stream(photographs or make_photographs(), config or make_config(), seed, rows)
    batches = list(patches)
    return patches, {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


@pytest.fixture(scope="module")
def expected():
    """Patches 0 to 47 in one batch: two epochs and a bit."""
    return read(batch_size=48, steps=1)[1]


def test_batch_is_what_it_says(expected):
    assert expected["index"].dtype == np.uint32
    assert expected["index"].tolist() == list(range(48))
    assert expected["picture"].dtype == np.uint8
    assert expected["picture"].shape == (48, SIZE, SIZE, 3)
    assert len({picture.tobytes() for picture in expected["picture"]}) == 48
    assert expected["photograph"].dtype == np.int32
    assert expected["photograph"].shape == (48,)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("placement", ["host", "device"])
def test_batch_says_which_photograph_a_patch_came_from(placement, workers):
    # Each photograph has one color, so that a patch shows where it was cut.
    plain = [Photograph(str(i), np.full((20 + i, 30, 3), 60 * i, np.uint8)) for i in range(5)]
    patches, batch = read(make_config(placement=placement, workers=workers), photographs=plain)
    pictures = np.asarray(jax.jit(patches.clean)(batch, patches.resident))
    shown = np.rint(pictures * 255 / 60).astype(int)
    assert np.array_equal(np.broadcast_to(batch["photograph"][:, None, None, None], shown.shape), shown)


@pytest.mark.parametrize(
    ("batch_size", "start_step", "process", "processes"),
    [(6, 0, 0, 1), (6, 3, 0, 1), (8, 2, 1, 2), (8, 1, 3, 4), (1, 5, 0, 1)],
)
def test_patches_do_not_depend_on_batches_processes_or_start(expected, batch_size, start_step, process, processes):
    share = batch_size // processes
    _, got = read(batch_size=batch_size, start_step=start_step, steps=3, process=process, processes=processes)
    wanted = [
        step * batch_size + row
        for step in range(start_step, start_step + 3)
        for row in range(process * share, (process + 1) * share)
    ]
    assert got["index"].tolist() == wanted
    assert np.array_equal(got["picture"], expected["picture"][wanted])


def test_patches_do_not_depend_on_workers(expected):
    # Five batches of nine by two workers: the last round is not full.
    _, got = read(make_config(workers=2), batch_size=9, steps=5)
    assert got["index"].tolist() == list(range(45))
    assert np.array_equal(got["picture"], expected["picture"][:45])


@given(order=st.permutations(range(48)))
def test_patches_do_not_depend_on_the_order_they_are_drawn_in(expected, order):
    source = CropSource(
        KeptPhotographs(make_photographs(), 10_000), Draws.from_config(make_config(), 7), Rows.of(48, 0, 1)
    )
    for index in order[:10]:
        assert np.array_equal(source[index]["picture"], expected["picture"][index])


def test_epoch_that_is_longer_begins_with_the_same_patches(expected):
    _, got = read(make_config(patches_per_epoch=100))
    assert np.array_equal(got["picture"][:23], expected["picture"][:23])
    assert not np.array_equal(got["picture"][23], expected["picture"][23])


def test_seeds_and_epochs_differ(expected):
    _, other = read(seed=8)
    assert not np.any(np.all(other["picture"] == expected["picture"][:24], axis=(1, 2, 3)))
    assert not np.any(np.all(expected["picture"][:23] == expected["picture"][23:46], axis=(1, 2, 3)))


@given(seed=st.integers(-5, 2**64), count=st.integers(1, 12), per_epoch=st.integers(1, 60), epoch=st.integers(0, 9))
def test_epoch_visits_photographs_equally_often(seed, count, per_epoch, epoch):
    draws = Draws(seed, SIZE, per_epoch, (1.0, 1.0), "pixels", 0.0, False)
    first = epoch * per_epoch
    visits = collections.Counter(draws.photograph(first + i, count) for i in range(per_epoch))
    assert set(visits) <= set(range(count))
    assert max(visits.values()) - min(visits[i] for i in range(count)) <= 1


def test_passes_go_in_different_orders():
    draws = Draws(0, SIZE, 1000, (1.0, 1.0), "pixels", 0.0, False)
    orders = {tuple(draws.photograph(10 * number + i, 10) for i in range(10)) for number in range(50)}
    assert len(orders) == 50


@pytest.mark.parametrize("options", [{}, {"zoom": (1.0, 1.0), "rotate": 0.0}])
def test_placements_make_the_same_pictures(options):
    on_host, host = read(make_config(**options))
    on_device, device = read(make_config(placement="device", **options))
    assert np.array_equal(host["index"], device["index"])
    assert np.array_equal(host["photograph"], device["photograph"])
    assert set(host) == {"index", "photograph", "picture"}
    assert set(device) == {"index", "photograph", "matrix"}
    assert on_host.resident is None
    first = jax.jit(on_host.clean)(host, None)
    second = jax.jit(on_device.clean)(device, on_device.resident)
    assert first.dtype == second.dtype == np.float32
    difference = np.abs(np.asarray(first) - np.asarray(second)).max()
    assert difference <= (1.01 / 255 if not options else 0)
    np.testing.assert_allclose(first, host["picture"] / 255.0, rtol=0, atol=1e-7)


def test_pipeline_of_a_data_set_too_large_for_the_device(monkeypatch):
    monkeypatch.setattr(resident, "LIMIT_BYTES", 9000)
    with pytest.raises(UserError, match=r"config\.data\.placement.*first 4 of 5.*use 'host'"):
        read(make_config(placement="device"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 0}, r"config\.data\.patch_size must be at least 1, not 0"),
        ({"patches_per_epoch": 0}, r"config\.data\.patches_per_epoch must be at least 1"),
        ({"zoom": (2.0, 1.0)}, r"config\.data\.zoom must be .*lowest"),
        ({"zoom": (0.0, 1.0)}, r"config\.data\.zoom must be .*lowest"),
        ({"zoom": (1.0, 1.0, 1.0)}, r"config\.data\.zoom must be two numbers"),
        ({"workers": -1}, r"config\.data\.workers must be 0"),
        ({"placement": "devise"}, r"config\.data\.placement 'devise' is unknown; did you mean 'device'"),
    ],
)
def test_impossible_settings(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        read(make_config(**changes))
    assert "\n" not in str(caught.value)


def test_pipeline_without_photographs():
    with pytest.raises(UserError, match=r"config\.data\.name 'made' has no training photographs"):
        stream([], make_config(), 0, Rows.of(1, 0, 1))


def test_signals_to_all_processes_do_not_end_the_workers():
    """Ctrl-C and a cluster's SIGTERM reach the workers too, while the parent still finishes its step."""
    patches = iter(stream(make_photographs(), make_config(workers=1), 0, Rows.of(4, 0, 30)))
    batches = [next(patches)]
    for process in multiprocessing.active_children():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(process.pid, number)
    batches.extend(patches)
    assert len(batches) == 30
    assert not multiprocessing.active_children()


def test_batch_that_processes_cannot_share():
    with pytest.raises(UserError, match=r"config\.training\.batch_size 6 .* 4 processes"):
        Rows.of(6, 0, 1, 0, 4)


def test_pipeline_without_steps_left():
    assert list(stream(make_photographs(), make_config(), 0, Rows.of(4, 9, 0))) == []


def test_patches_opens_the_training_split(monkeypatch, expected):
    opened = []

    def photographs(config, split):
        opened.append((config.name, split))
        return Joined([make_photographs()])

    monkeypatch.setattr("datasets.photographs", photographs, raising=False)
    (batch,) = datasets.patches(make_config(), 7, 8, 2, 1, process_index=1, process_count=2)
    assert opened == [("made", "train")]
    assert batch["index"].tolist() == [20, 21, 22, 23]
    assert np.array_equal(batch["picture"], expected["picture"][20:24])


class Counting:
    """Photographs that count their readings; number 3 is damaged where asked."""

    def __init__(self, damaged=False, deadly=False):
        self.photographs, self.readings = make_photographs(), collections.Counter()
        self.damaged, self.deadly = damaged, deadly

    def __len__(self):
        return len(self.photographs)

    def __getitem__(self, index):
        self.readings[index] += 1
        if index == 3 and self.damaged:
            raise ValueError("bad bytes")
        if index == 3 and self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.photographs[index]


def test_photographs_are_kept_as_far_as_they_fit():
    photographs = Counting()
    kept = KeptPhotographs(photographs, limit=8100)  # the first two, 6,000 and 1,980 bytes, and not the third
    for _ in range(3):
        for index in range(5):
            assert kept[index].name == f"photograph {index}"
    assert photographs.readings == {0: 1, 1: 1, 2: 3, 3: 3, 4: 3}


@pytest.mark.parametrize("workers", [0, 1])
def test_photograph_that_cannot_be_read(workers):
    with pytest.raises(UserError, match=r"training photograph 3 \(for patch \d+\) .*ValueError: bad bytes") as caught:
        read(make_config(workers=workers), photographs=Counting(damaged=True))
    assert "\n" not in str(caught.value)


def test_worker_that_dies():
    with pytest.raises(ColorjaxError, match=r"worker process .* died .*exit code -9.*config\.data\.workers"):
        read(make_config(workers=1), photographs=Counting(deadly=True))


@pytest.mark.process
def test_shared_memory_that_is_left_at_the_end_is_tidied_up_without_a_word(monkeypatch):
    """As that of the last batches, which jax holds until the process ends."""
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    script = (
        "import os; from multiprocessing.shared_memory import SharedMemory; from datasets import batching\n"
        "batching._start_resource_tracker()\n"
        "print(os.environ['PYTHONWARNINGS'], SharedMemory(create=True, size=10).name)"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    kept, name = result.stdout.split()
    assert (kept, result.stderr) == ("default", "")
    deadline = time.monotonic() + 30
    while Path("/dev/shm", name).exists() and time.monotonic() < deadline:  # the tracker outlives the process
        time.sleep(0.1)
    with pytest.raises(FileNotFoundError):
        SharedMemory(name)
