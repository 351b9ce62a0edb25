"""Traits of the explorers: a setting of one axis or both, a padding, a grid. Each names its rule."""

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

    def __init__(self, default: str, *, names: list[str], low: int, high: int) -> None:
        super().__init__(default)
        self.names, self.low, self.high = names, low, high

    def validate(self, obj: Any, value: Any) -> str | list[list[float]]:
        """Return the name, or the numbers as lists, which JSON can say."""
        if isinstance(value, str) and value in self.names:
            return value
        try:
            cells = np.asarray(value)
        except ValueError:  # rows of several lengths
            cells = np.empty(0)
        sizes_fit = cells.ndim == 2 and all(self.low <= size <= self.high for size in cells.shape)
        if not sizes_fit or cells.dtype.kind not in "iuf" or not np.isfinite(cells).all():
            raise TraitError(
                f"{self.name} must be one of {', '.join(map(repr, self.names))}, or a grid of {self.low} to "
                f"{self.high} rows and columns of finite numbers, got {value!r}"
            )
        lists: list[list[float]] = cells.tolist()
        return lists


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2
