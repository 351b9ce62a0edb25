"""Sets of pixels along one axis, one for each unit of a tensor, stored as spans (first, last).

Most receptive fields are a single span. An array of sets has the shape (*units, spans, 2). The spans of a
unit are sorted and do not touch. A unit with fewer spans than another has empty ones at the end.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# The span of a unit that reads nothing: it changes neither the minimum nor the maximum of other spans.
EMPTY_START = 2**40
EMPTY_SPAN = (EMPTY_START, -EMPTY_START)


def union_of_units(sets: IntArray, dims: Sequence[int]) -> IntArray:
    """The union of the sets of all units along some dimensions, which the result no longer has."""
    count = len(dims)
    moved = np.moveaxis(sets, dims, range(sets.ndim - 2 - count, sets.ndim - 2))
    kept = moved.shape[: moved.ndim - 2 - count]
    return _in_order(moved.reshape(*kept, prod(moved.shape[len(kept) : -1]), 2))


def union_of_sets(sets: Sequence[IntArray]) -> IntArray:
    """The unions, unit by unit, of several arrays of sets for the same units."""
    return _in_order(np.concatenate(sets, axis=-2)) if len(sets) > 1 else sets[0]


def enclosing(spans: IntArray, dim: int) -> IntArray:
    """The smallest spans that hold all spans along `dim`; shape (*units, 2), the result without `dim`."""
    if not spans.shape[dim]:
        shape = [*spans.shape[:dim], *spans.shape[dim + 1 : -1], 1]
        return np.concatenate([np.full(shape, start) for start in EMPTY_SPAN], axis=-1)
    return np.stack([spans[..., 0].min(axis=dim), spans[..., 1].max(axis=dim)], axis=-1)


def within(sets: IntArray, wider: IntArray) -> bool:
    """Whether each unit's set lies in the set that the same unit has in `wider`."""
    if sets.shape[-2] == wider.shape[-2] == 1:
        return bool(((sets[..., 0] >= wider[..., 0]) & (sets[..., 1] <= wider[..., 1])).all())
    one, other = sets[..., :, None, :], wider[..., None, :, :]
    inside = (one[..., 0] >= other[..., 0]) & (one[..., 1] <= other[..., 1])
    return bool(inside.any(axis=-1).all())


def members(sets: IntArray, size: int) -> BoolArray:
    """Shape (size,): which pixels are in the set of some unit; the sets hold no pixel from `size` on."""
    first, last = sets[..., 0].reshape(-1), sets[..., 1].reshape(-1)
    there = first < size
    edges = np.bincount(first[there], minlength=size + 1) - np.bincount(last[there] + 1, minlength=size + 1)
    return edges.cumsum()[:-1] > 0


def _in_order(sets: IntArray) -> IntArray:
    """Sort the spans of each set, and join those that touch or overlap."""
    if sets.shape[-2] == 0:
        return np.broadcast_to(np.array(EMPTY_SPAN), (*sets.shape[:-2], 1, 2))
    if sets.shape[-2] == 1:
        return sets
    first, last = sets[..., 0], sets[..., 1]
    if (first[..., 1:] < first[..., :-1]).any():
        order = first.argsort(axis=-1, kind="stable")
        first, last = np.take_along_axis(first, order, -1), np.take_along_axis(last, order, -1)
    reach, there = np.maximum.accumulate(last, axis=-1), first < EMPTY_START
    opens = there.copy()
    opens[..., 1:] &= first[..., 1:] > reach[..., :-1] + 1
    number = opens.sum(axis=-1)
    if number.size == 0 or number.max() <= 1:
        return np.stack([first[..., 0], reach[..., -1]], axis=-1)[..., None, :]
    closes = there.copy()
    closes[..., :-1] &= opens[..., 1:] | ~there[..., 1:]
    found = np.empty((*number.shape, int(number.max()), 2), dtype=np.int64)
    found[...] = EMPTY_SPAN
    place = opens.cumsum(axis=-1) - 1
    for side, (ends, values) in enumerate(((opens, first), (closes, reach))):
        where: Any = np.nonzero(ends)
        found[(*where[:-1], place[where], side)] = values[where]
    return found


def distinct(rows: IntArray) -> IntArray:
    """The different ones among the rows of an array; several times as fast as `numpy.unique`, which sorts."""
    places = {row.tobytes(): place for place, row in enumerate(rows)}
    return rows[list(places.values())]


def count_in_boxes(boxes: Sequence[Sequence[BoolArray]]) -> int:
    """Number of pixels in a union of boxes, each the product of a set of rows and a set of columns.

    Rows that lie in the same boxes are counted as one row with a weight; so are columns.
    """
    if not boxes:
        return 0
    kinds = [_alike(sets) for sets in zip(*boxes, strict=True)]
    seen = np.zeros([len(counts) for _, counts in kinds], dtype=bool)
    for box in range(len(boxes)):
        seen[np.ix_(*(classes[box] for classes, _ in kinds))] = True
    weights = np.ones((), dtype=np.int64)
    for _, counts in kinds:
        weights = np.multiply.outer(weights, counts)
    return int(weights[seen].sum())


def _alike(sets: Sequence[BoolArray]) -> tuple[BoolArray, IntArray]:
    """Group pixels by the sets that hold them: shape (sets, groups), and the pixels of each group."""
    number = np.zeros(len(sets[0]), dtype=np.int64)
    for index, each in enumerate(sets):
        number |= each.astype(np.int64) << index
    counts = np.bincount(number, minlength=1)
    found = np.flatnonzero(counts)
    return np.stack([found >> index & 1 for index in range(len(sets))]).astype(bool), counts[found]


def add_corners(edges: NDArray[np.int32], spans: Sequence[IntArray]) -> None:
    """Mark in `edges` where boxes begin and end: its cumulative sums count the boxes that hold each pixel."""
    boxes = distinct(np.stack(spans, axis=1))  # (boxes, axes, 2)
    boxes = boxes[(boxes[:, :, 0] < EMPTY_START).all(axis=1)]
    for sides in product((0, 1), repeat=edges.ndim):
        corner = tuple(boxes[:, axis, side] + side for axis, side in enumerate(sides))
        np.add.at(edges, corner, (-1) ** sum(sides))
