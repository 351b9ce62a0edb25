"""Traits of the explorers: a setting of one axis or both, a padding, a grid, filters. Each names its rule."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, TypedDict

import numpy as np
from traitlets import TraitError, TraitType

from helpers.widgets.setting import Grid, kernel_cells

MOST_FILTERS = 64  # the largest convolution of the book has as many
MOST_LETTERS = 200  # of a name
_MOST_NUMBER = 1e100  # sums of products of two are finite, too

_WORDS = ("valid", "same", "full")  # those that the pages know


class IndexTrait(TraitType[int, Any]):
    """An index; traitlets' own `Int` would take `False` for 0."""

    default_value = 0

    def validate(self, obj: Any, value: Any) -> int:
        """Return the index as Python's own integer."""
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TraitError(f"{self.name or 'an index'} must be a whole number, got {value!r}")
        return int(value)


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
    """Cells of padding on each side, "valid" or "same"."""

    rule = "a whole number from {0.low} to {0.high}, 'valid' or 'same'"

    def _checked(self, value: Any) -> Any:
        return value if value in ("valid", "same") else super()._checked(value)


class PaddingTrait(PerAxis):
    """What `helpers.convolution.convolve2d` takes as `padding`: numbers of cells, or a word for both axes."""

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

    def validate(self, obj: Any, value: Any) -> str | Grid:
        """Return the name, or the numbers as lists, which JSON can say."""
        if isinstance(value, str) and value in self.names:
            return value
        cells = as_grid(value, low=self.low, high=self.high)
        if cells is None:
            names = f"one of {', '.join(map(repr, self.names))}, or " if self.names else ""
            raise TraitError(
                f"{self.name} must be {names}a grid of {self.low} to {self.high} rows and columns of finite "
                f"numbers up to {_MOST_NUMBER:g}, got {value!r}"
            )
        return cells


def as_grid(value: Any, *, low: int, high: int) -> Grid | None:
    """Return `low` to `high` rows and columns of finite numbers as lists, or None for any other value."""
    if hasattr(value, "detach"):  # NumPy refuses a tensor that requires a gradient
        value = value.detach().cpu()
    try:
        cells = np.asarray(value)
    except ValueError:  # rows of several lengths
        return None
    sizes_fit = cells.ndim == 2 and all(low <= size <= high for size in cells.shape)
    if not sizes_fit or cells.dtype.kind not in "iuf":
        return None
    if not (np.abs(cells.astype(float)) <= _MOST_NUMBER).all():  # NaN is not, either
        return None
    lists: Grid = cells.tolist()
    return lists


class Filter(TypedDict):
    """One filter of a convolution of one channel."""

    name: str
    weights: list[list[float]]
    bias: float


def named_filters(weights: Mapping[str, Any]) -> list[Filter]:
    """Return filters without a bias, from their weights by name."""
    return [Filter(name=name, weights=grid, bias=0.0) for name, grid in weights.items()]


CLASSIC_FILTERS = named_filters(
    {
        "vertical edges": kernel_cells("vertical edges", 3, 3),
        "horizontal edges": kernel_cells("horizontal edges", 3, 3),
        "diagonal edges": [[2, 1, 0], [1, 0, -1], [0, -1, -2]],
        "outline": kernel_cells("outline", 3, 3),
        "blur": (np.outer([1, 2, 1], [1, 2, 1]) / 16).tolist(),
        "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
        "identity": kernel_cells("identity", 3, 3),
    }
)


class Filters(TraitType[Any, Any]):
    """The filters of one layer: grids by name, an array (filters, k, k), or `Filter` dictionaries."""

    def validate(self, obj: Any, value: Any) -> list[Filter]:
        """Return `Filter` dictionaries, which JSON can say."""
        checked = [self._checked(each) for each in self._listed(value)]
        names = {each["name"] for each in checked}
        shapes = {(len(each["weights"]), len(each["weights"][0])) for each in checked}
        if not 1 <= len(checked) <= MOST_FILTERS or len(names) < len(checked) or len(shapes) > 1:
            raise TraitError(
                f"{self.name} must be 1 to {MOST_FILTERS} filters of one shape, each of another name, got "
                f"{len(checked)} of {len(names)} names and of the shapes {sorted(shapes)}"
            )
        return checked

    def _listed(self, value: Any) -> list[Any]:
        if isinstance(value, Mapping):
            return list(named_filters(value))
        if not hasattr(value, "__iter__") or isinstance(value, str):
            raise TraitError(f"{self.name} must be grids by name or an array (filters, k, k), got {value!r}")
        listed = list(value)
        if all(isinstance(each, Mapping) for each in listed):
            return listed
        return list(named_filters({f"filter {index}": grid for index, grid in enumerate(listed)}))

    def _checked(self, value: Any) -> Filter:
        name, grid, bias = (value.get(key) for key in Filter.__annotations__)
        weights = as_grid(grid, low=1, high=7)
        if not isinstance(name, str) or not 0 < len(name) <= MOST_LETTERS:
            raise TraitError(
                f"{self.name} must have text for names, of 1 to {MOST_LETTERS} characters, got {name!r}"
            )
        if weights is None or not isinstance(bias, int | float) or not abs(bias) <= _MOST_NUMBER:
            raise TraitError(
                f"{self.name} must be grids of 1 to 7 rows and columns of finite numbers, with a finite "
                f"bias; {name!r} has {grid!r} and {bias!r}"
            )
        return Filter(name=name, weights=weights, bias=float(bias))


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2
