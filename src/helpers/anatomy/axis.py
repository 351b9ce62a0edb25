"""Which positions along one axis of the image each unit of a tensor reads.

A *unit* is one element of a tensor in the network. It *reads* a pixel if its value depends on that pixel. An
*axis* is one of the image (height, width); a *dimension* is one of the tensor at hand (batch, channels, ...).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from helpers.anatomy.spans import (
    EMPTY_SPAN,
    BoolArray,
    IntArray,
    enclosing,
    union_of_sets,
    union_of_units,
)

_Number = TypeVar("_Number", bound=np.generic)

EXACT, ROUGH, AT_MOST = range(3)  # how exact receptive fields are, see `AxisFields.bound`

# A reshape that would join dimensions into one longer than this merges them instead: it bounds time and
# memory.
_LONGEST_FLATTENED = 2**20

# Windows of more taps than this are built from windows of 2, 4, 8, ... taps.
_MANY_TAPS = 32

# Above this many numbers, the spans that each unit reads are replaced by the one span that encloses them.
_MOST_NUMBERS = 2**24


@dataclass(frozen=True, eq=False, slots=True)
class AxisFields:
    """The receptive fields of all units of a tensor along one axis of the image.

    Both arrays have one dimension for each dimension of the tensor, usually of the same length. Length 1
    means that all units along the dimension read the same. Any other length means that these fields occur
    along it, but it is not known which unit has which.

    Attributes:
        span: shape (*dimensions, 2), first and last position of each unit's receptive field. Where units lie
            at equal distances, padding counts as part of the image: a position may lie outside.
        reads: shape (*dimensions, spans, 2), the positions inside the image that each unit reads, as spans
            (first, last), see `helpers.anatomy.spans`.
        size: pixels of the image along the axis.
        dim: the dimension of the tensor that follows the axis, such as 2 of a feature map for the height;
            None if no dimension does, as after a reduction.
        jump: distance between neighboring units along `dim`, in pixels of the image.
        bound: how exact the fields are. `EXACT`; `ROUGH` if `span` is right, but a unit may not read all of
            `reads`; `AT_MOST` if both are upper bounds.
        joins_channels: whether a field is the union over all channels at one place, and only an upper bound
            for one of them. After `nn.Unfold`, a channel reads one pixel; the field is the whole window.
    """

    span: IntArray
    reads: IntArray
    size: int
    dim: int | None
    jump: Fraction
    bound: int = EXACT
    joins_channels: bool = False

    @classmethod
    def of_input(cls, shape: Sequence[int], dim: int) -> "AxisFields":
        """The fields in an image of this shape, along its dimension `dim`: each pixel reads itself."""
        size = shape[dim]
        lengths = [size if other == dim else 1 for other in range(len(shape))]
        position = np.arange(size).reshape(lengths)
        span = np.stack([position, position], axis=-1)
        return cls(span, span[..., None, :], size, dim, Fraction(1))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of the arrays along each dimension, 1 where all units read the same."""
        return self.span.shape[:-1]

    @property
    def varying(self) -> tuple[int, ...]:
        """Dimensions of the tensor along which units read different positions."""
        return tuple(dim for dim, size in enumerate(self.shape) if size != 1)

    def runs_along(self, dim: int) -> bool:
        """Whether units along this dimension differ, in what they read or in their place along the axis."""
        return dim == self.dim or self.shape[dim] != 1

    def take(self, dim: int, index: IntArray, *, stride: Fraction | int = 1) -> "AxisFields":
        """The fields of the units at equally spaced indices of a dimension, `stride` indices apart."""
        if not self.runs_along(dim):
            return self.for_some_channels()
        span, reads = self.span.take(index, axis=dim), self.reads.take(index, axis=dim)
        return self._changed(dim, span, reads, stride)

    def selected(self, dim: int, index: IntArray) -> "AxisFields":
        """The fields of the units at any indices of a dimension; the jump is found from their spans."""
        if not self.runs_along(dim):
            return self.for_some_channels()
        axis = replace(self, span=self.span.take(index, axis=dim), reads=self.reads.take(index, axis=dim))
        if dim != self.dim:
            return _condensed(axis, [dim])
        step = _step(axis.span, dim, self.jump.denominator)
        axis = replace(axis, dim=dim if step else None, jump=step or self.jump)
        return axis if step else _condensed(axis, [dim])

    def pad(self, dim: int, before: int, after: int, source: IntArray | None = None) -> "AxisFields":
        """The fields with `before` and `after` units of padding added at the ends of a dimension.

        Their spans continue at the same jump if the units lie at equal distances; else they are empty. They
        read nothing, unless `source` is given: for each index of the padded dimension, the index of the unit
        that is copied there, as in reflection padding.
        """
        if not self.runs_along(dim):
            return self
        size = self.shape[dim]
        index = np.arange(-before, size + after)
        inside = (index >= 0) & (index < size)
        period = self.jump.denominator
        if dim == self.dim and (size > period or period == 1) and _repeats(self.span, dim, self.jump):
            periods = np.where(index < 0, -(index // period), np.minimum(0, (size - 1 - index) // period))
            shift = (-periods * self.jump.numerator)[:, None]
            span = self.span.take(index + periods * period, axis=dim)
            span = np.where(span[..., :1] > span[..., 1:], span, span + _lift(shift, dim, span.ndim - 1))
        else:
            span = self.span.take(index.clip(0, size - 1) if source is None else source, axis=dim)
            if source is None:
                span = np.where(_lift(inside[:, None], dim, span.ndim - 1), span, EMPTY_SPAN)
        reads = self.reads.take(index.clip(0, size - 1) if source is None else source, axis=dim)
        if source is None:
            reads = np.where(_lift(inside[:, None], dim, reads.ndim - 1), reads, EMPTY_SPAN)
        return self._changed(dim, span, reads)

    def windows(
        self, dim: int, taps: IntArray, *, stride: Fraction | int, valid: BoolArray | None = None
    ) -> "AxisFields":
        """The fields of one unit for each window, which reads all that the units under its taps read.

        Args:
            dim: the dimension along which the windows slide.
            taps: shape (windows, taps), the index under each tap; one outside the dimension is padding.
            stride: indices from one window to the next.
            valid: shape (windows, taps), False for taps to leave out; None to keep all.
        """
        if not self.runs_along(dim):
            return self
        before, after = max(0, -int(taps.min())), max(0, int(taps.max()) - self.shape[dim] + 1)
        padded, taps = self.pad(dim, before, after), taps + before
        if not padded.runs_along(dim):
            return padded if valid is None else padded.masked(dim, np.asarray(valid.any(axis=1))).condensed()
        if padded.reads.size // padded.shape[dim] * taps.size > _MOST_NUMBERS:
            padded = padded._coarse()
        if valid is None and taps.shape[1] > _MANY_TAPS and taps.shape[0] > 1:
            padded, taps = padded._joined_in_steps(dim, taps)
        span = padded.span.take(taps, axis=dim)  # (..., windows, taps, ..., 2)
        reads = padded.reads.take(taps, axis=dim)
        if valid is not None:
            span = np.where(_lift(valid[..., None], dim, span.ndim - 1), span, EMPTY_SPAN)
            reads = np.where(_lift(valid[..., None], dim, reads.ndim - 1), reads, EMPTY_SPAN)
        return self._changed(dim, enclosing(span, dim + 1), union_of_units(reads, [dim + 1]), stride)

    def _joined_in_steps(self, dim: int, taps: IntArray) -> tuple["AxisFields", IntArray]:
        """The fields of runs of 2, 4, 8, ... units, and for each window the two runs that cover it."""
        step, count = int(taps[0, 1] - taps[0, 0]), taps.shape[1]
        if step < 1 or not (np.diff(taps, axis=1) == step).all():
            return self, taps
        span, reads, joined = self.span, self.reads, 1
        while 2 * joined <= count:
            index = np.arange(span.shape[dim] - joined * step)
            runs = [index, index + joined * step]
            span = enclosing(np.stack([span.take(run, axis=dim) for run in runs]), 0)
            reads = union_of_sets([reads.take(run, axis=dim) for run in runs])
            joined *= 2
        return replace(self, span=span, reads=reads), np.stack(
            [taps[:, 0], taps[:, 0] + (count - joined) * step], axis=1
        )

    def _coarse(self) -> "AxisFields":
        """The fields with the spans of each unit replaced by the one that encloses them, which is `ROUGH`."""
        if self.reads.shape[-2] == 1:
            return self
        reads = enclosing(self.reads, self.reads.ndim - 2)[..., None, :]
        return replace(self, reads=reads, bound=max(self.bound, ROUGH))

    def accumulated(self, dim: int) -> "AxisFields":
        """The fields after a cumulative sum: each unit reads what all units up to it along `dim` read."""
        reads, shift, size = self.reads, 1, self.shape[dim]
        while shift < size:
            index = np.arange(size) - shift
            kept = _lift((index >= 0)[:, None], dim, reads.ndim - 1)
            reads = union_of_sets([reads, np.where(kept, reads.take(index.clip(0), axis=dim), EMPTY_SPAN)])
            shift *= 2
        first = np.minimum.accumulate(self.span[..., 0], axis=dim)
        last = np.maximum.accumulate(self.span[..., 1], axis=dim)
        return replace(self, span=np.stack([first, last], axis=-1), reads=reads)

    def embedded(self, dim: int, offset: int, count: int, size: int) -> "AxisFields":
        """The fields with `dim` extended from `count` to `size` units, as by `torch.cat` with other tensors.

        The units here lie at the indices from `offset` on; the others read nothing.
        """
        if not self.runs_along(dim):
            return self
        index = np.arange(size) - offset
        axis = self.take(dim, index.clip(0, count - 1))
        return axis.masked(dim, (index >= 0) & (index < count))

    def masked(self, dim: int, kept: BoolArray) -> "AxisFields":
        """The fields with nothing read at the indices of `dim` where `kept`, shape (units,), is False."""
        span = np.where(_lift(kept[:, None], dim, self.span.ndim - 1), self.span, EMPTY_SPAN)
        reads = np.where(_lift(kept[:, None], dim, self.reads.ndim - 1), self.reads, EMPTY_SPAN)
        return replace(self, span=span, reads=reads)

    def merged(self, dims: Sequence[int]) -> "AxisFields":
        """The fields after a mean over `dims`, kept with length 1: a unit reads what all along them read."""
        others, dims = dims, tuple(dim for dim in dims if self.runs_along(dim))
        if self.joins_channels and len(dims) < len(others):
            self = replace(self, joins_channels=False)
        if not dims:
            return self
        span, reads = self.span, np.expand_dims(union_of_units(self.reads, dims), dims)
        for dim in dims:
            span = np.expand_dims(enclosing(span, dim), dim)
        return replace(self, span=span, reads=reads, dim=None if self.dim in dims else self.dim)

    def for_some_channels(self) -> "AxisFields":
        """The fields as upper bounds for a part of the channels; as they are unless `joins_channels`."""
        return replace(self, bound=AT_MOST, joins_channels=False) if self.joins_channels else self

    def spread(self, count: int) -> "AxisFields":
        """The fields of a tensor of `count` dimensions, each unit of which reads all that any here reads."""
        axis = self.merged(range(len(self.shape)))
        ones = [1] * count
        return replace(axis, span=axis.span.reshape(*ones, 2), reads=axis.reads.reshape(*ones, -1, 2))

    def ordered(self, shape: Sequence[int]) -> "AxisFields":
        """The fields in the tensor's order: dimensions along which the order is not known are merged.

        These are neither of length 1 nor as long as in `shape`, the shape of the tensor.
        """
        return self.merged([dim for dim in self.varying if self.shape[dim] != shape[dim]])

    def permuted(self, order: Sequence[int]) -> "AxisFields":
        """The dimensions in another order, as `Tensor.permute` takes it."""
        last = len(order)
        span, reads = self.span.transpose(*order, last), self.reads.transpose(*order, last, last + 1)
        return replace(self, span=span, reads=reads, dim=None if self.dim is None else order.index(self.dim))

    def unsqueezed(self, dim: int) -> "AxisFields":
        """The fields with a new dimension at `dim`, along which all units read the same."""
        new_dim = self.dim if self.dim is None or self.dim < dim else self.dim + 1
        return replace(
            self, span=np.expand_dims(self.span, dim), reads=np.expand_dims(self.reads, dim), dim=new_dim
        )

    def squeezed(self, dim: int) -> "AxisFields":
        """The fields without dimension `dim`, whose units are merged first."""
        axis = self.merged([dim])
        new_dim = axis.dim if axis.dim is None or axis.dim < dim else axis.dim - 1
        return replace(axis, span=axis.span.squeeze(dim), reads=axis.reads.squeeze(dim), dim=new_dim)

    def broadcast(self, old: Sequence[int], new: Sequence[int]) -> "AxisFields":
        """The fields after broadcasting from shape `old` to shape `new`, as torch does.

        A dimension in which one unit is repeated no longer follows the axis.
        """
        axis = self
        for _ in range(len(new) - len(old)):
            axis = axis.unsqueezed(0)
        if axis.dim is None or new[axis.dim] == old[axis.dim - len(new) + len(old)]:
            return axis
        return replace(axis, dim=None)

    def reshaped(self, old: Sequence[int], new: Sequence[int]) -> "AxisFields":
        """The fields after `Tensor.reshape` from shape `old` to shape `new`.

        Where dimensions are split or joined, `dim` becomes the one along which units lie at equal distances,
        the largest distance if several do.
        """
        if 0 in old:
            return self.spread(len(new)) if 0 not in self.shape else self._nothing(len(new))
        full, shape, new_dim, is_same = list(self.shape), [1] * len(new), None, True
        for olds, news in _groups(old, new):
            if not any(self.runs_along(dim) for dim in olds):
                continue
            long_olds, long_news = _longer_than_one(old, olds), _longer_than_one(new, news)
            if len(long_olds) == len(long_news) == 1:
                new_dim = long_news[0] if self.dim == long_olds[0] else new_dim
            else:
                is_same = False
            if self._fits(old, olds):
                for dim in olds:
                    full[dim] = old[dim]
                for dim in news:
                    shape[dim] = new[dim]
            elif len(long_news) == 1:
                shape[long_news[0]] = prod(self.shape[dim] for dim in olds)
            else:
                return replace(self.merged(olds), bound=AT_MOST).reshaped(old, new)
        spans = self.reads.shape[-2]
        span = np.broadcast_to(self.span, (*full, 2)).reshape(*shape, 2)
        reads = np.broadcast_to(self.reads, (*full, spans, 2)).reshape(*shape, spans, 2)
        axis = replace(self, span=span, reads=reads, dim=new_dim)
        axis = axis.condensed()
        return axis if is_same else axis.placed()

    def condensed(self) -> "AxisFields":
        """The fields with length 1 along the dimensions in which all units read the same."""
        return _condensed(self, [dim for dim in self.varying if dim != self.dim])

    def placed(self) -> "AxisFields":
        """The fields with `dim` and `jump` found anew: where units lie at the largest equal distance."""
        steps = {dim: _step(self.span, dim, self.jump.denominator) for dim in self.varying}
        found = {dim: step for dim, step in steps.items() if step is not None}
        if not found:
            return replace(self, dim=None)
        dim = max(found, key=lambda dim: abs(found[dim]))
        return replace(self, dim=dim, jump=found[dim])

    def _nothing(self, count: int) -> "AxisFields":
        """The fields of a tensor of `count` dimensions of which no unit reads anything."""
        span = np.array(EMPTY_SPAN).reshape(*[1] * count, 2)
        return replace(self, span=span, reads=span[..., None, :], dim=None)

    def _fits(self, old: Sequence[int], dims: range) -> bool:
        known = all(self.shape[dim] in (1, old[dim]) for dim in dims)
        return known and prod(old[dim] for dim in dims) <= _LONGEST_FLATTENED

    def _changed(self, dim: int, span: IntArray, reads: IntArray, stride: Fraction | int = 1) -> "AxisFields":
        jump = self.jump * stride if dim == self.dim else self.jump
        return replace(self, span=span, reads=reads, jump=jump).condensed()


def _condensed(axis: AxisFields, dims: Sequence[int]) -> AxisFields:
    """The fields with length 1 along those of `dims` in which all units read the same."""
    span, reads = axis.span, axis.reads
    for dim in dims:
        if span.shape[dim] and _constant(span, dim) and _constant(reads, dim):
            span, reads = span.take([0], axis=dim), reads.take([0], axis=dim)
    return replace(axis, span=span, reads=reads)


def _repeats(span: IntArray, dim: int, jump: Fraction) -> bool:
    """Whether spans `jump.denominator` units apart lie `jump.numerator` pixels apart, all along `dim`."""
    size, period = span.shape[dim], jump.denominator
    later, earlier = (
        span.take(np.arange(period, size), axis=dim),
        span.take(np.arange(size - period), axis=dim),
    )
    return bool((later - earlier == jump.numerator).all())


def _step(span: IntArray, dim: int, period: int) -> Fraction | None:
    """Pixels from one unit to the next, or the mean over `period` units, if constant and not 0; else None."""
    for apart in dict.fromkeys((1, period)):
        if 0 in span.shape or span.shape[dim] <= apart:
            return None
        indices = np.arange(span.shape[dim])
        distances = span.take(indices[apart:], axis=dim) - span.take(indices[:-apart], axis=dim)
        if distances.flat[0] and (distances == distances.flat[0]).all():
            return Fraction(int(distances.flat[0]), apart)
    return None


def _lift(values: NDArray[_Number], dim: int, dims: int) -> NDArray[_Number]:
    """Reshape an array so that numpy broadcasts it against one of `dims` dimensions plus a last one.

    The last dimension of `values` stays the last; the others become `dim` and those after it.
    """
    return values.reshape(*values.shape[:-1], *[1] * (dims - dim - values.ndim + 1), values.shape[-1])


def _constant(values: NDArray[np.generic], dim: int) -> bool:
    return bool((values == values.take([0], axis=dim)).all())


def _longer_than_one(shape: Sequence[int], dims: range) -> list[int]:
    """Those of `dims` that are longer than 1."""
    return [dim for dim in dims if shape[dim] > 1]


def _groups(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[range, range]]:
    """Which dimensions a reshape turns into which: from (2, 3, 4) to (6, 4), 0 and 1 into 0, and 2 into 1."""
    i = j = 0
    while i < len(old) or j < len(new):
        start_i, start_j = i, j
        size_i = size_j = 1
        while (i, j) == (start_i, start_j) or size_i != size_j:
            if j == len(new) or (i < len(old) and size_i <= size_j):
                size_i, i = size_i * old[i], i + 1
            else:
                size_j, j = size_j * new[j], j + 1
        yield range(start_i, i), range(start_j, j)
