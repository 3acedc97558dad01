import json
import math
import os
import re
import signal
import threading
from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from support import tiny_training as tiny
from tensorboardX import SummaryWriter  # noqa: F401 - its protocol buffers are registered on import
from tensorboardX.proto.event_pb2 import Event

from colorjax.config.defaults import total_steps
from colorjax.errors import Interrupted, NotFiniteError, UserError
from colorjax.models import MODELS
from colorjax.runs.requeue import block_slurm_signals
from colorjax.training import load_network, loop
from colorjax.training.preemption import StopRequest
from colorjax.training.workdir import require_same_config

DEVICES = jax.devices()[:2]


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", tiny.TinyNetwork)


def train(workdir, data=None, validate=tiny.validate, devices=DEVICES, **changes):
    return loop.train(tiny.config(**changes), workdir, data or tiny.data(), validate, devices)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The workdir of a run that nothing stopped."""
    workdir = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "tiny", tiny.TinyNetwork)
        train(workdir)
    return workdir


def history(workdir):
    return [json.loads(line) for line in (workdir / "history.jsonl").read_text().splitlines()]


def without_rates(lines):
    return [{key: value for key, value in line.items() if key != "examples_per_second"} for line in lines]


def assert_same_result(one, other, tolerance=0.0):
    for which in ("last", "best"):
        (_, a, step_a), (_, b, step_b) = load_network(one, which), load_network(other, which)
        assert step_a == step_b
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            np.testing.assert_allclose(x, y, atol=tolerance, rtol=0)


def sends(number, at):
    """Data that sends this process a signal before the batch of step `at`."""
    return tiny.data(lambda step: os.kill(os.getpid(), number) if step == at else None)


def test_run_writes_history_config_versions_and_checkpoints(whole):
    lines = history(whole)
    training = [line for line in lines if line["kind"] == "train"]
    assert [line["step"] for line in training] == list(range(1, tiny.STEPS + 1))
    assert set(training[-1]) == {"step", "kind", "loss", "grad_norm", "learning_rate", "examples_per_second"}
    assert [line["step"] for line in lines if line["kind"] == "validation"] == [10, 20, 24]
    assert training[-1]["loss"] < training[0]["loss"]
    # The last few (2), and the best, which is the first of the three validated.
    assert sorted(int(path.name) for path in (whole / "checkpoints").iterdir()) == sorted({20, 24, best(lines)})
    assert json.loads((whole / "config.json").read_text())["training"]["batch_size"] == tiny.BATCH
    (start,) = json.loads((whole / "versions.json").read_text())
    assert start["jax"] == jax.__version__
    assert start["devices"] == ["cpu", "cpu"]


def best(lines):
    return max((line for line in lines if line["kind"] == "validation"), key=lambda line: line["psnr"])["step"]


def test_event_files_hold_the_history(whole):
    scalars = {}
    for path in (whole / "tensorboard").iterdir():
        content, position = path.read_bytes(), 0
        while position < len(content):  # TFRecord: length (8 bytes), its checksum (4), data, its checksum (4)
            length = int.from_bytes(content[position : position + 8], "little")
            event = Event.FromString(content[position + 12 : position + 12 + length])
            position += 16 + length
            scalars |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
    for line in history(whole):
        assert scalars[f"{line['kind']}/loss", line["step"]] == pytest.approx(line["loss"])


def test_log_lines_are_means_over_their_steps(whole, tmp_path):
    train(tmp_path, training__log_every=8, validate=None)
    every = [line["loss"] for line in history(whole) if line["kind"] == "train"]
    lines = history(tmp_path)
    assert [line["step"] for line in lines] == [8, 16, 24]
    np.testing.assert_allclose([line["loss"] for line in lines], np.reshape(every, (3, 8)).mean(1), rtol=1e-6)


def test_run_that_is_finished_does_nothing_and_says_so(whole, capsys):
    before = without_rates(history(whole))
    path = train(whole, data=tiny.data(lambda step: pytest.fail("a batch was read")))
    assert path == whole / "checkpoints" / str(tiny.STEPS)
    assert "this run is finished, all its 24 steps are done" in capsys.readouterr().err
    assert without_rates(history(whole)) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2])
def test_signal_writes_a_checkpoint_and_the_run_goes_on_bit_for_bit(whole, tmp_path, number):
    handler = signal.getsignal(number)
    with pytest.raises(Interrupted, match=rf"{number.name}: .* goes on from step \d+, .*checkpoints/\d+$") as stop:
        train(tmp_path, sends(number, at=5))
    assert stop.value.exit_status == 75
    assert signal.getsignal(number) is handler
    stopped_at = max(int(path.name) for path in (tmp_path / "checkpoints").iterdir())
    assert stopped_at == 6  # one more than had begun; and at which none would have been written anyway
    train(tmp_path)
    assert_same_result(tmp_path, whole)
    assert without_rates(history(tmp_path)) == without_rates(history(whole))


def test_signal_during_validation_stops_it_and_the_run_begins_with_it_again(whole, tmp_path):
    validated = []

    def interrupted(variables):
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 5)  # the handler raises before that
        validated.append("to the end")

    with pytest.raises(Interrupted, match="goes on from step 10,"):
        train(tmp_path, validate=interrupted)
    assert not validated
    assert 10 not in [line["step"] for line in history(tmp_path) if line["kind"] == "validation"]
    train(tmp_path)
    assert_same_result(tmp_path, whole)
    assert without_rates(history(tmp_path)) == without_rates(history(whole))


def test_schedulers_repeat_themselves_and_lose_nothing():
    with StopRequest() as stop:
        for number in (signal.SIGUSR2, signal.SIGTERM, signal.SIGTERM):
            signal.raise_signal(number)
        assert stop.received == "SIGUSR2"


def test_warning_before_the_training_is_received_when_it_begins():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        block_slurm_signals()
        signal.raise_signal(signal.SIGUSR2)  # would end the process
        with StopRequest() as stop:
            assert stop.received == "SIGUSR2"
        signal.raise_signal(signal.SIGUSR2)  # after it too
        with StopRequest() as stop:
            assert stop.received == "SIGUSR2"
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_ctrl_c_twice_acts_as_it_would_without_training():
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.received == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_threads_other_than_the_main_train_without_signal_handlers():
    handler, seen = signal.getsignal(signal.SIGTERM), []

    def in_thread():
        with StopRequest():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert seen == [handler]


def test_checkpoint_corrupted_costs_only_time(whole, tmp_path, capsys):
    with pytest.raises(Interrupted):
        train(tmp_path, sends(signal.SIGTERM, at=5))
    largest = max((tmp_path / "checkpoints" / "6").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    largest.write_bytes(largest.read_bytes()[:-20])
    train(tmp_path)
    said = capsys.readouterr().err
    assert "checkpoint of step 6 can't be read" in said
    assert "going on from the checkpoint of step 4 of 24" in said
    assert_same_result(tmp_path, whole)
    assert without_rates(history(tmp_path)) == without_rates(history(whole))


def test_eight_devices_go_on_from_a_checkpoint_of_two(whole, tmp_path):
    with pytest.raises(Interrupted):
        train(tmp_path, sends(signal.SIGTERM, at=5))
    train(tmp_path, devices=jax.devices())
    assert_same_result(tmp_path, whole, tolerance=1e-5)


def test_loss_that_is_not_finite_names_step_and_checkpoint(tmp_path):
    # Example 100 is in the batch of step 13 (from 1 on).
    with pytest.raises(NotFiniteError, match=r"step 13: loss is nan; last good checkpoint: step 12, .*/12;"):
        train(tmp_path, tiny.data(poisoned=100), validate=None)
    assert [line["step"] for line in history(tmp_path)] == list(range(1, 13))
    _, variables, step = load_network(tmp_path, "last")
    assert step == 12
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(variables))


def test_weights_to_start_from_that_are_not_there_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match=r"^config\.training\.start_from: nothing: there is no such file"):
        train(tmp_path / "run", training__start_from="nothing")
    assert not (tmp_path / "run").exists()


def test_checkpoint_never_has_a_bad_step(tmp_path):
    # Example 88 is in the batch of step 12, which is due for a checkpoint.
    with pytest.raises(NotFiniteError, match="step 12: loss is nan; last good checkpoint: step 8,"):
        train(tmp_path, tiny.data(poisoned=88), validate=None)


def test_workdir_of_another_config_is_a_user_error(whole):
    with pytest.raises(UserError) as error:
        train(whole, optimizer__learning_rate=0.5, seed=9, task__loss="l1", model__name="cnn")
    message = str(error.value)
    assert "holds a run of another config: config.model.name ('tiny' there, 'cnn' here)" in message
    assert "config.optimizer.learning_rate (0.01 there, 0.5 here), config.seed (3 there, 9 here)" in message
    assert message.count("here)") == 3
    assert re.search(r"and \d+ more", message)


@pytest.mark.parametrize("value", [math.nan, (math.nan, 1.0)])
def test_nan_is_no_other_config_than_nan(tmp_path, value):
    (tmp_path / "config.json").write_text(json.dumps({"rate": value}))
    require_same_config(tmp_path, ConfigDict({"rate": value}))
    with pytest.raises(UserError, match="holds a run of another config"):
        require_same_config(tmp_path, ConfigDict({"rate": 0.5}))


@pytest.mark.parametrize("content", [b'{"rate":', b"3", b"\xff\x00"])
def test_config_damaged_is_named(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json is damaged; put a copy of it back, or remove it"):
        require_same_config(tmp_path, ConfigDict({"rate": 0.5}))


def test_keys_that_change_nothing_of_the_result_may_differ(whole):
    changes = {"data__workers": 5, "training__log_every": 7, "training__keep": 9, "training__checkpoint_every": 3}
    assert train(whole, **changes) == whole / "checkpoints" / str(tiny.STEPS)


def test_batch_that_the_devices_do_not_divide_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r"config.training.batch_size=8 .* 3 device\(s\); use 6 or 9"):
        train(tmp_path / "new", devices=jax.devices()[:3])
    assert not Path(tmp_path / "new").exists()


@pytest.mark.parametrize("key", ["training__keep", "training__log_every", "data__patches_per_epoch"])
def test_numbers_below_one_are_user_errors(tmp_path, key):
    with pytest.raises(UserError, match=f"config.{key.replace('__', '.')}=0: must be 1 or more"):
        train(tmp_path, **{key: 0})


def test_validation_without_the_metric_of_the_best_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="validation measures loss; the best needs 'psnr'"):
        train(tmp_path, validate=lambda variables: {"loss": 1.0}, training__validate_every=1)


def test_steps_cover_all_epochs():
    changes = {"training__epochs": 2, "data__patches_per_epoch": 9, "training__batch_size": 4}
    assert total_steps(tiny.config(**changes)) == 5
