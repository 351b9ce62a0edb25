"""The checks of arguments: whole numbers, pairs of them, switches, choices.

All errors have one form: "<argument> must be <rule>, got <value>".
"""

from collections.abc import Iterable
from operator import index
from typing import Any


def whole_number(name: str, value: Any, *, at_least: int) -> int:
    """Return `value` as an int; NumPy integers pass, since they have `__index__`.

    Raises:
        TypeError: for a bool, or for anything that is not an integer (2.0 and NaN included).
        ValueError: if the number is below `at_least`.
    """
    # Sizes are nearly always plain ints: this shortcut keeps a call at microseconds.
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


def number_pair(name: str, value: Any, *, at_least: int, order: str) -> tuple[int, int]:
    """Return a whole number as the same one twice, and a tuple of two as it is; `order` names the two.

    Raises:
        TypeError: for any other kind, or a number that is not an integer.
        ValueError: for a number below `at_least`, or a tuple that does not hold two.
    """
    if not isinstance(value, tuple):
        number = whole_number(name, value, at_least=at_least)
        return number, number
    first, second = number_tuple(name, value, at_least=at_least, order=order, length=2)
    return first, second


def number_tuple(name: str, value: Any, *, at_least: int, order: str, length: int) -> tuple[int, ...]:
    """Return a whole number as often as `length` says, 1 to 3, and a tuple of that length as it is.

    Raises:
        TypeError: for any other kind, or a number that is not an integer.
        ValueError: for a number below `at_least`, or a tuple of another length.
    """
    if not isinstance(value, tuple):
        return (whole_number(name, value, at_least=at_least),) * length
    if len(value) != length:
        counted = ("one number", "one number or two", "one number or three")[length - 1]
        raise ValueError(f"{name} must be {counted}, {order}, got {value!r}")
    return tuple(
        whole_number(f"{name}[{position}]", value[position], at_least=at_least) for position in range(length)
    )


def choice(name: str, value: Any, known: Iterable[Any]) -> None:
    """Check that `value` is one of the values in `known`.

    Raises:
        TypeError: if `known` holds strings only, and `value` is none.
        ValueError: for any other value.
    """
    known = tuple(known)
    if isinstance(value, str) and value in known:
        return
    if all(isinstance(each, str) for each in known) and not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")


def _index(name: str, value: Any) -> int:
    # A tensor that holds a bool has `__index__`; torch itself is not imported here.
    if isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "torch.bool"):
        raise TypeError(f"{name} must be a whole number, got the bool {value}")
    try:
        return index(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"{name} must be a whole number, got {value!r} of type {kind}") from None
