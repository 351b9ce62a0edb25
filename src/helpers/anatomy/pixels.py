"""How many pixels of the image the units of a tensor read, through all their paths together."""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.spans import EMPTY_START, BoolArray, IntArray, members


def count_pixels(paths: Sequence[tuple[AxisFields, ...]]) -> int:
    """Pixels that some unit reads through some path.

    Where two axes vary along the same dimension, a unit has the rows and columns of the same index; otherwise
    all rows meet all columns.
    """
    if not paths:
        return 0
    sizes = [axis.size for axis in paths[0]]
    shared = [path for path in paths if _shared_dims(path)]
    boxes = [[members(axis.reads, axis.size) for axis in path] for path in paths if not _shared_dims(path)]
    count = _count_in_boxes(boxes)
    if not shared or count == prod(sizes):
        return count
    seen = np.zeros(sizes, dtype=bool)
    for box in boxes:
        seen[np.ix_(*box)] = True
    for path in shared:
        if not seen.all():
            seen |= _seen_by_units(path)
    return int(np.count_nonzero(seen))


def _shared_dims(path: Sequence[AxisFields]) -> list[int]:
    """The dimensions of the tensor along which more than one axis varies."""
    dims = [dim for axis in path for dim in axis.varying]
    return sorted({dim for dim in dims if dims.count(dim) > 1})


def _count_in_boxes(boxes: Sequence[Sequence[BoolArray]]) -> int:
    """Pixels in the union of boxes, each the product of a set of rows and a set of columns.

    Rows that lie in the same boxes count as one row, many times; so do columns.
    """
    if not boxes:
        return 0
    kinds = [np.unique(np.stack(sets), axis=1, return_counts=True) for sets in zip(*boxes, strict=True)]
    seen = np.zeros([len(counts) for _, counts in kinds], dtype=bool)
    for box in range(len(boxes)):
        seen[np.ix_(*(classes[box] for classes, _ in kinds))] = True
    weights = np.ones((), dtype=np.int64)
    for _, counts in kinds:
        weights = np.multiply.outer(weights, counts)
    return int(weights[seen].sum())


def _seen_by_units(path: Sequence[AxisFields]) -> BoolArray:
    """The pixels that some unit reads, each of which reads some rows and some columns of its own."""
    shared = _shared_dims(path)
    axes = [axis.merged([dim for dim in axis.varying if dim not in shared]) for axis in path]
    dims = np.broadcast_shapes(*(axis.shape for axis in axes))
    sets = [
        np.broadcast_to(a.reads, (*dims, *a.reads.shape[-2:])).reshape(-1, *a.reads.shape[-2:]) for a in axes
    ]
    edges = np.zeros([axis.size + 1 for axis in axes], dtype=np.int32)
    for spans in product(*(range(each.shape[1]) for each in sets)):
        _add_corners(edges, [each[:, span] for each, span in zip(sets, spans, strict=True)])
    for dim in range(edges.ndim):
        np.cumsum(edges, axis=dim, out=edges)
    return np.asarray(edges[(slice(-1),) * edges.ndim] > 0)


def _add_corners(edges: NDArray[np.int32], spans: Sequence[IntArray]) -> None:
    """Mark where boxes begin and end, so that the sums along all axes count the boxes that hold a pixel."""
    boxes = np.unique(np.stack(spans, axis=1), axis=0)  # (boxes, axes, 2)
    boxes = boxes[(boxes[:, :, 0] < EMPTY_START).all(axis=1)]
    for sides in product((0, 1), repeat=edges.ndim):
        corner = tuple(boxes[:, axis, side] + side for axis, side in enumerate(sides))
        np.add.at(edges, corner, (-1) ** sum(sides))
