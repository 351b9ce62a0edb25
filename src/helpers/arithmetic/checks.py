"""The checks that every argument passes once: whole numbers, switches, pads."""

from operator import index
from typing import Any


def whole_number(name: str, value: Any, *, at_least: int) -> int:
    """Return `value` as an int; NumPy integers pass, since they have `__index__`.

    Raises:
        TypeError: for a bool, or for anything that is not an integer (2.0 and NaN included).
        ValueError: if the number is below `at_least`.
    """
    # Sizes are nearly always plain ints: this line is what keeps a call at microseconds.
    number = value if type(value) is int else _index(name, value)
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {number}")
    return number


def switch(name: str, value: Any) -> bool:
    """Return `value` if it is True or False.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def pair_of_pads(name: str, value: Any) -> tuple[int, int]:
    """Return an int as the same pad on both sides, and `(before, after)` as it is.

    Raises:
        TypeError: for any other kind, or a pad that is not an integer.
        ValueError: for a negative pad, or a tuple that does not hold two.
    """
    if not isinstance(value, tuple):
        pad = whole_number(name, value, at_least=0)
        return pad, pad
    if len(value) != 2:
        raise ValueError(f"{name} must hold two numbers, (before, after), got {value!r}")
    before, after = value
    return whole_number(f"{name}[0]", before, at_least=0), whole_number(f"{name}[1]", after, at_least=0)


def _index(name: str, value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got the bool {value}")
    try:
        return index(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"{name} must be a whole number, got {value!r} of type {kind}") from None
