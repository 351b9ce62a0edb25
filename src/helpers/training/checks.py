"""The check that every whole number given to this package passes."""

from operator import index
from typing import Any


def whole_number(name: str, value: Any, *, at_least: int) -> int:
    """Return `value` as an int; NumPy integers pass, since they have `__index__`.

    Raises:
        TypeError: for a bool, or for anything that is not an integer.
        ValueError: if the number is below `at_least`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    number = index(value)
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {number}")
    return number
