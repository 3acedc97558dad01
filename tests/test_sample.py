"""Which photographs are measured on when not all are."""

import numpy as np
import pytest

from colorjax.errors import UserError
from colorjax.evaluation.sample import chosen
from colorjax.pictures.images import Photograph


@pytest.fixture
def photographs():
    random = np.random.default_rng(0)
    return [Photograph(f"{i}.png", random.integers(0, 256, (4, 4, 3)).astype(np.uint8)) for i in range(9)]


def names(some):
    return [photograph.name for photograph in some]


def test_the_choice_depends_on_content_alone_and_grows(photographs):
    five = names(chosen(photographs, 5))
    assert len(five) == 5
    assert five == [name for name in names(photographs) if name in five]
    assert set(names(chosen(photographs[::-1], 5))) == set(five)
    assert set(names(chosen(photographs, 3))) < set(five)
    renamed = [Photograph(f"other{i}.png", p.picture) for i, p in enumerate(photographs)]
    assert names(chosen(renamed, 5)) == ["other" + name for name in five]


def test_zero_is_all_of_them(photographs):
    assert chosen(photographs, 0) is photographs


@pytest.mark.parametrize("count", [-1, 10])
def test_an_impossible_number_is_one_line(photographs, count):
    with pytest.raises(UserError, match=r"test_data.photographs=.*9 photographs.*0 for all"):
        chosen(photographs, count)
