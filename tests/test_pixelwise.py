import numpy as np
import pytest

from colorjax.runtime.pixelwise import map_pixels, pad_reflected, pad_to_shared_size


def test_pixelwise_continues_a_small_picture_with_its_reflection():
    picture = np.arange(3, dtype=np.float32).reshape(1, 3, 1)
    np.testing.assert_array_equal(pad_reflected(picture, 6, 6)[:, :, 0], np.tile([0.0, 1, 2, 1, 0, 1], (6, 1)))
    full = np.zeros((4, 8, 3))
    assert pad_reflected(full, 4, 8) is full


@pytest.mark.parametrize(
    ("side", "shared"), [(1, 32), (32, 32), (33, 64), (129, 256), (256, 256), (257, 512), (513, 768)]
)
def test_padding_to_shared_sizes(side, shared):
    assert pad_to_shared_size(np.zeros((side, 2, 1))).shape == (shared, 32, 1)


def test_functions_of_pixels_on_pictures_of_many_sizes_compile_for_few():
    traced = []

    def product(one, other):
        traced.append(one.shape)
        return one * other[..., :1]

    random = np.random.default_rng(0)
    for height, width in [(5, 9), (40, 7), (33, 20), (31, 31)]:
        one, other = (random.uniform(size=(height, width, 3)).astype(np.float32) for _ in range(2))
        np.testing.assert_allclose(map_pixels(product, one, other), one * other[..., :1])
    assert traced == [(32, 32, 3), (64, 32, 3)]
