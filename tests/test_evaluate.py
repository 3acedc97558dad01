import dataclasses
import math
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import colorjax.evaluation.measure
from colorjax.errors import ColorjaxError, UserError
from colorjax.evaluation.evaluate import evaluate
from colorjax.evaluation.protocol import build_protocol
from colorjax.evaluation.results_cache import PRESENTATION, fingerprint, load_evaluation, save_evaluation
from colorjax.evaluation.side_information import SideInformation
from colorjax.methods import HintDrawing, Identity, Method, NetworkMethod, Restored
from colorjax.metrics.registry import METRICS
from colorjax.models.network import Network
from colorjax.pictures.images import Photograph
from colorjax.tasks import Colorize, Denoise

NAMES = ("psnr", "ssim", "mse", "accuracy")


@pytest.fixture(scope="module", autouse=True)
def _few_metrics():
    """Compile four of the metrics: what is tested here is how they are called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colorjax.evaluation.measure, "METRICS", {name: METRICS[name] for name in NAMES})
        yield


PHOTOGRAPHS = [
    Photograph("eye", data.astronaut()[90:130, 200:261]),
    Photograph("cat", data.chelsea()[100:133, 100:151]),
    Photograph("cup", data.coffee()[200:249, 100:137]),
]
SETTINGS = {"noise_kind": "gaussian", "noise_level": 0.15}
TASK = Denoise("squared_error")


def protocol_of(photographs=PHOTOGRAPHS, task="denoise", **settings):
    return build_protocol(SETTINGS | settings, "made", task, photographs)


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(Identity(), TASK, protocol_of(), PHOTOGRAPHS, samples=2)


def test_numbers_are_scikit_images_on_the_picture_without_padding(evaluation):
    rows = {row["picture"]: row for row in evaluation.rows}
    for sample in evaluation.samples:
        row = rows[sample.picture]
        # The kept pictures are the measured ones, because the protocol rounds to 8 bits.
        truth, restored = sample.truth / 255.0, sample.restored / 255.0
        ssim = structural_similarity(
            truth, restored, data_range=1, channel_axis=-1, gaussian_weights=True, use_sample_covariance=False
        )
        assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(truth, restored, data_range=1), abs=1e-3)
        assert row["ssim"] == pytest.approx(ssim, abs=1e-4)
        assert row["mse"] == pytest.approx(np.mean((truth - restored) ** 2), rel=1e-4)
    assert [sample.picture for sample in evaluation.samples] == ["eye", "cup"]


def test_evaluate_drops_no_picture_and_the_noisy_inputs_loss_is_the_noises_power(evaluation):
    assert [row["picture"] for row in evaluation.rows] == ["eye", "cat", "cup"]
    assert [(row["height"], row["width"]) for row in evaluation.rows] == [(40, 61), (33, 51), (49, 37)]
    assert evaluation.columns == ("loss", *NAMES)
    assert evaluation.loss == "squared_error"
    # Before clipping: the mean of some 6,000 squared normal numbers.
    np.testing.assert_allclose(evaluation.values("loss"), 0.15**2, rtol=0.1)
    assert (evaluation.values("mse") < evaluation.values("loss")).all()


def test_evaluate_rows_depend_on_neither_order_nor_number_of_pictures(evaluation):
    two = [PHOTOGRAPHS[2], PHOTOGRAPHS[0]]
    again = evaluate(Identity(), TASK, protocol_of(two), two)
    assert list(again.rows) == [evaluation.rows[2], evaluation.rows[0]]


# What is looked at, and whether a change of that setting changes it: every setting must.
@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"resize": "short_side", "size": 30}, "psnr"),
        ({"noise_kind": "speckle"}, "psnr"),
        ({"noise_level": 0.1}, "psnr"),
        ({"noise_seed": 1}, "psnr"),
        ({"noise_field": "shared"}, "psnr"),
        ({"noisy_8_bits": True}, "loss"),
        ({"clip": False}, "psnr"),
        ({"round_to_8_bits": False}, "psnr"),
        ({"channels": "luminance"}, "psnr"),
        ({"ssim_sigma": 1.0}, "ssim"),
        ({"ssim_window": 7}, "ssim"),
        ({"accuracy_distance": 20.0}, "accuracy"),
        ({"psnr_ceiling": 10.0}, "psnr"),
        ({"border": 3}, "psnr"),
    ],
)
def test_evaluate_changes_with_every_setting_of_a_protocol(evaluation, change, column):
    photographs = PHOTOGRAPHS[:1]
    changed = evaluate(Identity(), TASK, protocol_of(photographs, **change), photographs)
    assert changed.rows[0][column] != evaluation.rows[0][column]
    assert changed.protocol_hash != evaluation.protocol_hash


def test_pictures_of_one_size_share_a_noise_field_and_get_it_as_a_file_if_the_protocol_says_so():
    gray = [Photograph(str(value), np.full((20, 24, 3), value, np.uint8)) for value in (120, 135)]
    protocol = protocol_of(gray, noise_field="shared", noise_level=0.1)
    shared = evaluate(Identity(), TASK, protocol, gray, samples=2).samples
    fields = [sample.degraded.astype(int) - sample.truth for sample in shared]
    inside = np.all([(sample.degraded > 0) & (sample.degraded < 255) for sample in shared], axis=0)
    np.testing.assert_array_equal(fields[0][inside], fields[1][inside])
    told = Told()
    evaluate(told, TASK, protocol_of(gray, noisy_8_bits=True, noise_level=0.5), gray)
    degraded = told.seen[0].image
    assert (degraded.min(), degraded.max()) == (0, 1)
    np.testing.assert_allclose(degraded * 255, np.rint(degraded * 255), atol=1e-4)


def test_luminance_leaves_the_metrics_of_color_out(evaluation):
    photographs = PHOTOGRAPHS[:1]
    changed = evaluate(Identity(), TASK, protocol_of(photographs, channels="luminance"), photographs)
    assert changed.columns == ("loss", "psnr", "ssim", "mse")
    weights = np.array([0.2125, 0.7154, 0.0721])
    truth, noisy = (
        picture @ weights / 255 for picture in (evaluation.samples[0].truth, evaluation.samples[0].restored)
    )
    assert changed.rows[0]["psnr"] == pytest.approx(-10 * np.log10(np.mean((truth - noisy) ** 2)), abs=1e-3)


def test_evaluate_cuts_a_border_from_both_pictures(evaluation):
    photographs = PHOTOGRAPHS[:1]
    changed = evaluate(Identity(), TASK, protocol_of(photographs, border=3), photographs)
    sample = evaluation.samples[0]
    expected = np.mean((sample.truth[3:-3, 3:-3] / 255 - sample.restored[3:-3, 3:-3] / 255) ** 2)
    assert changed.rows[0]["mse"] == pytest.approx(expected, rel=1e-4)
    with pytest.raises(UserError, match="border = 20 leaves nothing"):
        evaluate(Identity(), TASK, protocol_of(photographs, border=20), photographs)


def test_ssim_is_not_defined_on_pictures_smaller_than_its_window_and_the_rest_is():
    small = [Photograph("small", PHOTOGRAPHS[0].picture[:9, :30])]
    row = evaluate(Identity(), TASK, protocol_of(small), small).rows[0]
    assert math.isnan(row["ssim"])
    assert all(math.isfinite(row[name]) for name in ("loss", "psnr", "mse", "accuracy"))


class Told(Method):
    """Remembers what it was told, and returns its input."""

    name = "told"

    def __init__(self, *needs):
        self.needs = frozenset(needs)
        self.seen = []

    def restore(self, observation):
        self.seen.append(observation)
        return Restored(observation.image)


def test_methods_are_told_what_they_need_and_nothing_else():
    protocol = protocol_of()
    plain = evaluate(nothing := Told(), TASK, protocol, PHOTOGRAPHS)
    assert all(seen[1:] == (None, None, ()) for seen in nothing.seen)
    assert (plain.told, plain.protocol_hash) == ((), protocol.hash)
    noise = evaluate(told := Told("noise"), TASK, protocol, PHOTOGRAPHS)
    assert [seen.noise for seen in told.seen] == [("gaussian", 0.15)] * 3
    assert all(seen.hints is None and not seen.references for seen in told.seen)
    hints = evaluate(told := Told("hints"), TASK, protocol, PHOTOGRAPHS)
    for photograph, seen in zip(PHOTOGRAPHS, told.seen, strict=True):
        truth = photograph.picture / np.float32(255)
        assert 0 < seen.hints.mask.sum() < seen.hints.mask.size
        np.testing.assert_array_equal(seen.hints.colors[seen.hints.mask], truth[seen.hints.mask])
    others = {noise.protocol_hash, hints.protocol_hash}
    evaluate(fewer := Told("hints"), TASK, protocol_of(PHOTOGRAPHS[:1]), PHOTOGRAPHS[:1])
    np.testing.assert_array_equal(fewer.seen[0].hints.mask, told.seen[0].hints.mask)
    told.hint_drawing = HintDrawing("lines", 3, 9)
    others.add(evaluate(told, TASK, protocol, PHOTOGRAPHS).protocol_hash)
    assert len(others - {protocol.hash}) == 3
    np.testing.assert_array_equal(noise.values("psnr"), plain.values("psnr"))


def test_references_are_other_photographs_by_a_rule_that_the_hash_covers():
    protocol = protocol_of()
    evaluations = {}
    for name, pool in {"two": PHOTOGRAPHS[:2], "all": PHOTOGRAPHS, "one": PHOTOGRAPHS[:1]}.items():
        photographs, measured = (
            (PHOTOGRAPHS[1:], protocol_of(PHOTOGRAPHS[1:])) if name == "one" else (PHOTOGRAPHS, protocol)
        )
        method = Told("references")
        evaluations[name] = evaluate(
            method, TASK, measured, photographs, side_information=SideInformation(method, measured, pool)
        )
        for photograph, seen in zip(photographs, method.seen, strict=True):
            (reference,) = seen.references
            assert any(np.array_equal(reference * 255, other.picture) for other in pool)
            assert not np.array_equal(reference.shape, photograph.picture.shape) or np.any(
                reference * 255 != photograph.picture
            )
    assert evaluations["two"].protocol_hash != evaluations["all"].protocol_hash
    with pytest.raises(UserError, match="'told' needs a reference photograph, and the training photographs have none"):
        SideInformation(Told("references"), protocol_of(PHOTOGRAPHS[:1]), PHOTOGRAPHS[:1])


def test_cost_is_the_least_time_of_a_megapixel_and_the_number_of_weights(monkeypatch):
    clock = iter(np.cumsum([0, 5.0, 0, 0.25, 0, 0.5]))
    monkeypatch.setattr(sys.modules["colorjax.evaluation.evaluate"], "perf_counter", lambda: next(clock))
    network = NetworkMethod(
        "net", Constant(), {"params": {"a": np.zeros((2, 3), np.float32)}}, Colorize("l1"), 32, 8, 2
    )
    protocol = protocol_of(task="colorize", noise_kind="none")
    measured = evaluate(network, Colorize("l1"), protocol, PHOTOGRAPHS)
    assert measured.cost.weights == 6
    assert measured.cost.seconds == pytest.approx(0.25 / (33 * 51) * 1e6)  # of the cat
    assert Identity().weight_count() == 0


def test_psnr_has_a_ceiling():
    protocol = protocol_of(psnr_ceiling=80.0, noise_kind="none", noise_level=0.0)
    result = evaluate(Identity(), TASK, protocol, PHOTOGRAPHS)
    np.testing.assert_array_equal(result.values("psnr"), 80.0)
    np.testing.assert_allclose(result.values("loss"), 0.0, atol=1e-12)


class Constant(Network):
    """Outputs the same number everywhere."""

    @nn.compact
    def __call__(self, inputs, train):
        return jnp.full((*inputs.shape[:-1], 2), 0.5)


def test_evaluate_loss_is_that_of_a_networks_own_outputs_under_the_tables_task():
    trained_with = Colorize("l1", "gaussian", (0.0, 0.1))
    network = NetworkMethod("net", Constant(), {}, trained_with, patch_size=32, overlap=8, batch_size=2)
    photographs = PHOTOGRAPHS[:1]
    protocol = protocol_of(photographs, task="colorize", noise_kind="none")
    measured = evaluate(network, Colorize("squared_error"), protocol, photographs)
    truth = photographs[0].picture / np.float32(255)
    targets = np.asarray(Colorize("l1").targets(truth, None))
    assert measured.loss == "squared_error"
    assert measured.rows[0]["loss"] == pytest.approx(np.mean((targets - 0.5) ** 2), rel=1e-4)


@dataclasses.dataclass
class Broken(Method):
    result: np.ndarray
    name: str = "broken"

    def restore(self, observation):
        return Restored(self.result)


def test_broken_methods_and_wrong_pictures_are_one_clear_line():
    photographs, protocol = PHOTOGRAPHS[:1], protocol_of(PHOTOGRAPHS[:1])
    with pytest.raises(ColorjaxError, match=r"broken made a picture of \(2, 2, 3\) from eye"):
        evaluate(Broken(np.zeros((2, 2, 3), np.float32)), TASK, protocol, photographs)
    with pytest.raises(ColorjaxError, match="not finite"):
        evaluate(Broken(np.full((40, 61, 3), np.nan, np.float32)), TASK, protocol, photographs)
    with pytest.raises(UserError, match="cat is not one of"):
        evaluate(Identity(), TASK, protocol, [PHOTOGRAPHS[1]])
    with pytest.raises(UserError, match="eye is not one of"):
        evaluate(Identity(), TASK, protocol, [PHOTOGRAPHS[0], PHOTOGRAPHS[0]])
    with pytest.raises(UserError, match="1 of the 1 pictures"):
        evaluate(Identity(), TASK, protocol, [])
    with pytest.raises(UserError, match="measures the task 'denoise'"):
        evaluate(Identity(), Colorize("l1"), protocol, photographs)


def test_evaluation_kept_comes_back_whole_and_only_for_its_fingerprint(evaluation, tmp_path):
    row = dict(evaluation.rows[0], ssim=math.nan)
    kept = dataclasses.replace(evaluation, rows=(row, *evaluation.rows[1:]))
    assert load_evaluation(tmp_path / "none", "x") is None
    save_evaluation(tmp_path / "row", kept, "x")
    assert load_evaluation(tmp_path / "row", "y") is None
    loaded = load_evaluation(tmp_path / "row", "x")
    assert math.isnan(loaded.rows[0]["ssim"])
    assert loaded.rows[1:] == kept.rows[1:]
    assert loaded.cost == kept.cost
    (tmp_path / "row" / "cost.json").unlink()  # as an earlier version has left it
    assert load_evaluation(tmp_path / "row", "x").cost is None
    assert (loaded.columns, loaded.loss, loaded.method) == (kept.columns, kept.loss, kept.method)
    for ours, theirs in zip(loaded.samples, kept.samples, strict=True):
        assert ours.picture == theirs.picture
        for one, other in zip(ours[1:], theirs[1:], strict=True):
            np.testing.assert_array_equal(one, other)
    text = (tmp_path / "row" / "evaluation.json").read_text()
    (tmp_path / "row" / "evaluation.json").write_text(text[: len(text) // 2])
    assert load_evaluation(tmp_path / "row", "x") is None


def test_fingerprint_changes_with_protocol_settings_and_checkpoint(tmp_path):
    (tmp_path / "arrays").mkdir()
    (tmp_path / "arrays" / "weights").write_bytes(b"one")
    protocol, settings = protocol_of(), {"model": {"name": "unet", "depth": 3}}
    first = fingerprint(protocol, settings, tmp_path)
    assert fingerprint(protocol, {"model": {"depth": 3, "name": "unet"}}, tmp_path) == first
    others = {
        fingerprint(protocol_of(border=1), settings, tmp_path),
        fingerprint(protocol, {"model": {"name": "unet", "depth": 4}}, tmp_path),
        fingerprint(protocol, settings),
    }
    (tmp_path / "arrays" / "weights").write_bytes(b"two")
    others.add(fingerprint(protocol, settings, tmp_path))
    assert len(others | {first}) == 5


def test_fingerprint_changes_with_tables_that_the_code_reads(tmp_path, monkeypatch):
    (tmp_path / "__init__.py").touch()
    monkeypatch.setattr(colorjax, "__file__", str(tmp_path / "__init__.py"))
    marks = set()
    for share in (0.1, 0.2):
        (tmp_path / "ab_bins.csv").write_text(f"a,b,share\n0,0,{share}\n")
        marks.add(fingerprint(protocol_of(), {}))
    assert len(marks) == 2


def test_fingerprint_leaves_out_code_where_it_is_looked_for():
    source = Path(colorjax.__file__).parent
    assert [name for name in PRESENTATION if not (source / name).exists()] == []
