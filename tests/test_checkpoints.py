import json

import jax
import numpy as np
import optax
import pytest
from support import tiny_training as tiny

from colorjax.errors import NotFiniteError, UserError
from colorjax.training import load_network
from colorjax.training.checkpoints import Checkpoints
from colorjax.training.logging import RunLog
from colorjax.training.state import TrainState

CONFIG = tiny.config()


def state_of(step, averaged=True):
    """A state whose numbers follow from the step."""
    draw = np.random.default_rng(step)
    params = {"network": {"Conv_0": {"kernel": draw.normal(size=(3, 3, 2, 64)).astype(np.float32)}}}
    batch_stats = {"network": {"BatchNorm_0": {"mean": draw.normal(size=4).astype(np.float32)}}}
    return TrainState(
        step=np.int32(step),
        params=params,
        batch_stats=batch_stats,
        optimizer=(optax.ScaleByAdamState(np.int32(step), mu=params, nu=params), optax.EmptyState()),
        average={"params": jax.tree.map(lambda x: x + 1, params), "batch_stats": batch_stats} if averaged else {},
    )


def write(workdir, steps, validations=(), averaged=True):
    """Write checkpoints of `steps`, each followed by its validation if `validations` has a value for it."""
    with (
        Checkpoints(workdir, CONFIG, "psnr") as checkpoints,
        RunLog(workdir, 0, max(steps), tiny.BATCH, 1) as log,
    ):
        for step in steps:
            checkpoints.save(step, state_of(step, averaged))
            if step in validations:
                log.validation(step, {"psnr": validations[step]})


def restore(workdir, averaged=True):
    with Checkpoints(workdir, CONFIG, "psnr") as checkpoints:
        return checkpoints.restore(lambda: state_of(0, averaged))


def steps_in(workdir):
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def assert_equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("averaged", [True, False])
def test_checkpoint_comes_back_bit_for_bit(tmp_path, averaged):
    write(tmp_path, [4], averaged=averaged)
    step, state = restore(tmp_path, averaged)
    assert step == 4
    assert_equal(state, state_of(4, averaged))


def test_checkpoints_missing_the_state_is_created(tmp_path):
    step, state = restore(tmp_path)
    assert step == 0
    assert_equal(state, state_of(0))


def test_checkpoints_keep_the_last_few_and_the_best(tmp_path):
    write(tmp_path, range(2, 20, 2), {2: 20.0, 6: 29.5, 10: 29.5, 14: float("nan"), 18: 25.0})
    assert steps_in(tmp_path) == [6, 16, 18]


def test_load_network_reads_the_averaged_weights_of_the_best_or_the_last(tmp_path):
    write(tmp_path, [2, 4, 6], {2: 20.0, 4: 30.0, 6: 25.0})
    for which, expected in [("best", 4), ("last", 6)]:
        config, variables, step = load_network(tmp_path, which)
        assert step == expected
        assert config.to_dict() == CONFIG.to_dict()
        assert config.task.noise.level == (0.0, 0.2)
        assert_equal(variables, {name: tree["network"] for name, tree in state_of(expected).average.items()})


def test_load_network_without_an_average_reads_the_weights(tmp_path):
    write(tmp_path, [2], averaged=False)
    _, variables, _ = load_network(tmp_path, "last")
    state = state_of(2, averaged=False)
    assert_equal(variables, {"params": state.params["network"], "batch_stats": state.batch_stats["network"]})


def test_load_network_says_what_is_missing(tmp_path):
    with pytest.raises(UserError, match="holds no trained network"):
        load_network(tmp_path / "nothing")
    write(tmp_path, [2])
    with pytest.raises(UserError, match="no checkpoint that was validated by psnr"):
        load_network(tmp_path, "best")
    with pytest.raises(UserError, match="must be 'best' or 'last'"):
        load_network(tmp_path, "first")


def data_files(checkpoint):
    return sorted((path for path in checkpoint.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def truncate(checkpoint):
    largest = data_files(checkpoint)[-1]
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])


def flip_bits(checkpoint):
    largest = data_files(checkpoint)[-1]
    content = bytearray(largest.read_bytes())
    for k in range(len(content) // 4, len(content), len(content) // 4):
        content[k] ^= 0x10
    largest.write_bytes(content)


def lose_data(checkpoint):
    data_files(checkpoint)[-1].unlink()


def empty_metadata(checkpoint):
    (checkpoint / "state" / "_METADATA").write_text("")


def lose_state(checkpoint):
    for path in data_files(checkpoint / "state"):
        path.unlink()


def lose_run(checkpoint):
    (checkpoint / "run" / "metadata").unlink()


@pytest.mark.parametrize("corrupt", [truncate, flip_bits, lose_data, empty_metadata, lose_state, lose_run])
def test_checkpoint_corrupted_is_said_and_the_one_before_is_taken(tmp_path, capsys, corrupt):
    write(tmp_path, [2, 4])
    corrupt(tmp_path / "checkpoints" / "4")
    assert load_network(tmp_path, "last")[2] == 2
    capsys.readouterr()
    step, state = restore(tmp_path)
    said = capsys.readouterr().err
    assert said.startswith("checkpoint of step 4 can't be read (")
    assert said.count("\n") == 1
    assert step == 2
    assert_equal(state, state_of(2))
    # It is out of the way of the new checkpoint of that step, and not thrown away.
    assert steps_in(tmp_path) == [2]
    assert [path.name for path in (tmp_path / "corrupted").iterdir()] == ["4-0"]
    write(tmp_path, [4])
    assert restore(tmp_path)[0] == 4


def test_checkpoint_notices_a_changed_number_in_a_whole_file(tmp_path, capsys):
    write(tmp_path, [2, 4])
    run = tmp_path / "checkpoints" / "4" / "run" / "metadata"
    run.write_text(run.read_text().replace('"checksum": ', '"checksum": 1'))
    assert restore(tmp_path)[0] == 2
    assert "bytes are not those that were written" in capsys.readouterr().err


def test_checkpoints_unreadable_the_run_is_not_begun_anew(tmp_path, capsys):
    write(tmp_path, [2, 4])
    truncate(tmp_path / "checkpoints" / "2")
    truncate(tmp_path / "checkpoints" / "4")
    with pytest.raises(UserError, match="none of the checkpoints"):
        restore(tmp_path)
    assert steps_in(tmp_path) == [2, 4]
    with pytest.raises(UserError, match="last checkpoint can't be read"):
        load_network(tmp_path, "last")


def test_checkpoint_half_written_by_a_killed_run_is_none(tmp_path):
    write(tmp_path, [2])
    (tmp_path / "checkpoints" / "4.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
    assert load_network(tmp_path, "last")[2] == 2
    assert restore(tmp_path)[0] == 2


def test_checkpoint_of_a_state_that_is_not_finite_is_not_written(tmp_path):
    bad = state_of(4)
    bad.params["network"]["Conv_0"]["kernel"][0, 0, 0, 0] = np.inf
    with Checkpoints(tmp_path, CONFIG, "psnr") as checkpoints:
        with pytest.raises(NotFiniteError, match="after step 2 .*no checkpoint was written yet"):
            checkpoints.save(2, bad)
        checkpoints.save(2, state_of(2))
        with pytest.raises(NotFiniteError, match="after step 4 .*last good checkpoint: step 2"):
            checkpoints.save(4, bad)
    assert steps_in(tmp_path) == [2]


def test_run_item_holds_seed_config_and_data_position(tmp_path):
    write(tmp_path, [4])
    run = json.loads((tmp_path / "checkpoints" / "4" / "run" / "metadata").read_text())
    assert run["seed"] == CONFIG.seed
    assert run["data_position"] == 4 * tiny.BATCH
    assert run["config"]["optimizer"]["learning_rate"] == CONFIG.optimizer.learning_rate
