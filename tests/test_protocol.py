import dataclasses

import jax
import numpy as np
import pytest
from skimage import data
from skimage.transform import resize

from colorjax.config.defaults import run_config
from colorjax.errors import UserError
from colorjax.evaluation.protocol import Protocol, build_protocol
from colorjax.pictures.images import Photograph, content_hash
from colorjax.tasks import Colorize, Denoise

PROTOCOL = Protocol("test", "two pictures", "denoise", ("aa", "bb"))

CHANGES = {
    "data": "others",
    "task": "colorize",
    "pictures": ("aa",),
    "resize": "short_side",
    "size": 100,
    "noise_kind": "gaussian",
    "noise_level": 0.1,
    "noise_seed": 1,
    "clip": False,
    "round_to_8_bits": False,
    "channels": "luminance",
    "ssim_sigma": 2.0,
    "ssim_window": 7,
    "accuracy_distance": 20.0,
    "psnr_ceiling": 60.0,
    "border": 4,
    "averaging": "pixel",
    "told": ("something",),
    "noise_field": "shared",
    "noisy_8_bits": True,
}


def test_protocol_hash_changes_with_every_field_but_the_name():
    assert set(CHANGES) | {"name"} == {field.name for field in dataclasses.fields(Protocol)}
    hashes = {dataclasses.replace(PROTOCOL, **{name: value}).hash for name, value in CHANGES.items()}
    assert len(hashes | {PROTOCOL.hash}) == len(CHANGES) + 1
    assert dataclasses.replace(PROTOCOL, name="other").hash == PROTOCOL.hash
    assert PROTOCOL.as_dict()["hash"] == PROTOCOL.hash
    assert dataclasses.replace(PROTOCOL, psnr_ceiling=100).hash == PROTOCOL.hash
    # A published hash must stay what it was: this one changes only with the definition of protocols.
    assert PROTOCOL.hash == "411f1ff88f53"


def test_protocol_from_a_config_names_the_pictures_whatever_their_order():
    random = np.random.default_rng(0)
    pictures = [Photograph(str(i), random.integers(0, 256, (4, 5, 3), np.uint8)) for i in range(3)]
    one = build_protocol(run_config().protocol, "made", "denoise", pictures)
    other = build_protocol(run_config().protocol, "made", "denoise", pictures[::-1])
    assert one == other
    assert one.pictures == tuple(sorted(content_hash(p.picture) for p in pictures))
    assert build_protocol({"border": 2}, "made", "denoise", pictures).border == 2
    with pytest.raises(UserError, match="did you mean 'border'"):
        build_protocol({"bordr": 2}, "made", "denoise", pictures)
    with pytest.raises(UserError, match="no photograph"):
        build_protocol({}, "made", "denoise", [])


def test_content_hash_knows_pixels_shape_and_nothing_else():
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert content_hash(picture) == content_hash(np.asfortranarray(picture))
    changed = picture.copy()
    changed[1, 2, 0] += 1
    assert len({content_hash(p) for p in (picture, changed, picture.reshape(4, 2, 3))}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"resize": "long_side"},
        {"channels": "gray"},
        {"averaging": "median"},
        {"noise_field": "one"},
        {"task": "denoising"},
        {"noise_kind": "gausian"},
        {"noise_kind": "gaussian", "noise_level": -0.1},
        {"size": 0},
        {"border": -1},
        {"ssim_sigma": 0.0},
        {"ssim_window": 8},
        {"accuracy_distance": 0.0},
        {"psnr_ceiling": 0.0},
    ],
)
def test_protocol_that_is_impossible_is_one_line_that_names_the_field(change):
    field = list(change)[-1].partition("_kind")[0]
    with pytest.raises(UserError, match=field.partition("_level")[0]) as error:
        dataclasses.replace(PROTOCOL, **change)
    assert "\n" not in str(error.value)


def test_resizing_reduces_the_short_side_as_scikit_image_does_and_never_enlarges():
    picture = data.astronaut()[100:240, 80:300]
    protocol = dataclasses.replace(PROTOCOL, resize="short_side", size=70, round_to_8_bits=False)
    truth = protocol.truth(picture)
    assert truth.shape == (70, 110, 3)
    assert truth.dtype == np.float32
    expected = np.clip(resize(picture / 255.0, (70, 110), order=3, mode="reflect", anti_aliasing=True), 0, 1)
    np.testing.assert_allclose(truth, expected, atol=1e-5)
    larger = dataclasses.replace(protocol, size=141)
    np.testing.assert_array_equal(larger.truth(picture), picture.astype(np.float32) / np.float32(255))
    whole = PROTOCOL.truth(picture)
    np.testing.assert_array_equal(whole, larger.truth(picture))
    rounded = dataclasses.replace(protocol, round_to_8_bits=True).truth(picture) * 255
    np.testing.assert_allclose(rounded, np.rint(expected * 255), atol=0.51)
    np.testing.assert_allclose(rounded, np.rint(rounded), atol=1e-4)


def test_restored_pictures_are_clipped_and_rounded_as_the_protocol_says():
    picture = np.array([[[-0.5, 0.3001, 1.7]]], np.float32)
    np.testing.assert_allclose(PROTOCOL.restored(picture), [[[0, 77 / 255, 1]]], atol=1e-7)
    as_it_is = dataclasses.replace(PROTOCOL, clip=False, round_to_8_bits=False)
    np.testing.assert_array_equal(as_it_is.restored(picture), picture)


def test_noise_and_hints_depend_on_the_seed_and_the_picture_alone():
    hashes = ["ffffffff00", "0123456789"]
    keys = [jax.random.key_data(PROTOCOL.key(h)).tolist() for h in hashes]
    assert keys[0] != keys[1]
    assert keys == [jax.random.key_data(PROTOCOL.key(h)).tolist() for h in hashes]
    other = dataclasses.replace(PROTOCOL, noise_seed=1)
    assert jax.random.key_data(other.key(hashes[0])).tolist() != keys[0]
    assert 0 <= PROTOCOL.hint_seed(hashes[0]) < 2**31
    assert other.hint_seed(hashes[0]) != PROTOCOL.hint_seed(hashes[0])


def test_shared_noise_field_depends_on_the_seed_alone_and_hints_still_on_the_picture():
    shared = dataclasses.replace(PROTOCOL, noise_field="shared")
    hashes = ["ffffffff00", "0123456789"]
    one, other = (jax.random.key_data(shared.key(h)).tolist() for h in hashes)
    assert one == other
    assert jax.random.key_data(dataclasses.replace(shared, noise_seed=1).key(hashes[0])).tolist() != one
    assert [shared.hint_seed(h) for h in hashes] == [PROTOCOL.hint_seed(h) for h in hashes]


def test_degraded_pictures_are_files_if_the_protocol_says_so():
    noisy = np.array([[[-0.5, 0.3001, 1.7]]], np.float32)
    np.testing.assert_array_equal(PROTOCOL.degraded(noisy), noisy)
    file = dataclasses.replace(PROTOCOL, noisy_8_bits=True, round_to_8_bits=False)
    np.testing.assert_allclose(file.degraded(noisy), [[[0, 77 / 255, 1]]], atol=1e-7)


def test_description_says_how_the_noisy_picture_is_given():
    noise = dataclasses.replace(PROTOCOL, noise_kind="gaussian", noise_level=0.1)
    assert "gaussian noise of level 0.1 (seed 0), given as float numbers;" in noise.describe()
    changed = dataclasses.replace(noise, noise_field="shared", noisy_8_bits=True).describe()
    assert "(seed 0, one noise field for all pictures of a size), given clipped and rounded to 8 bits;" in changed
    assert "no noise (seed 0), given as float numbers;" in PROTOCOL.describe()


def test_measured_task_has_the_protocols_noise_and_the_tasks_own_loss():
    protocol = dataclasses.replace(PROTOCOL, noise_kind="gaussian", noise_level=0.1)
    measured = protocol.measured_task(Denoise("l1", "poisson", (0.0, 0.5)))
    assert measured == Denoise("l1", "gaussian", (0.1, 0.1))
    with pytest.raises(UserError, match="denoise"):
        protocol.measured_task(Colorize("l1"))
