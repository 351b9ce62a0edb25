"""Rules for the operators that lay a map out on a finer or coarser grid."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from helpers.anatomy.call import Call
from helpers.anatomy.paths import Paths
from helpers.anatomy.windows import Taps, read


class _Kind(NamedTuple):
    taps: int
    offset: float  # where a unit's centre lies in it, in units
    first: int  # first tap, from the cell that holds the centre


_KINDS = {
    "nearest": _Kind(1, 0.0, 0),
    "nearest_exact": _Kind(1, 0.5, 0),
    "linear": _Kind(2, 0.5, 0),
    "cubic": _Kind(4, 0.5, -1),
}


def resize(call: Call) -> Paths:
    """Nearest, linear and cubic interpolation of any number of dimensions, without antialiasing."""
    count = call.source.dim() - 2
    scales = [value for name, value in call.arguments.items() if name.startswith("scales")]
    sizes = zip(call.source.shape[2:], call.result.shape[2:], scales[-count:], strict=True)
    aligned = bool(call.arguments.get("align_corners", False))
    kind = next(kind for word, kind in reversed(_KINDS.items()) if word in call.name)
    return read(call, [_interpolated(old, new, scale, kind, aligned) for old, new, scale in sizes])


def shuffle_up(call: Call) -> Paths:
    """Channels laid out as blocks of pixels: a pixel reads the unit that its block comes from."""
    factor = call["upscale_factor"]
    places = [np.arange(size)[:, None] // factor for size in call.result.shape[-2:]]
    return read(call, [Taps(place, Fraction(1, factor)) for place in places])


def shuffle_down(call: Call) -> Paths:
    """Blocks of pixels laid out as channels: a unit reads its block."""
    factor = call["downscale_factor"]
    places = [np.arange(size)[:, None] * factor + np.arange(factor) for size in call.result.shape[-2:]]
    return read(call, [Taps(place, factor) for place in places])


def _interpolated(old: int, new: int, scale: float | None, kind: _Kind, aligned: bool) -> Taps:
    """The taps of each unit, without those that interpolation weighs with zero."""
    unit = np.arange(new, dtype=np.float64)
    if kind.taps > 1 and aligned:
        center = unit * ((old - 1) / max(1, new - 1))
    else:
        step = 1 / scale if scale else old / new
        center = (unit + kind.offset) * step - (kind.offset if kind.taps > 1 else 0)
    if kind.taps == 2:
        center = center.clip(0)
    cell = np.floor(center + 1e-9)
    taps = np.arange(kind.first, kind.first + kind.taps)
    places = (cell[:, None] + taps).clip(0, old - 1).astype(np.int64)
    between = np.abs(center - cell)[:, None] > 1e-6
    return Taps(places, Fraction(old, new), between | (taps == 0))
