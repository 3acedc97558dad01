"""Hints as JSON: what a page or a person writes, where it lands on the picture, and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorjax.errors import UserError
from colorjax.methods.hint_strokes import HintStrokes, Stroke, parse_hints, read_hints

RED, BLUE = "#ff0000", "#0000ff"


def content(**changes):
    """A valid file's content for a picture of 40x20 pixels, with changes; None takes a key out."""
    base = {
        "format": "colorjax hints",
        "version": 1,
        "width": 40,
        "height": 20,
        "strokes": [{"color": RED, "width": 3, "points": [[5, 4.5], [15, 4.5]]}],
        "points": [{"color": BLUE, "size": 5, "x": 30.5, "y": 10.5}],
    }
    return {key: value for key, value in (base | changes).items() if value is not None}


def test_strokes_and_points_lie_where_they_say():
    hints = parse_hints(content()).drawn(20, 40)
    assert hints.mask.shape == (20, 40)
    np.testing.assert_array_equal(hints.colors[4, 10], [1, 0, 0])
    np.testing.assert_array_equal(np.nonzero(hints.mask[:, 10])[0], [3, 4, 5])  # 3 wide around row 4
    rows, columns = np.nonzero(hints.colors[..., 2])
    np.testing.assert_array_equal([rows.min(), rows.max(), columns.min(), columns.max()], [8, 12, 28, 32])
    assert not hints.mask[15:, :20].any()


def test_points_cover_strokes_and_later_ones_earlier_ones():
    points = [{"color": color, "size": 3, "x": 10, "y": 5} for color in ("#00ff00", BLUE)]
    hints = parse_hints(content(points=points)).drawn(20, 40)
    np.testing.assert_array_equal(hints.colors[5, 10], [0, 0, 1])


@given(st.integers(1, 90), st.integers(1, 90), st.floats(0, 40), st.floats(0, 20), st.floats(0.1, 50))
def test_every_hint_is_on_a_copy_of_any_size(height, width, x, y, size):
    for points in (((x, y),), ((x, y), (40 - x, 20 - y))):
        hints = HintStrokes(40, 20, (Stroke(points, (1.0, 0.5, 0.0), size),)).drawn(height, width)
        assert hints.mask.any()
        np.testing.assert_array_equal(hints.colors[hints.mask].min(axis=0), [1, 0.5, 0])


def test_copy_of_half_the_size_has_the_hints_at_half_the_place():
    whole, half = (parse_hints(content()).drawn(*size) for size in ((20, 40), (10, 20)))
    centers = [np.argwhere(hints.colors[..., 2] > 0).mean(axis=0) + 0.5 for hints in (whole, half)]
    np.testing.assert_allclose(centers[0] / 2, centers[1], atol=0.5)


def one_stroke(**changes):
    return content(strokes=[{"color": RED, "width": 3, "points": [[1, 1]]} | changes])


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (content(format="hints"), "no hints: they begin"),
        ([1], "no hints: they begin"),
        (content(version=2), "hints of version 2; this colorjax reads version 1"),
        (content(version=None), "hints of version None"),
        (content(strokes=[], points=None), "the hints have no color: neither strokes nor points"),
        (content(strokes={}), "strokes: needs a list"),
        (content(width=0), "the hints: width must be a whole number of pixels above 0, not 0"),
        (content(height="20"), 'height must be a whole number of pixels above 0, not "20"'),
        (content(scale=2), "the hints: unknown key 'scale'"),
        (one_stroke(points=[[1, 1], [41, 3]]), r"strokes\[0\].points\[1\]: \(41, 3\) is outside the picture of 40x20"),
        (one_stroke(points=[[1, -0.1]]), "outside the picture"),
        (one_stroke(points=[[1, float("nan")]]), "x and y must be numbers"),
        (one_stroke(points=[[1]]), r"strokes\[0\].points\[0\]: needs \[x, y\], not \[1\]"),
        (one_stroke(points=[]), "needs a list of at least one"),
        (one_stroke(points="ab"), "needs a list of at least one"),
        (one_stroke(color="red"), r'strokes\[0\].color: needs a color such as "#b5653a", not "red"'),
        (one_stroke(color=[1, 0, 0]), "needs a color such as"),
        (one_stroke(width=-1), r"strokes\[0\]: width must be a number of pixels above 0, not -1"),
        (one_stroke(width=True), "width must be a number"),
        (one_stroke(colour=RED), "unknown key 'colour'; did you mean 'color'"),
        (content(strokes=[3]), r"strokes\[0\]: needs an object with color, width, points"),
        (content(points=[{"color": RED, "size": 3, "x": 1}]), r"points\[0\]: x and y must be numbers"),
    ],
)
def test_wrong_hints_are_one_line_with_the_place(tmp_path, changed, line):
    path = tmp_path / "hints.json"
    path.write_text(json.dumps(changed))
    with pytest.raises(UserError, match=line) as error:
        read_hints(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'{"format": ', "no JSON: Expecting value in line 1, column 12"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
        (b"", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_broken_file_is_one_line(tmp_path, data, line):
    path = tmp_path / "hints.json"
    path.write_bytes(data)
    with pytest.raises(UserError, match=line):
        read_hints(path)
    with pytest.raises(UserError, match="No such file"):
        read_hints(tmp_path / "none.json")
