"""Traits of the explorers: a setting of one axis or both, a padding, a grid. Each names its rule."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, get_args

import numpy as np
from traitlets import TraitError, TraitType

from helpers.arithmetic.layer import NamedPadding

_WORDS = get_args(NamedPadding)


class PerAxis(TraitType[Any, Any]):
    """A whole number for both axes, or two of them, (rows, columns)."""

    rule = "a whole number from {0.low} to {0.high}, or two, (rows, columns)"

    def __init__(self, default: Any, *, low: int, high: int) -> None:
        super().__init__(default)
        self.low, self.high = low, high

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the value, with tuples where JSON has lists."""
        checked = self._checked(value)
        if checked is None:
            raise TraitError(f"{self.name} must be {self.rule.format(self)}, got {value!r}")
        return checked

    def _checked(self, value: Any) -> Any:
        if _is_pair(value):
            return tuple(map(int, value)) if all(map(self._fits, value)) else None
        return int(value) if self._fits(value) else None

    def _fits(self, value: Any) -> bool:
        is_whole = isinstance(value, Integral) and not isinstance(value, bool)
        return is_whole and self.low <= int(value) <= self.high


class WholeNumber(PerAxis):
    """One whole number for both axes."""

    rule = "a whole number from {0.low} to {0.high}"

    def _checked(self, value: Any) -> Any:
        return int(value) if self._fits(value) else None


class SidePadding(WholeNumber):
    """Cells on each side, or a word."""

    rule = "a whole number from {0.low} to {0.high}, 'valid' or 'same'"

    def _checked(self, value: Any) -> Any:
        return value if value in ("valid", "same") else super()._checked(value)


class PaddingTrait(PerAxis):
    """What `helpers.convolution` takes for `padding`: numbers of cells, or a word for both axes."""

    rule = (
        "a whole number from {0.low} to {0.high}, two, (rows, columns), "
        f"four, ((top, bottom), (left, right)), or one of {', '.join(map(repr, _WORDS))}"
    )

    def _checked(self, value: Any) -> Any:
        if isinstance(value, str):
            return value if value in _WORDS else None
        if not _is_pair(value) or not any(map(_is_pair, value)):
            return super()._checked(value)
        sides = [PerAxis._checked(self, side) for side in value]
        return None if None in sides else tuple(side if _is_pair(side) else (side, side) for side in sides)


class Cells(TraitType[Any, Any]):
    """A grid of numbers, or the name of one that exists at any size; arrays and tensors become lists."""

    def __init__(self, default: Any, *, names: Sequence[str] = (), low: int, high: int) -> None:
        super().__init__(default)
        self.names, self.low, self.high = names, low, high

    def validate(self, obj: Any, value: Any) -> str | list[list[float]]:
        """Return the name, or the numbers as lists, which JSON can say."""
        if isinstance(value, str) and value in self.names:
            return value
        cells = as_grid(value, low=self.low, high=self.high)
        if cells is None:
            names = f"one of {', '.join(map(repr, self.names))}, or " if self.names else ""
            raise TraitError(
                f"{self.name} must be {names}a grid of {self.low} to {self.high} rows and columns of finite "
                f"numbers, got {value!r}"
            )
        return cells


def as_grid(value: Any, *, low: int, high: int) -> list[list[float]] | None:
    """Rows of finite numbers as lists, or None if they are not such, or too few or too many."""
    if hasattr(value, "detach"):  # a tensor that is being learned, which NumPy would not take
        value = value.detach().cpu()
    try:
        cells = np.asarray(value)
    except ValueError:  # rows of several lengths
        return None
    sizes_fit = cells.ndim == 2 and all(low <= size <= high for size in cells.shape)
    if not sizes_fit or cells.dtype.kind not in "iuf" or not np.isfinite(cells).all():
        return None
    lists: list[list[float]] = cells.tolist()
    return lists


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2
