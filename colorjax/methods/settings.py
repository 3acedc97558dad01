"""Checks of a method's settings: fields of a dataclass, numbers, by name. Each raises a `UserError` that names one."""

from collections.abc import Callable

from colorjax.errors import UserError


def require_at_least(lowest: int, method: object, *fields: str) -> None:
    """Raise a `UserError` unless the fields are `lowest` or more."""
    _require(lambda value: value >= lowest, f"{lowest} or more", method, fields)


def require_positive(method: object, *fields: str) -> None:
    """Raise a `UserError` unless the fields are above 0."""
    _require(lambda value: value > 0, "above 0", method, fields)


def require_odd(method: object, *fields: str) -> None:
    """Raise a `UserError` unless the fields are odd and above 0."""
    _require(lambda value: value > 0 and value % 2 == 1, "an odd number from 1 on", method, fields)


def require_within(lowest: float, highest: float, method: object, *fields: str) -> None:
    """Raise a `UserError` unless the fields are from `lowest` to `highest`."""
    _require(lambda value: lowest <= value <= highest, f"from {lowest} to {highest}", method, fields)


def _require(fits: Callable[[float], bool], wanted: str, method: object, fields: tuple[str, ...]) -> None:
    for field in fields:
        value = getattr(method, field)
        if not fits(value):
            raise UserError(f"method.{field}={value}: must be {wanted}")
