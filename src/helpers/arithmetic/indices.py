"""Sets of indices on one axis, stored as spans of residue classes: a billion take no more than ten."""

from collections import defaultdict
from collections.abc import Iterator
from math import gcd
from typing import NamedTuple

LONGEST = 10_000_000  # indices in a list, at most
_MOST_SPANS = 1_000_000

Span = tuple[int, int]  # (start, stop), stop excluded


class Indices(NamedTuple):
    """All `period * q + residue` with `q` in one of the spans of the residue.

    With period 1 the spans hold the indices themselves. A stride leaves gaps at regular distances: then the
    spans of a few residues take the place of a long list of gaps.
    """

    period: int
    spans: dict[int, list[Span]]

    @classmethod
    def first(cls, count: int) -> "Indices":
        """The indices 0, 1, ..., count - 1."""
        return cls(1, {0: [(0, count)]})

    @classmethod
    def one(cls, index: int) -> "Indices":
        """A single index."""
        return cls(1, {0: [(index, index + 1)]})

    def total(self) -> int:
        """How many indices there are."""
        return sum(stop - start for spans in self.spans.values() for start, stop in spans)

    def below(self, size: int) -> "Indices":
        """Those from 0 to size - 1."""
        kept = {}
        for residue, spans in self.spans.items():
            stop = _classed(size, residue, self.period)
            kept[residue] = [(max(0, a), min(b, stop)) for a, b in spans if b > 0 and a < stop]
        return Indices(self.period, kept)

    def listed(self) -> tuple[int, ...]:
        """The indices themselves, in order.

        Raises:
            ValueError: if there are more than `LONGEST`.
        """
        if self.total() > LONGEST:
            raise ValueError(f"size must leave at most {LONGEST:,} pixels to list, got {self.total():,}")
        return tuple(sorted(self._members(self.spans)))

    def missing(self, size: int) -> tuple[int, ...]:
        """The indices from 0 to size - 1 that are not in this set; none of the set may be `size` or more.

        Raises:
            ValueError: if there are more than `LONGEST`, before memory is spent on them.
        """
        missing = size - self.total()
        if missing > LONGEST:
            raise ValueError(
                f"size must leave at most {LONGEST:,} pixels unread for a list of them, "
                f"got {missing:,} of {size:,}"
            )
        gaps = {
            residue: list(_gaps(self.spans.get(residue, []), _classed(size, residue, self.period)))
            for residue in range(min(self.period, size))
        }
        return tuple(sorted(self._members(gaps)))

    def _members(self, spans: dict[int, list[Span]]) -> Iterator[int]:
        return (
            index
            for residue, held in spans.items()
            for start, stop in held
            for index in range(start * self.period + residue, stop * self.period + residue, self.period)
        )


def read_by_windows(units: Indices, *, first: int, stride: int, kernel_size: int, dilation: int) -> Indices:
    """The indices `first + stride * unit + dilation * tap` of all units and taps.

    Raises:
        ValueError: if they fall into more than a million spans.
    """
    if units.period == 1 and dilation == 1 and kernel_size >= stride:  # windows that meet: no gaps arise
        spans = [
            (first + stride * a, first + stride * (b - 1) + kernel_size) for a, b in units.spans.get(0, ())
        ]
        return Indices(1, {0: _merged(spans)})
    period = units.period * stride
    shared = gcd(dilation, period)
    cycle, shift = period // shared, dilation // shared  # tap + cycle: the same residue, `shift` further
    by_tap = sum(
        min(kernel_size, cycle) if b - a >= shift else kernel_size
        for spans in units.spans.values()
        for a, b in spans
    )
    by_unit = units.total()
    if min(by_tap, by_unit) > _MOST_SPANS:
        raise ValueError(
            f"stride={stride} and dilation={dilation} must leave at most {_MOST_SPANS:,} separate spans of "
            f"pixels, got {min(by_tap, by_unit):,}: use a smaller size, dilation or kernel_size"
        )
    found: dict[int, list[Span]] = defaultdict(list)
    if by_unit < by_tap:
        for residue, spans in units.spans.items():
            for unit in (unit for a, b in spans for unit in range(a, b)):
                q, rest = divmod(first + stride * (units.period * unit + residue), dilation)
                found[rest].append((q, q + kernel_size))
        return Indices(dilation, {rest: _merged(spans) for rest, spans in found.items()})
    for residue, spans in units.spans.items():
        for tap in range(min(kernel_size, cycle)):
            q, rest = divmod(first + stride * residue + dilation * tap, period)
            copies = (kernel_size - 1 - tap) // cycle
            found[rest] += (copy for a, b in spans for copy in _copied((a + q, b + q), shift, copies))
    return Indices(period, {rest: _merged(spans) for rest, spans in found.items()})


def met_by_windows(cells: Indices, *, first: int, stride: int, kernel_size: int, dilation: int) -> Indices:
    """The windows with a tap on one of `cells`: the reverse of `read_by_windows`.

    Raises:
        ValueError: if they fall into more than a million spans.
    """
    # If a tap lies on a cell, its window starts so many dilations earlier. Windows start at every stride
    # only.
    back = first + dilation * (kernel_size - 1)
    starts = read_by_windows(cells, first=-back, stride=1, kernel_size=kernel_size, dilation=dilation)
    shared = gcd(stride, starts.period)
    period, step = starts.period // shared, stride // shared
    inverse = pow(step, -1, period)
    found: dict[int, list[Span]] = {}
    for residue, spans in starts.spans.items():
        if residue % shared == 0:
            window = residue // shared * inverse % period
            q = (stride * window - residue) // starts.period
            found[window] = [(-((q - a) // step), -((q - b) // step)) for a, b in spans]
            found[window] = [(a, b) for a, b in found[window] if a < b]
    return Indices(period, found)


def _classed(size: int, residue: int, period: int) -> int:
    """How many of the indices below `size` leave this residue."""
    return -((residue - size) // period)


def _copied(span: Span, shift: int, copies: int) -> Iterator[Span]:
    """A span and its copies, each `shift` further; one span for all if they meet."""
    start, stop = span
    if stop - start >= shift:
        yield start, stop + shift * copies
    else:
        yield from ((start + shift * copy, stop + shift * copy) for copy in range(copies + 1))


def _merged(spans: list[Span]) -> list[Span]:
    """The spans sorted, and joined where they meet."""
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _gaps(spans: list[Span], stop: int) -> Iterator[Span]:
    """What sorted spans leave out between 0 and `stop`."""
    end = 0
    for start, after in spans:
        if start > end:
            yield end, start
        end = after
    if stop > end:
        yield end, stop
