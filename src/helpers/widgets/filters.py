"""The filters of a feature map explorer: those with a name, and the trait that holds any."""

import math
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
from traitlets import TraitError, TraitType

from helpers.widgets.patterns import kernel_cells
from helpers.widgets.traits import as_grid

MOST = 64  # as many as the book's largest layer has


class Filter(TypedDict):
    """One filter of a layer: what its map is called, and what makes it."""

    name: str
    weights: list[list[float]]
    bias: float


def filters(weights: Mapping[str, Any]) -> list[Filter]:
    """Filters without a bias, from their weights by name."""
    return [Filter(name=name, weights=grid, bias=0.0) for name, grid in weights.items()]


CLASSIC = filters(
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
    """The filters of one layer: grids by name, an array (filters, k, k), or dictionaries as `Filter`."""

    def validate(self, obj: Any, value: Any) -> list[Filter]:
        """Return dictionaries as `Filter`, which JSON can say."""
        checked = [self._checked(each) for each in self._listed(value)]
        names = {each["name"] for each in checked}
        shapes = {(len(each["weights"]), len(each["weights"][0])) for each in checked}
        if not 1 <= len(checked) <= MOST or len(names) < len(checked) or len(shapes) > 1:
            raise TraitError(
                f"{self.name} must be 1 to {MOST} filters of one shape, each of another name, got "
                f"{len(checked)} of {len(names)} names and of the shapes {sorted(shapes)}"
            )
        return checked

    def _listed(self, value: Any) -> list[Any]:
        if isinstance(value, Mapping):
            return list(filters(value))
        if not hasattr(value, "__iter__") or isinstance(value, str):
            raise TraitError(f"{self.name} must be grids by name or an array (filters, k, k), got {value!r}")
        listed = list(value)
        if all(isinstance(each, Mapping) for each in listed):
            return listed
        return list(filters({f"filter {place}": grid for place, grid in enumerate(listed)}))

    def _checked(self, value: Any) -> Filter:
        name, grid, bias = (value.get(key) for key in Filter.__annotations__)
        weights = as_grid(grid, low=1, high=7)
        if not isinstance(name, str) or not name:
            raise TraitError(f"{self.name} must have text for names, got {name!r}")
        if weights is None or not isinstance(bias, int | float) or not math.isfinite(bias):
            raise TraitError(
                f"{self.name} must be grids of 1 to 7 rows and columns of finite numbers, with a finite "
                f"bias; {name!r} has {grid!r} and {bias!r}"
            )
        return Filter(name=name, weights=weights, bias=float(bias))
