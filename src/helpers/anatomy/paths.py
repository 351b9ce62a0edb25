"""The ways from the input image to one tensor, and what its units see through all of them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from string import ascii_lowercase

import numpy as np

from helpers.anatomy.axis import NOWHERE, Axis, Booleans

Path = tuple[Axis, ...]  # one axis of the image each: what a unit reads is their product
Paths = tuple[Path, ...]  # what a unit reads is the union of these; none for a tensor that reads no input

# With more than this, paths of one kind become their hull: an upper bound, and an end to their number.
_MOST_PATHS = 8


@dataclass(frozen=True)
class Extent:
    """What the units of one tensor see of the input; a tuple holds one value an image axis.

    Attributes:
        receptive_field: span of the largest field, over all units and paths.
        jumps: input pixels from one unit to the next, of each path that has places; largest field first.
        start: leftmost index of unit 0; None if it reads nothing.
        unread: input pixels that no unit reads.
        whole: whether every unit reads all that any unit reads.
        local: receptive field without the paths that show every unit the same, where there are such.
    """

    receptive_field: tuple[int, ...]
    jumps: tuple[tuple[Fraction, ...], ...]
    start: tuple[int | None, ...]
    unread: int
    whole: bool
    local: tuple[int, ...] | None


def each(paths: Paths, function: Callable[[Axis], Axis]) -> Paths:
    """The paths with every axis replaced; a path whose axes stay, stays the same object."""
    return tuple(_replaced(path, tuple(map(function, path))) for path in paths)


def along(paths: Paths, dim: int, move: Callable[[Axis], Axis], kept: Booleans) -> Paths:
    """The paths with the axes that run along a dimension moved.

    Where no axis of a path does, every unit reads the same, except those not `kept`, which read nothing.
    """
    moved: list[Path] = []
    for path in paths:
        if any(axis.runs_along(dim) for axis in path):
            moved.append(_replaced(path, tuple(map(move, path))))
        else:
            moved.append(path if kept.all() else (path[0].masked(dim, kept), *path[1:]))
    return tuple(moved)


def union(*branches: Paths) -> Paths:
    """The paths of a tensor that reads all of these; a path goes if another reads all that it reads."""
    distinct = list({id(path): path for paths in branches for path in paths}.values())
    if len(distinct) <= 1:
        return tuple(distinct)
    kept: list[Path] = []
    for path in distinct:
        if not any(_within(path, other) for other in kept):
            kept = [other for other in kept if not _within(other, path)] + [path]
    return tuple(kept) if len(kept) <= _MOST_PATHS else _thinned(kept)


def extent(paths: Paths, shape: Sequence[int]) -> Extent:
    """What the units of a tensor of this shape see through all its paths, of which there is at least one."""
    settled = each(paths, lambda axis: axis.settled(shape))
    if len(paths) > 1:  # what one unit reads through several paths is known only where their order is
        paths = settled
    local = [path for path in paths if all(axis.varying for axis in path)]
    has_both = 0 < len(local) < len(paths)
    fields, pixels = [_field(axes) for axes in zip(*paths, strict=True)], _pixels(settled)
    return Extent(
        receptive_field=tuple(size for size, _ in fields),
        jumps=tuple(_jumps(axes) for axes in zip(*paths, strict=True)),
        start=tuple(start for _, start in fields),
        unread=int(np.count_nonzero(~pixels)),
        whole=_whole(paths, pixels),
        local=tuple(_field(axes)[0] for axes in zip(*local, strict=True)) if has_both else None,
    )


def _replaced(path: Path, axes: Path) -> Path:
    return path if all(old is new for old, new in zip(path, axes, strict=True)) else axes


def _kind(path: Path) -> tuple[tuple[int | None, Fraction, tuple[int, ...]], ...]:
    return tuple((axis.dim, axis.jump, axis.reads.shape) for axis in path)


def _within(path: Path, other: Path) -> bool:
    """Whether every unit reads through `path` nothing that it does not read through `other`."""
    return _kind(path) == _kind(other) and all(
        bool((axis.span[..., 0] >= wider.span[..., 0]).all())
        and bool((axis.span[..., 1] <= wider.span[..., 1]).all())
        and not bool((axis.reads & ~wider.reads).any())
        for axis, wider in zip(path, other, strict=True)
    )


def _combined(paths: Sequence[Path]) -> Path:
    """One path that reads all that these of one kind read, and the rest of their product."""
    return tuple(_hull(axes) for axes in zip(*paths, strict=True))


def _hull(axes: Sequence[Axis]) -> Axis:
    first = np.minimum.reduce([axis.span[..., 0] for axis in axes])
    last = np.maximum.reduce([axis.span[..., 1] for axis in axes])
    reads = np.logical_or.reduce([axis.reads for axis in axes])
    return replace(axes[0], span=np.stack([first, last], axis=-1), reads=reads)


def _thinned(paths: Sequence[Path]) -> Paths:
    kinds: dict[object, list[Path]] = {}
    for path in paths:
        kinds.setdefault(_kind(path), []).append(path)
    return tuple(map(_combined, kinds.values()))


def _field(axes: Sequence[Axis]) -> tuple[int, int | None]:
    """Size of the largest field of a unit, and where that of unit 0 starts."""
    spans = [axis.span for axis in axes]
    first, last = spans[0][..., 0], spans[0][..., 1]
    for span in spans[1:]:
        first, last = np.minimum(first, span[..., 0]), np.maximum(last, span[..., 1])
    start = int(first.flat[0])
    return max(0, int((last - first).max()) + 1), None if start == NOWHERE else start


def _jumps(axes: Sequence[Axis]) -> tuple[Fraction, ...]:
    placed = sorted((axis for axis in axes if axis.dim is not None), key=lambda axis: -_field([axis])[0])
    return tuple(dict.fromkeys(axis.jump for axis in placed))


def _pixels(paths: Paths) -> Booleans:
    """The input pixels that some unit reads."""
    seen = _product(paths[0])
    for path in paths[1:]:
        if not seen.all():
            seen = seen | _product(path)
    return seen


def _product(path: Path) -> Booleans:
    """The pixels that some unit reads along one path: along a shared dimension, index by index together."""
    varying = [set(axis.varying) for axis in path]
    shared = {dim for dims in varying for dim in dims if sum(dim in other for other in varying) > 1}
    axes = [axis.mixed(sorted(dims - shared)) for axis, dims in zip(path, varying, strict=True)]
    dims = np.broadcast_shapes(*(axis.reads.shape[:-1] for axis in axes))
    tables = [
        np.broadcast_to(axis.reads, (*dims, axis.reads.shape[-1])).reshape(-1, axis.reads.shape[-1])
        for axis in axes
    ]
    letters = ascii_lowercase[1 : len(path) + 1]
    terms = ",".join(f"a{letter}" for letter in letters)
    counts = np.einsum(f"{terms}->{letters}", *(table.astype(np.float32) for table in tables), optimize=True)
    return np.asarray(counts > 0)


def _whole(paths: Paths, pixels: Booleans) -> bool:
    """Whether one path gives every unit all the pixels that any unit reads."""
    for path in paths:
        always = [axis.reads.reshape(-1, axis.reads.shape[-1]).all(axis=0) for axis in path]
        if bool((reduce(np.multiply.outer, always) == pixels).all()):
            return True
    return False
