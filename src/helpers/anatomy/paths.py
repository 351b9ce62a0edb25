"""The paths by which an image reaches one tensor, and what the units of the tensor read through all of them.

A path is one way through the branches of a network. To the sum of a residual block lead two: one through its
convolutions, one through its shortcut. Along one path a unit reads a rectangle of the image, rows by columns;
what it reads in all is the union of these rectangles.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod

import numpy as np

from helpers.anatomy.axis import AT_MOST, EXACT, ROUGH, AxisFields
from helpers.anatomy.spans import (
    EMPTY_START,
    BoolArray,
    IntArray,
    add_corners,
    count_in_boxes,
    distinct,
    enclosing,
    members,
    union_of_sets,
    within,
)

InputPath = tuple[AxisFields, ...]  # one entry for each axis of the image
Paths = tuple[InputPath, ...]  # empty for a tensor that does not depend on the image

# Beyond this number, paths of one kind are replaced by one that encloses them: an upper bound.
_MOST_PATHS = 8

# Above this many units, it is not worked out whether they read a rectangle together.
_MOST_COMPARED = 2**22


@dataclass(frozen=True)
class FieldSummary:
    """What the units of one tensor read, in the numbers of a table; a tuple holds one value for each axis.

    Attributes:
        receptive_field: pixels from the first to the last that a unit reads, the largest over all units; at
            most that many if `is_known` is False.
        jumps: pixels of the image from one unit to the next: one number, or several if paths differ, that of
            the largest receptive field first; empty if no dimension of the tensor follows the axis.
        start: first position that unit 0 reads, padding included; None if it reads nothing.
        unread: pixels of the image that no unit reads; None if that is not known.
        is_known: whether `receptive_field` is exact, rather than an upper bound.
        is_global: whether each unit reads every pixel that any unit reads.
        local_field: receptive field without the paths on which all units read the same, such as those through
            a global pooling; None if there are no such paths, or no others.
    """

    receptive_field: tuple[int, ...]
    jumps: tuple[tuple[Fraction, ...], ...]
    start: tuple[int | None, ...]
    unread: int | None
    is_known: bool
    is_global: bool
    local_field: tuple[int, ...] | None


def map_axes(paths: Paths, change: Callable[[AxisFields], AxisFields]) -> Paths:
    """The paths with the fields along each axis changed; an unchanged path stays the same object."""
    return tuple(_replaced(path, tuple(map(change, path))) for path in paths)


def map_along(paths: Paths, dim: int, change: Callable[[AxisFields], AxisFields], kept: BoolArray) -> Paths:
    """The paths after an operator that works along one dimension of the tensor.

    Args:
        paths: those of the tensor it reads.
        dim: the dimension.
        change: what it does to the fields along each axis of a path in which the units along `dim` differ.
        kept: for each unit along the new dimension, whether it reads the tensor at all, rather than padding
            alone. On a path in which all units along `dim` read the same, only this matters.
    """
    changed: list[InputPath] = []
    for path in paths:
        if any(axis.runs_along(dim) for axis in path):
            changed.append(_replaced(path, tuple(map(change, path))))
        else:
            changed.append(path if kept.all() else (path[0].masked(dim, kept), *path[1:]))
    return tuple(changed)


def merge(paths: Paths, dims: Sequence[int]) -> Paths:
    """The paths after a reduction over some dimensions, which stay with length 1.

    If both rows and columns vary along such a dimension, the units may read no rectangle together: then the
    path is `ROUGH`.
    """
    changed: list[InputPath] = []
    for path in paths:
        merged = _replaced(path, tuple(axis.merged(dims) for axis in path))
        shared = any(sum(axis.shape[dim] > 1 for axis in path) > 1 for dim in dims)
        changed.append(rough(merged) if shared and not _is_product(path, dims) else merged)
    return tuple(changed)


def _is_product(path: InputPath, dims: Sequence[int]) -> bool:
    """Whether the units along some dimensions read a full grid together: all rows in all columns."""
    sizes = [max(axis.shape[dim] for axis in path) for dim in dims]
    kinds = []
    for axis in path:
        full = list(axis.shape)
        for dim, size in zip(dims, sizes, strict=True):
            full[dim] = size if axis.shape[dim] in (1, size) else 0
        if not 0 < prod(full) <= _MOST_COMPARED:
            return False
        reads = np.broadcast_to(axis.reads, (*full, *axis.reads.shape[-2:]))
        units = np.moveaxis(reads, [*dims], range(-2 - len(sizes), -2)).reshape(
            -1, prod(sizes), 2 * axis.reads.shape[-2]
        )
        if units.max() < EMPTY_START:  # the same pattern, shifted by some pixels, need not be compared again
            units = distinct(units - units[:, :1, :1])
        kinds.append(distinct(np.stack([*map(_first_alike, units)])))
    return all(_is_grid(np.stack(choice)) for choice in product(*kinds))


def _is_grid(numbers: IntArray) -> bool:
    """Whether all sets of rows occur with all sets of columns; shape (axes, units), -1 for an empty set."""
    pairs = distinct(numbers[:, (numbers >= 0).all(axis=0)].T)
    return len(pairs) == prod(len(np.unique(each[each >= 0])) for each in numbers)


def _first_alike(reads: IntArray) -> IntArray:
    """For each unit, the index of the first one that reads the same; -1 if it reads nothing."""
    if reads.shape[1] == 2:  # both numbers fit into one, which sorts faster
        kinds = (reads[:, 0].clip(max=2**31) << 32) + (reads[:, 1] & 0xFFFFFFFF)
    else:
        kinds = np.ascontiguousarray(reads).view([("", reads.dtype)] * reads.shape[1]).reshape(-1)
    _, index, inverse = np.unique(kinds, return_index=True, return_inverse=True)
    return np.where(reads[:, 0] == EMPTY_START, -1, index[inverse.reshape(-1)])


def rough(path: InputPath) -> InputPath:
    """The path with its bound at least `ROUGH`: units may not read all that it holds."""
    return tuple(replace(axis, bound=max(axis.bound, ROUGH)) for axis in path)


def roughened(path: InputPath, dim: int) -> InputPath:
    """The path, `ROUGH` if rows and columns both vary along `dim`: a window along it reads no rectangle."""
    return rough(path) if sum(axis.shape[dim] > 1 for axis in path) > 1 else path


def ordered(paths: Paths, shape: Sequence[int], merged: Collection[int] = ()) -> Paths:
    """The paths in a tensor's order: dimensions along which the order of units is not known are merged.

    That makes them upper bounds, unless the caller is to merge these dimensions next: `merged` names those.
    """
    changed = []
    for path in paths:
        lost = [dim for axis in path for dim in axis.varying if axis.shape[dim] != shape[dim]]
        axes = _replaced(path, tuple(axis.ordered(shape) for axis in path))
        axes = axes if len(set(lost)) == len(lost) else rough(axes)
        changed.append(axes if set(lost) <= set(merged) else at_most((axes,))[0])
    return tuple(changed)


def union(*branches: Paths) -> Paths:
    """The paths of a tensor that reads several tensors; a path that another one includes is left out."""
    distinct = list({id(path): path for paths in branches for path in paths}.values())
    if len(distinct) <= 1:
        return tuple(distinct)
    kept: list[InputPath] = []
    for path in distinct:
        if not any(_within(path, other) for other in kept):
            kept = [other for other in kept if not _within(other, path)] + [path]
    if len(kept) > _MOST_PATHS or not any(axis.varying for path in kept for axis in path):
        kept = _joined(kept)
    return tuple(kept) if len(kept) <= _MOST_PATHS else _thinned(kept)


def spread(paths: Paths, count: int) -> Paths:
    """The paths of a tensor of `count` dimensions, each unit of which reads all that any unit here reads."""
    merged = merge(paths, range(len(paths[0][0].shape))) if paths else ()
    return union(map_axes(merged, lambda axis: axis.spread(count)))


def at_most(paths: Paths) -> Paths:
    """The paths as upper bounds of what units read."""
    return tuple(tuple(replace(axis, bound=AT_MOST) for axis in path) for path in paths)


def for_some_channels(paths: Paths) -> Paths:
    """The paths to a part of the channels, see `AxisFields.for_some_channels`."""
    return map_axes(paths, AxisFields.for_some_channels)


def everywhere(paths: Paths, count: int) -> Paths:
    """The paths of a tensor of `count` dimensions, every unit of which may read any unit of another tensor.

    They are upper bounds, except a path on which all units of the other tensor read the same.
    """
    return tuple(
        path if not any(axis.varying for axis in old) else at_most((path,))[0]
        for old in paths
        for path in spread((old,), count)
    )


def bound_of(path: InputPath) -> int:
    """The weakest bound among the axes of a path, see `AxisFields.bound`."""
    return max((axis.bound for axis in path), default=EXACT)


def summarize_fields(paths: Paths, shape: Sequence[int]) -> FieldSummary:
    """Summarize what the units of a tensor of this shape read; there must be at least one path."""
    in_order = ordered(paths, shape)
    if len(paths) > 1:  # paths can be joined unit by unit only where it is known which unit reads what
        paths = in_order
    local = [path for path in paths if all(axis.varying for axis in path)]
    has_both = 0 < len(local) < len(paths)
    fields = _fields(paths)
    sure = tuple(path for path in paths if bound_of(path) < AT_MOST)
    exact = tuple(path for path in in_order if bound_of(path) == EXACT)
    pixels = count_pixels(in_order)
    is_sure = len(exact) == len(in_order) or count_pixels(exact) == pixels
    return FieldSummary(
        receptive_field=tuple(size for size, _ in fields),
        jumps=tuple(map(_jumps, zip(*(sure or paths), strict=True))),
        start=tuple(start for _, start in fields),
        unread=prod(axis.size for axis in paths[0]) - pixels if is_sure else None,
        is_known=len(sure) == len(paths) or (bool(sure) and _fields(sure) == fields),
        is_global=any(_is_alike(path) and count_pixels([path]) == pixels for path in exact),
        local_field=tuple(size for size, _ in _fields(local)) if has_both else None,
    )


def _is_alike(path: InputPath) -> bool:
    """Whether all units read the same."""
    return all(
        bool((axis.reads == axis.reads.reshape(-1, *axis.reads.shape[-2:])[:1]).all()) for axis in path
    )


def _replaced(path: InputPath, axes: InputPath) -> InputPath:
    return path if all(old is new for old, new in zip(path, axes, strict=True)) else axes


def _kind(path: InputPath) -> object:
    """What two paths must share to be compared unit by unit."""
    return tuple((axis.dim, axis.jump, axis.shape, axis.joins_channels) for axis in path)


def _within(path: InputPath, other: InputPath) -> bool:
    """Whether `other` includes `path`: every unit reads through it at least the same."""
    return (
        bound_of(path) >= bound_of(other)
        and _kind(path) == _kind(other)
        and all(
            within(axis.span[..., None, :], wider.span[..., None, :]) and within(axis.reads, wider.reads)
            for axis, wider in zip(path, other, strict=True)
        )
    )


def _joined(paths: Sequence[InputPath]) -> list[InputPath]:
    """Fewer paths that read the same: two that differ along one axis alone are joined into one."""
    done: list[InputPath] = []
    for path in paths:
        while partner := next((other for other in done if _differ_along_one(path, other)), None):
            done = [other for other in done if other is not partner]
            path = _enclosing([partner, path])
        done.append(path)
    return done


def _differ_along_one(path: InputPath, other: InputPath) -> bool:
    return (
        bound_of(path) == bound_of(other) and _kind(path) == _kind(other) and _differences([path, other]) <= 1
    )


def _differences(paths: Sequence[InputPath]) -> int:
    """Along how many axes paths of one kind read different positions."""
    return sum(
        any(not np.array_equal(axis.reads, each[0].reads) for axis in each)
        for each in zip(*paths, strict=True)
    )


def _thinned(paths: Sequence[InputPath]) -> Paths:
    """One enclosing path for all of a kind; if it is not exact, the widest exact path is kept beside it."""
    kinds: dict[object, list[InputPath]] = {}
    for path in paths:
        kinds.setdefault(_kind(path), []).append(path)
    kept: list[InputPath] = []
    for alike in kinds.values():
        kept.append(_enclosing(alike))
        exact = [path for path in alike if bound_of(path) == EXACT]
        if bound_of(kept[-1]) > EXACT and exact:
            kept.append(max(exact, key=lambda path: count_pixels([path])))
    return tuple(kept)


def _enclosing(paths: Sequence[InputPath]) -> InputPath:
    """The smallest path that reads all that these of one kind read: rectangles that hold their rectangles."""
    axes = [_joined_axes(each) for each in zip(*paths, strict=True)]
    bound = max(*map(bound_of, paths), EXACT if _differences(paths) <= 1 else ROUGH)
    return tuple(replace(axis, bound=bound) for axis in axes)


def _joined_axes(axes: Sequence[AxisFields]) -> AxisFields:
    span = enclosing(np.stack([axis.span for axis in axes]), 0)
    return replace(axes[0], span=span, reads=union_of_sets([axis.reads for axis in axes]))


def _fields(paths: Iterable[InputPath]) -> list[tuple[int, int | None]]:
    """For each axis, size of the largest field over all paths together, and the start of unit 0's field."""
    return [_field(axes) for axes in zip(*paths, strict=True)]


def _field(axes: Sequence[AxisFields]) -> tuple[int, int | None]:
    spans = [axis.span for axis in axes]
    first, last = spans[0][..., 0], spans[0][..., 1]
    for span in spans[1:]:
        first, last = np.minimum(first, span[..., 0]), np.maximum(last, span[..., 1])
    if not first.size:
        return 0, None
    start = int(first.flat[0])
    return max(0, int((last - first).max()) + 1), None if start == EMPTY_START else start


def _jumps(axes: Sequence[AxisFields]) -> tuple[Fraction, ...]:
    along_one = sorted((axis for axis in axes if axis.dim is not None), key=lambda axis: -_field([axis])[0])
    return tuple(dict.fromkeys(axis.jump for axis in along_one))


def count_pixels(paths: Sequence[tuple[AxisFields, ...]]) -> int:
    """Number of pixels that some unit reads through some path.

    If rows and columns vary along the same dimension, those of the same index belong together; otherwise all
    rows meet all columns.
    """
    if not paths:
        return 0
    sizes = [axis.size for axis in paths[0]]
    shared = [path for path in paths if _shared_dims(path)]
    boxes = [[members(axis.reads, axis.size) for axis in path] for path in paths if not _shared_dims(path)]
    count = count_in_boxes(boxes)
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


def _seen_by_units(path: Sequence[AxisFields]) -> BoolArray:
    """The pixels that some unit reads, where rows and columns vary along the same dimension."""
    shared = _shared_dims(path)
    axes = [axis.merged([dim for dim in axis.varying if dim not in shared]) for axis in path]
    dims = np.broadcast_shapes(*(axis.shape for axis in axes))
    sets = [
        np.broadcast_to(a.reads, (*dims, *a.reads.shape[-2:])).reshape(-1, *a.reads.shape[-2:]) for a in axes
    ]
    edges = np.zeros([axis.size + 1 for axis in axes], dtype=np.int32)
    for spans in product(*(range(each.shape[1]) for each in sets)):
        add_corners(edges, [each[:, span] for each, span in zip(sets, spans, strict=True)])
    for dim in range(edges.ndim):
        np.cumsum(edges, axis=dim, out=edges)
    return np.asarray(edges[(slice(-1),) * edges.ndim] > 0)
