"""Numbers and lists in words, for text alternatives."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

_WORDS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_SHORT = 8  # a longer list is shortened to its beginning and its end


def number(value: float) -> str:
    """A number as cells and sentences show it: at most two decimals, none that are zero, a real minus.

    >>> number(9.90), number(-3), number(12345.6)
    ('9.9', '−3', '12346')
    """
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")
    return text.replace("-0", "0").replace("-", "−") if float(text) == 0 else text.replace("-", "−")


def spelled(value: int) -> str:
    """A whole number in words up to twelve, in digits beyond.

    >>> spelled(3), spelled(13)
    ('three', '13')
    """
    return _WORDS[value] if 0 < value < len(_WORDS) else str(value)


def counted(value: int, noun: str) -> str:
    """A count and its noun, whose plural takes an s.

    >>> counted(0, "pixel"), counted(1, "window"), counted(28, "row")
    ('no pixels', 'one window', '28 rows')
    """
    return f"{_WORDS[0] if value == 0 else spelled(value)} {noun}{'' if value == 1 else 's'}"


def joined(parts: Sequence[str]) -> str:
    """Parts with commas and a final "and".

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def listed(indices: Iterable[int]) -> str:
    """A list of ascending whole numbers; a long one is given by its step or by its runs.

    >>> listed([0, 2, 4, 6])
    '0, 2, 4 and 6'
    >>> listed(range(0, 26, 2))
    '0, 2, 4 and so on to 24'
    >>> listed([*range(10), 20])
    '0 to 9 and 20'
    """
    ordered = list(indices)
    steps = {after - before for before, after in pairwise(ordered)}
    if len(ordered) <= _SHORT and steps != {1}:
        return joined([number(index) for index in ordered])
    if len(steps) == 1 and steps != {1}:
        first = ", ".join(number(index) for index in ordered[:3])
        return f"{first} and so on to {number(ordered[-1])}"
    breaks = [index + 1 for index, (before, after) in enumerate(pairwise(ordered)) if after - before > 1]
    runs = [run.tolist() for run in np.split(np.array(ordered), breaks)]
    return joined([_run(run) for run in runs])


def plural(noun: str, indices: Sequence[int]) -> str:
    """The noun, in the plural if there are several, and the indices.

    >>> plural("pixel", [9]), plural("row", [0, 2])
    ('pixel 9', 'rows 0 and 2')
    """
    return f"{noun}{'s' * (len(indices) > 1)} {listed(indices)}"


def sentence(text: str) -> str:
    """The text with a capital letter in front and a full stop behind."""
    return f"{text[0].upper()}{text[1:]}."


def capitalized(text: str) -> str:
    """The text with a capital letter in front, unless it begins with code.

    >>> capitalized("stride 2"), capitalized("ceil_mode=True")
    ('Stride 2', 'ceil_mode=True')
    """
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return text if set(first) & set("_=(") else text[:1].upper() + text[1:]


def spoken(label: str) -> str:
    """The label of an axis as words of a sentence.

    Raises:
        ValueError: if the label is empty.

    >>> spoken("test accuracy, %")
    'test accuracy in percent'
    """
    if not label.strip():
        raise ValueError(f"label must name a quantity, got {label!r}")
    return label.replace(", %", " in percent")


def _run(run: list[int]) -> str:
    if len(run) < 3:
        return joined([number(index) for index in run])
    return f"{number(run[0])} to {number(run[-1])}"
