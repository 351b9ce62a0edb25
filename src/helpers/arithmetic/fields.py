"""What the units of a map see of the input, in exact numbers, also where units lie between pixels.

Behind a transposed convolution neighboring units see unlike: at stride 2 every other unit reads one pixel
more. The units repeat themselves, though: unit 2 sees what unit 0 sees, one pixel further. So the spans of a
few units and one distance say it for all, in whole numbers; only centers and jumps are fractions.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from typing import NamedTuple

from helpers.arithmetic.indices import Span
from helpers.arithmetic.layer import Layer

_MOST_UNITS = 100_000  # that see unlike
_MOST_READS = 250_000  # of these units together


class Fields(NamedTuple):
    """What all units of a map see, the borders left aside: padding counts as if the input went on.

    Attributes:
        spans: the first and last input index of units 0, 1, ...; None for a unit that reads nothing.
        distance: input pixels from a unit to the one `len(spans)` further, which sees the same, moved.
        middle: the center of the windows of unit 0, in parts of an input pixel, `2 * len(spans)` to one.
    """

    spans: tuple[Span | None, ...]
    distance: int
    middle: int

    @property
    def jump(self) -> int | Fraction:
        """Input pixels from one unit to the next."""
        return _quotient(self.distance, len(self.spans))

    @property
    def size(self) -> int:
        """Input pixels that a unit spans, the most that any unit does; 0 if none reads anything."""
        return max([last - first + 1 for first, last in filter(None, self.spans)], default=0)

    @property
    def start(self) -> int:
        """First input index of unit 0, or the one at its center if it reads nothing."""
        span = self.spans[0]
        return span[0] if span else self.middle // (2 * len(self.spans))

    def of(self, unit: int) -> Span | None:
        """The first and last input index of a unit, which may lie beside the map."""
        moves, like = divmod(unit, len(self.spans))
        span = self.spans[like]
        return span and (span[0] + moves * self.distance, span[1] + moves * self.distance)

    def center(self, unit: int) -> int | Fraction:
        """The center of a unit's windows, in input pixels."""
        return _quotient(self.middle + 2 * unit * self.distance, 2 * len(self.spans))

    def after(self, layer: Layer, first: int) -> "Fields":
        """What the units of the layer's output see; `first` is where its windows start."""
        count = len(self.spans)
        ends = (2 * first + layer.reach - 1) * self.distance  # of the window at `first`, added up
        if layer.grows:
            return Fields(self._grown(layer, first), self.distance, self.middle * layer.stride - ends)
        cycle = count // gcd(count, layer.dilation)
        _check_reads(count * min(layer.kernel_size, cycle))
        spans = [
            self._hull(_ends(first + unit * layer.stride, layer.dilation, layer.kernel_size, cycle))
            for unit in range(count)
        ]
        return Fields(tuple(spans), self.distance * layer.stride, self.middle + ends)

    def _grown(self, layer: Layer, first: int) -> tuple[Span | None, ...]:
        count = len(self.spans) * layer.stride
        if count > _MOST_UNITS:
            raise ValueError(
                f"stride must multiply to at most {_MOST_UNITS:,} over transposed layers and resizes, "
                f"got {count:,}"
            )
        shared = gcd(layer.stride, layer.dilation)
        every = layer.dilation // shared  # from a window on a unit to the next one on it
        inverse = pow(layer.stride // shared, -1, every)
        cycle = len(self.spans) // gcd(len(self.spans), every)
        _check_reads(count * min(-(-layer.kernel_size // layer.stride), cycle))
        spans: list[Span | None] = []
        for offset in range(-first, count - first):
            if offset % shared:
                spans.append(None)
                continue
            least = -((layer.dilation * (layer.kernel_size - 1) - offset) // layer.stride)
            least += (offset // shared * inverse - least) % every
            windows = (offset // layer.stride - least) // every + 1
            spans.append(self._hull(_ends(least, every, windows, cycle)))
        return tuple(spans)

    def _hull(self, units: Iterator[int]) -> Span | None:
        spans = [span for span in map(self.of, units) if span]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None


INPUT = Fields(spans=((0, 0),), distance=1, middle=0)


def _check_reads(reads: int) -> None:
    if reads > _MOST_READS:
        raise ValueError(
            f"kernel_size must make at most {_MOST_READS:,} reads of units that see unlike, got {reads:,}: "
            "use smaller strides of transposed layers and resizes"
        )


def _ends(start: int, step: int, count: int, cycle: int) -> Iterator[int]:
    """The first and the last units of a progression that can reach farthest: one round of unlike ones."""
    few = min(count, cycle)
    yield from range(start, start + few * step, step)
    yield from range(start + (count - few) * step, start + count * step, step)


def _quotient(numerator: int, denominator: int) -> int | Fraction:
    """A whole number where it is one."""
    whole, rest = divmod(numerator, denominator)
    return Fraction(numerator, denominator) if rest else whole
