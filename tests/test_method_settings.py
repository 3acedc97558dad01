"""The checks of methods' settings."""

import dataclasses

import pytest

from colorjax.errors import UserError
from colorjax.methods.settings import require_at_least, require_odd, require_positive, require_within


@dataclasses.dataclass
class Method:
    side: int = 3
    share: float = 1.0


def test_what_fits_is_silent_at_the_bounds_too():
    require_at_least(3, Method(), "side")
    require_odd(Method(), "side")
    require_positive(Method(), "side", "share")
    require_within(0, 1, Method(), "share")


@pytest.mark.parametrize(
    ("check", "line"),
    [
        (lambda: require_at_least(4, Method(), "share", "side"), r"method\.share=1.0: must be 4 or more"),
        (lambda: require_odd(Method(side=4), "side"), r"method\.side=4: must be an odd number from 1 on"),
        (lambda: require_odd(Method(side=-1), "side"), r"method\.side=-1: must be an odd number from 1 on"),
        (lambda: require_positive(Method(share=0.0), "side", "share"), r"method\.share=0.0: must be above 0"),
        (lambda: require_within(0, 1, Method(share=1.5), "share"), r"method\.share=1.5: must be from 0 to 1"),
        (lambda: require_within(0, 1, Method(share=float("nan")), "share"), r"method\.share=nan: must be from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_named_with_its_value(check, line):
    with pytest.raises(UserError, match=line):
        check()
