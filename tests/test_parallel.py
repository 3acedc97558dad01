import jax
import numpy as np
import pytest

from colorjax.errors import UserError
from colorjax.training import parallel

DEVICES = jax.devices()


def test_there_are_eight_devices():
    assert len(DEVICES) == 8


@pytest.mark.parametrize(
    ("batch_size", "count", "hint"),
    [(5, 2, "use 4 or 6,"), (5, 8, "use 8,"), (17, 8, "use 16 or 24,"), (0, 1, "use 1,"), (-3, 2, "use 2,")],
)
def test_batch_that_can_not_be_shared_equally_is_a_user_error(batch_size, count, hint):
    with pytest.raises(UserError, match=rf"config.training.batch_size={batch_size} .* {count} device.*{hint}"):
        parallel.check_batch_size(batch_size, DEVICES[:count])


@pytest.mark.parametrize(("batch_size", "count"), [(5, 1), (8, 8), (24, 8)])
def test_equal_shares_pass(batch_size, count):
    parallel.check_batch_size(batch_size, DEVICES[:count])


def test_replicate_puts_a_copy_on_every_device_and_first_gives_it_back():
    tree = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.int32(7), "none": None}
    replicated = parallel.replicate(tree, DEVICES[:4])
    assert replicated["a"].shape == (4, 2, 3)
    assert replicated["a"].sharding.device_set == set(DEVICES[:4])
    for shard in replicated["a"].addressable_shards:
        np.testing.assert_array_equal(np.asarray(shard.data)[0], tree["a"])
    back = parallel.first(replicated)
    np.testing.assert_array_equal(back["a"], tree["a"])
    assert back["b"] == 7
    assert back["b"].dtype == np.int32
    assert back["none"] is None


def test_first_outlives_the_donated_state():
    step = parallel.map_step(lambda state, batch, resident: (state + batch, {"m": parallel.mean(batch)}), DEVICES[:2])
    state = parallel.replicate(np.ones(3, np.float32), DEVICES[:2])
    before = parallel.first(state)
    batch = np.array([[1, 2, 3], [3, 4, 5]], np.float32)
    (shares,) = parallel.prefetch(iter([batch]), DEVICES[:2])
    new, metrics = step(state, shares[:, 0], None)
    assert state.is_deleted()
    np.testing.assert_array_equal(before, [1, 1, 1])
    np.testing.assert_array_equal(parallel.first(new), [2, 3, 4])
    np.testing.assert_array_equal(metrics["m"], [[2, 3, 4], [2, 3, 4]])


def test_prefetch_keeps_order_and_shares_and_reads_only_so_far_ahead():
    read = []

    def batches():
        for k in range(6):
            read.append(k)
            yield {"index": np.arange(8 * k, 8 * k + 8, dtype=np.uint32)}

    stream = parallel.prefetch(batches(), DEVICES[:4], ahead=2)
    first = next(stream)["index"]
    assert read == [0, 1]
    assert isinstance(first, jax.Array)
    np.testing.assert_array_equal(first, np.arange(8).reshape(4, 2))
    np.testing.assert_array_equal(next(stream)["index"], 8 + np.arange(8).reshape(4, 2))
    assert read == [0, 1, 2]


def test_prefetch_yields_every_batch_of_a_short_stream():
    stream = parallel.prefetch(iter([np.arange(2), np.arange(2, 4)]), DEVICES[:2], ahead=5)
    np.testing.assert_array_equal([np.asarray(batch) for batch in stream], [[[0], [1]], [[2], [3]]])


def test_request_is_in_the_metrics_of_its_step():
    step = parallel.map_step(lambda state, batch, resident: (state, {}), DEVICES[:2])
    state, batch = (parallel.replicate(np.zeros(2, np.float32), DEVICES[:2]) for _ in range(2))
    for request in (0, 15, 0, 12):
        state, metrics = step(state, batch, None, request)
        assert parallel.first(metrics) == {"request": request}
