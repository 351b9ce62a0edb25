"""Receptive fields of all units of a map, in exact numbers, also where units lie between pixels.

After a transposed convolution, neighboring units differ: at stride 2, every other unit reads one pixel more.
But they differ periodically: unit 2 reads what unit 0 reads, one pixel further. So the fields of one period
and the distance to the next describe all units in whole numbers; only centers and jumps are fractions.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from typing import NamedTuple

from helpers.arithmetic.layer import Layer

FirstLast = tuple[int, int]  # first and last input index, both included

_MOST_UNITS = 100_000  # of one period
_MOST_READS = 250_000  # by all units of one period


class Fields(NamedTuple):
    """The receptive fields of all units of a map, as if the input went on beyond its borders.

    Attributes:
        spans: the first and last input index of each unit of a period; None for a unit that reads nothing.
        distance: input pixels from a unit's field to that of the unit one period, `len(spans)`, further.
        middle: the center of the windows of unit 0, in input pixels times `2 * len(spans)`.
    """

    spans: tuple[FirstLast | None, ...]
    distance: int
    middle: int

    @property
    def jump(self) -> int | Fraction:
        """Input pixels from one unit to the next."""
        return _quotient(self.distance, len(self.spans))

    @property
    def size(self) -> int:
        """Input pixels that the largest field spans; 0 if no unit reads anything."""
        return max([last - first + 1 for first, last in filter(None, self.spans)], default=0)

    @property
    def start(self) -> int:
        """First input index of unit 0, or the one at its center if it reads nothing."""
        span = self.spans[0]
        return span[0] if span else self.middle // (2 * len(self.spans))

    def of(self, unit: int) -> FirstLast | None:
        """The first and last input index of a unit; it may lie outside the map."""
        moves, like = divmod(unit, len(self.spans))
        span = self.spans[like]
        return span and (span[0] + moves * self.distance, span[1] + moves * self.distance)

    def center(self, unit: int) -> int | Fraction:
        """The center of a unit's windows, in input pixels."""
        return _quotient(self.middle + 2 * unit * self.distance, 2 * len(self.spans))

    def after(self, layer: Layer, first: int) -> "Fields":
        """The fields of the layer's output; `first` is the start of its first window."""
        count = len(self.spans)
        ends = (2 * first + layer.reach - 1) * self.distance  # sum of both ends of the window at `first`
        if layer.grows:
            return Fields(self._grown(layer, first), self.distance, self.middle * layer.stride - ends)
        cycle = count // gcd(count, layer.dilation)
        _check_reads(count * min(layer.kernel_size, cycle))
        spans = [
            self._hull(_ends(first + unit * layer.stride, layer.dilation, layer.kernel_size, cycle))
            for unit in range(count)
        ]
        return Fields(tuple(spans), self.distance * layer.stride, self.middle + ends)

    def _grown(self, layer: Layer, first: int) -> tuple[FirstLast | None, ...]:
        count = len(self.spans) * layer.stride
        if count > _MOST_UNITS:
            raise ValueError(
                f"stride must multiply to at most {_MOST_UNITS:,} over transposed layers and resizes, "
                f"got {count:,}"
            )
        shared = gcd(layer.stride, layer.dilation)
        every = layer.dilation // shared  # of the windows that cover a unit, each is so many after the last
        inverse = pow(layer.stride // shared, -1, every)
        cycle = len(self.spans) // gcd(len(self.spans), every)
        _check_reads(count * min(-(-layer.kernel_size // layer.stride), cycle))
        spans: list[FirstLast | None] = []
        for offset in range(-first, count - first):
            if offset % shared:
                spans.append(None)
                continue
            least = -((layer.dilation * (layer.kernel_size - 1) - offset) // layer.stride)
            least += (offset // shared * inverse - least) % every
            windows = (offset // layer.stride - least) // every + 1
            spans.append(self._hull(_ends(least, every, windows, cycle)))
        return tuple(spans)

    def _hull(self, units: Iterator[int]) -> FirstLast | None:
        spans = [span for span in map(self.of, units) if span]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None


INPUT = Fields(spans=((0, 0),), distance=1, middle=0)


def _check_reads(reads: int) -> None:
    if reads > _MOST_READS:
        raise ValueError(
            f"kernel_size must make at most {_MOST_READS:,} reads by the units of one period, got {reads:,}: "
            "use smaller strides of transposed layers and resizes"
        )


def _ends(start: int, step: int, count: int, cycle: int) -> Iterator[int]:
    """The units of a progression that can reach farthest: its first and its last ones, a period of each."""
    few = min(count, cycle)
    yield from range(start, start + few * step, step)
    yield from range(start + (count - few) * step, start + count * step, step)


def _quotient(numerator: int, denominator: int) -> int | Fraction:
    """The quotient, as an int if it is whole."""
    whole, rest = divmod(numerator, denominator)
    return Fraction(numerator, denominator) if rest else whole
