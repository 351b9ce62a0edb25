"""The paths by which an image reaches one tensor, and what the units of the tensor read through all of them.

A path leads from the image through one branch after another: the sum of a residual block has two, one through
its convolutions and one through its shortcut. Along one path a unit reads a rectangle of the image, rows by
columns; what it reads in all is the union of these rectangles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from string import ascii_lowercase

import numpy as np

from helpers.anatomy.axis import EMPTY_START, AxisFields, BoolArray

InputPath = tuple[AxisFields, ...]  # one entry for each axis of the image
Paths = tuple[InputPath, ...]  # empty for a tensor that does not depend on the image

# Beyond this number, similar paths become one that reads at least what they do: an upper bound.
_MOST_PATHS = 8


@dataclass(frozen=True)
class FieldSummary:
    """What the units of one tensor read, in the numbers of a table; a tuple holds one value for each axis.

    Attributes:
        receptive_field: pixels from the first to the last that a unit reads, the largest over all units.
        jumps: pixels of the image from one unit to the next: one number, or several if paths differ, that of
            the largest receptive field first; none if the axis runs along no dimension of the tensor.
        start: first position that unit 0 reads, padding included; None if it reads nothing.
        unread: pixels of the image that no unit reads.
        is_global: whether each unit reads every pixel that any unit reads.
        local_field: receptive field without the paths on which all units read the same; None if there are no
            such paths, or no others.
    """

    receptive_field: tuple[int, ...]
    jumps: tuple[tuple[Fraction, ...], ...]
    start: tuple[int | None, ...]
    unread: int
    is_global: bool
    local_field: tuple[int, ...] | None


def map_axes(paths: Paths, change: Callable[[AxisFields], AxisFields]) -> Paths:
    """The paths with their fields along every axis changed; a path that stays equal stays the same object."""
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


def union(*branches: Paths) -> Paths:
    """The paths of a tensor that reads all of several tensors, without those that another path includes."""
    distinct = list({id(path): path for paths in branches for path in paths}.values())
    if len(distinct) <= 1:
        return tuple(distinct)
    kept: list[InputPath] = []
    for path in distinct:
        if not any(_within(path, other) for other in kept):
            kept = [other for other in kept if not _within(other, path)] + [path]
    return tuple(kept) if len(kept) <= _MOST_PATHS else _thinned(kept)


def spread(paths: Paths, count: int) -> Paths:
    """The paths of a tensor of `count` dimensions, each unit of which reads all that any unit reads here."""
    return union(map_axes(paths, lambda axis: axis.spread(count)))


def summarize_fields(paths: Paths, shape: Sequence[int]) -> FieldSummary:
    """What the units of a tensor of this shape read through all its paths, of which there is at least one."""
    ordered = map_axes(paths, lambda axis: axis.ordered(shape))
    if len(paths) > 1:  # paths can be joined unit by unit only where it is known which unit reads what
        paths = ordered
    local = [path for path in paths if all(axis.varying for axis in path)]
    has_both = 0 < len(local) < len(paths)
    fields, pixels = [_field(axes) for axes in zip(*paths, strict=True)], _pixels(ordered)
    return FieldSummary(
        receptive_field=tuple(size for size, _ in fields),
        jumps=tuple(_jumps(axes) for axes in zip(*paths, strict=True)),
        start=tuple(start for _, start in fields),
        unread=int(np.count_nonzero(~pixels)),
        is_global=_is_global(paths, pixels),
        local_field=tuple(_field(axes)[0] for axes in zip(*local, strict=True)) if has_both else None,
    )


def _replaced(path: InputPath, axes: InputPath) -> InputPath:
    return path if all(old is new for old, new in zip(path, axes, strict=True)) else axes


def _kind(path: InputPath) -> tuple[tuple[int | None, Fraction, tuple[int, ...]], ...]:
    """What two paths must share to be compared unit by unit."""
    return tuple((axis.dim, axis.jump, axis.reads.shape) for axis in path)


def _within(path: InputPath, other: InputPath) -> bool:
    """Whether every unit reads through `path` nothing that it does not read through `other`."""
    return _kind(path) == _kind(other) and all(
        bool((axis.span[..., 0] >= wider.span[..., 0]).all())
        and bool((axis.span[..., 1] <= wider.span[..., 1]).all())
        and not bool((axis.reads & ~wider.reads).any())
        for axis, wider in zip(path, other, strict=True)
    )


def _thinned(paths: Sequence[InputPath]) -> Paths:
    """One path for all of a kind."""
    kinds: dict[object, list[InputPath]] = {}
    for path in paths:
        kinds.setdefault(_kind(path), []).append(path)
    return tuple(map(_enclosing, kinds.values()))


def _enclosing(paths: Sequence[InputPath]) -> InputPath:
    """The smallest path that reads all that these of one kind read: rectangles that hold their rectangles."""
    return tuple(_joined_axes(axes) for axes in zip(*paths, strict=True))


def _joined_axes(axes: Sequence[AxisFields]) -> AxisFields:
    first = np.minimum.reduce([axis.span[..., 0] for axis in axes])
    last = np.maximum.reduce([axis.span[..., 1] for axis in axes])
    reads = np.logical_or.reduce([axis.reads for axis in axes])
    return replace(axes[0], span=np.stack([first, last], axis=-1), reads=reads)


def _field(axes: Sequence[AxisFields]) -> tuple[int, int | None]:
    """Size of the largest field of a unit over several paths, and where that of unit 0 starts."""
    spans = [axis.span for axis in axes]
    first, last = spans[0][..., 0], spans[0][..., 1]
    for span in spans[1:]:
        first, last = np.minimum(first, span[..., 0]), np.maximum(last, span[..., 1])
    start = int(first.flat[0])
    return max(0, int((last - first).max()) + 1), None if start == EMPTY_START else start


def _jumps(axes: Sequence[AxisFields]) -> tuple[Fraction, ...]:
    along_one = sorted((axis for axis in axes if axis.dim is not None), key=lambda axis: -_field([axis])[0])
    return tuple(dict.fromkeys(axis.jump for axis in along_one))


def _pixels(paths: Paths) -> BoolArray:
    """The pixels of the image that some unit reads."""
    seen = _pixels_of_one(paths[0])
    for path in paths[1:]:
        if not seen.all():
            seen = seen | _pixels_of_one(path)
    return seen


def _pixels_of_one(path: InputPath) -> BoolArray:
    """The pixels that some unit reads along one path.

    Where two axes vary along the same dimension, a unit has the rows and columns of the same index; otherwise
    all rows meet all columns.
    """
    varying = [set(axis.varying) for axis in path]
    shared = {dim for dims in varying for dim in dims if sum(dim in other for other in varying) > 1}
    axes = [axis.merged(sorted(dims - shared)) for axis, dims in zip(path, varying, strict=True)]
    dims = np.broadcast_shapes(*(axis.reads.shape[:-1] for axis in axes))
    tables = [
        np.broadcast_to(axis.reads, (*dims, axis.reads.shape[-1])).reshape(-1, axis.reads.shape[-1])
        for axis in axes
    ]
    letters = ascii_lowercase[1 : len(path) + 1]
    terms = ",".join(f"a{letter}" for letter in letters)
    counts = np.einsum(f"{terms}->{letters}", *(table.astype(np.float32) for table in tables), optimize=True)
    return np.asarray(counts > 0)


def _is_global(paths: Paths, pixels: BoolArray) -> bool:
    """Whether one path gives every unit all the pixels that any unit reads."""
    for path in paths:
        always = [axis.reads.reshape(-1, axis.reads.shape[-1]).all(axis=0) for axis in path]
        if bool((reduce(np.multiply.outer, always) == pixels).all()):
            return True
    return False
