"""The remarks that a layer's numbers alone do not make."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

from helpers.anatomy.call import Window
from helpers.anatomy.paths import Extent

_AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}


def window_notes(windows: Sequence[Window]) -> Iterator[str]:
    """What the windows of a layer leave out at this input size."""
    strides, kernels = joined([w.stride for w in windows]), joined([w.kernel_size for w in windows])
    skips = any(window.stride > window.reach for window in windows)
    if skips and any(window.transposed for window in windows):
        yield f"stride {strides} exceeds kernel {kernels}: some units read nothing"
    elif skips:
        missed = 1 - prod(1 - window.unread / window.size for window in windows)
        yield f"stride {strides} exceeds kernel {kernels}: {missed:.0%} of its own input is never read"
    elif any(window.unread for window in windows):
        lost = zip(windows, _AXES.get(len(windows), ("cells",) * len(windows)), strict=True)
        yield "of its own input it never reads " + " and ".join(
            f"{window.unread} of {window.size} {word}" for window, word in lost if window.unread
        )
    for before, after in dict.fromkeys(map(_padding_read, windows)):
        if before != after:
            yield f"padding uneven at this size: {before} read before, {after} after"


def extent_notes(extent: Extent, previous: Extent | None, *, shrank: bool) -> Iterator[str]:
    """What changes from one layer to the next in what the units see of the input."""
    if shrank:
        yield "the map has shrunk to one pixel"
    if extent.unread > (previous.unread if previous else 0):
        yield f"{extent.unread} input pixels are never read up to here"
    for jumps in dict.fromkeys(extent.jumps):
        if len(jumps) > 1:
            yield f"paths of unequal jump: {', '.join(str(number(jump)) for jump in jumps)}"
    if extent.whole and not (previous and previous.whole):
        yield "every unit sees the whole input" if extent.unread == 0 else "every unit sees all that is read"
    if extent.local not in (None, extent.receptive_field, previous.local if previous else None):
        yield f"receptive field {joined(extent.local)} without the global paths"


def joined(values: Sequence[object]) -> str:
    """One value for each axis as text, once if all are the same: 3, or 3x5."""
    texts = list(map(str, values))
    return texts[0] if len(set(texts)) == 1 else "x".join(texts)


def number(value: Fraction) -> int | float:
    """A whole number as an int, any other as a float."""
    return int(value) if value.denominator == 1 else float(value)


def _padding_read(window: Window) -> tuple[int, int]:
    before, after = window.padding
    return before - window.padding_unread[0], after - window.padding_unread[1]
