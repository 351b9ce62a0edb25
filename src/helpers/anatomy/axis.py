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

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_Number = TypeVar("_Number", bound=np.generic)

# A unit that reads nothing has the span (EMPTY_START, -EMPTY_START): any other span that joins it wins.
EMPTY_START = 2**40
_EMPTY_SPAN = (EMPTY_START, -EMPTY_START)

# Dimensions that are flattened into a longer one than this are merged, which bounds time and memory.
_LONGEST_FLATTENED = 4096


@dataclass(frozen=True, eq=False, slots=True)
class AxisFields:
    """The receptive fields of all units of a tensor along one axis of the image.

    Both arrays have the dimensions of the tensor. One of length 1 means that all units along that dimension
    read the same. Any other length than the tensor's means that these fields occur along the dimension, but
    it is not known which unit has which.

    Attributes:
        span: shape (*dimensions, 2), first and last position of a unit's receptive field; padding counts as
            if it were part of the image, so a position may lie outside.
        reads: shape (*dimensions, length of the axis), whether a unit reads a position of the image.
        dim: the dimension of the tensor along which the axis runs, as dimension 2 of a feature map runs along
            the height; None once that dimension was reduced, or split over several.
        length: units along that dimension, when it was last known.
        jump: pixels of the image from one of these units to the next.
    """

    span: IntArray
    reads: BoolArray
    dim: int | None
    length: int
    jump: Fraction

    @classmethod
    def of_input(cls, shape: Sequence[int], dim: int) -> "AxisFields":
        """The fields in an image of this shape, along its dimension `dim`: each pixel reads itself."""
        size = shape[dim]
        lengths = [size if other == dim else 1 for other in range(len(shape))]
        position = np.arange(size).reshape(lengths)
        reads = np.eye(size, dtype=bool).reshape(*lengths, size)
        return cls(np.stack([position, position], axis=-1), reads, dim, size, Fraction(1))

    @property
    def varying(self) -> tuple[int, ...]:
        """Dimensions of the tensor along which units read different positions."""
        return tuple(dim for dim, size in enumerate(self.reads.shape[:-1]) if size > 1)

    def runs_along(self, dim: int) -> bool:
        """Whether it matters which unit along this dimension is meant: if not, all of them read the same."""
        return dim == self.dim or self.reads.shape[dim] > 1

    def take(self, dim: int, index: IntArray, *, stride: Fraction | int = 1) -> "AxisFields":
        """The units at these indices of a dimension; `stride` is the step from one index to the next."""
        if not self.runs_along(dim):
            return self
        span, reads = self.span.take(index, axis=dim), self.reads.take(index, axis=dim)
        return self._changed(dim, span, reads, stride)

    def pad(self, dim: int, before: int, after: int, source: IntArray | None = None) -> "AxisFields":
        """Units added at the start and the end of a dimension; their spans go on at the same jump.

        They read nothing, unless `source` gives for each index of the longer dimension the index of the unit
        to copy, as reflection padding does.
        """
        if not self.runs_along(dim):
            return self
        size = self.reads.shape[dim]
        index = np.arange(-before, size + after)
        inside = index.clip(0, size - 1)
        step = self.jump if dim == self.dim else Fraction(0)
        beyond = (index - inside) * step.numerator
        shift = np.stack([beyond // step.denominator, -(-beyond // step.denominator)], axis=-1)
        span = self.span.take(inside, axis=dim) + _lift(shift, dim, self.span.ndim - 1)
        reads = self.reads.take(inside if source is None else source, axis=dim)
        if source is None:
            reads = reads & _lift((index == inside)[:, None], dim, reads.ndim - 1)
        return self._changed(dim, span, reads)

    def windows(
        self, dim: int, taps: IntArray, *, stride: Fraction | int, valid: BoolArray | None = None
    ) -> "AxisFields":
        """One unit for each window, which reads all that the units under its taps read.

        Args:
            dim: the dimension along which the windows lie.
            taps: shape (windows, taps), the index under each tap; one outside the dimension is padding.
            stride: indices from one window to the next.
            valid: shape (windows, taps), False for taps to leave out; None if there are none.
        """
        if not self.runs_along(dim):
            return self
        before, after = max(0, -int(taps.min())), max(0, int(taps.max()) - self.reads.shape[dim] + 1)
        padded = self.pad(dim, before, after)
        span = padded.span.take(taps + before, axis=dim)  # (..., windows, taps, ..., 2)
        reads = padded.reads.take(taps + before, axis=dim)
        if valid is not None:
            mask = _lift(valid[..., None], dim, reads.ndim - 1)
            span = np.where(mask, span, _EMPTY_SPAN)
            reads = reads & mask
        return self._changed(dim, _enclosing(span, dim + 1), np.asarray(reads.any(axis=dim + 1)), stride)

    def embedded(self, dim: int, offset: int, count: int, size: int) -> "AxisFields":
        """The `count` units of a dimension as part of one of length `size`, from index `offset` on.

        The other units of the longer dimension read nothing.
        """
        if not self.runs_along(dim):
            return self
        index = np.arange(size) - offset
        axis = self.take(dim, index.clip(0, count - 1))
        return axis.masked(dim, (index >= 0) & (index < count))

    def masked(self, dim: int, kept: BoolArray) -> "AxisFields":
        """The same, but units at indices of a dimension where `kept` is False read nothing."""
        mask = _lift(kept[:, None], dim, self.reads.ndim - 1)
        span = np.where(mask, self.span, _EMPTY_SPAN)
        return replace(self, span=span, reads=self.reads & mask)

    def merged(self, dims: Sequence[int]) -> "AxisFields":
        """Every unit reads what all units along `dims` read together, as after a mean over them."""
        dims = tuple(dim for dim in dims if self.runs_along(dim))
        if not dims:
            return self
        span, reads = self.span, np.asarray(self.reads.any(axis=dims, keepdims=True))
        for dim in dims:
            span = np.expand_dims(_enclosing(span, dim), dim)
        return replace(self, span=span, reads=reads, dim=None if self.dim in dims else self.dim)

    def spread(self, count: int) -> "AxisFields":
        """A tensor of `count` dimensions in which every unit reads what all units here read together."""
        axis = self.merged(range(self.reads.ndim - 1))
        ones = [1] * count
        return replace(axis, span=axis.span.reshape(*ones, 2), reads=axis.reads.reshape(*ones, -1))

    def ordered(self, shape: Sequence[int]) -> "AxisFields":
        """The same, merged along dimensions in which it is not known which unit reads what.

        These are the dimensions that are neither of length 1 nor as long as in `shape`, that of the tensor.
        """
        return self.merged([dim for dim in self.varying if self.reads.shape[dim] != shape[dim]])

    def permuted(self, order: Sequence[int]) -> "AxisFields":
        """The dimensions in another order, as `Tensor.permute` takes it."""
        last = len(order)
        span, reads = self.span.transpose(*order, last), self.reads.transpose(*order, last)
        return replace(self, span=span, reads=reads, dim=None if self.dim is None else order.index(self.dim))

    def unsqueezed(self, dim: int) -> "AxisFields":
        """With a new dimension at `dim`, along which all units read the same."""
        new_dim = self.dim if self.dim is None or self.dim < dim else self.dim + 1
        return replace(
            self, span=np.expand_dims(self.span, dim), reads=np.expand_dims(self.reads, dim), dim=new_dim
        )

    def squeezed(self, dim: int) -> "AxisFields":
        """Without dimension `dim`, whose units are merged first."""
        axis = self.merged([dim])
        new_dim = axis.dim if axis.dim is None or axis.dim < dim else axis.dim - 1
        return replace(axis, span=axis.span.squeeze(dim), reads=axis.reads.squeeze(dim), dim=new_dim)

    def broadcast(self, old: Sequence[int], new: Sequence[int]) -> "AxisFields":
        """Shape `old` expanded to shape `new` by torch's rule of broadcasting.

        The axis no longer runs along a dimension in which one unit is repeated.
        """
        axis = self
        for _ in range(len(new) - len(old)):
            axis = axis.unsqueezed(0)
        if axis.dim is None or new[axis.dim] == old[axis.dim - len(new) + len(old)]:
            return axis
        return replace(axis, dim=None)

    def reshaped(self, old: Sequence[int], new: Sequence[int]) -> "AxisFields":
        """The same units in the same order, from shape `old` to shape `new`, as `Tensor.reshape`."""
        full, shape, new_dim = list(self.reads.shape[:-1]), [1] * len(new), None
        for olds, news in _groups(old, new):
            if not any(self.runs_along(dim) for dim in olds):
                continue
            long_olds, long_news = _longer_than_one(old, olds), _longer_than_one(new, news)
            if self.dim in olds and long_olds == [self.dim] and len(long_news) == 1:
                new_dim = long_news[0]
            if self._fits(old, olds):
                for dim in olds:
                    full[dim] = old[dim]
                for dim in news:
                    shape[dim] = new[dim]
            elif len(long_news) == 1:
                shape[long_news[0]] = prod(self.reads.shape[dim] for dim in olds)
            else:
                return self.merged(olds).reshaped(old, new)
        span = np.broadcast_to(self.span, (*full, 2)).reshape(*shape, 2)
        reads = np.broadcast_to(self.reads, (*full, self.reads.shape[-1])).reshape(*shape, -1)
        axis = replace(self, span=span, reads=reads, dim=new_dim)
        axis = _condensed(axis, [dim for dim in axis.varying if dim != new_dim])
        if new_dim is None and len(axis.varying) == 1 and new[axis.varying[0]] == axis.length:
            axis = replace(axis, dim=axis.varying[0])  # all units of the axis lie along one dimension again
        return axis

    def _fits(self, old: Sequence[int], dims: range) -> bool:
        known = all(self.reads.shape[dim] in (1, old[dim]) for dim in dims)
        return known and prod(old[dim] for dim in dims) <= _LONGEST_FLATTENED

    def _changed(
        self, dim: int, span: IntArray, reads: BoolArray, stride: Fraction | int = 1
    ) -> "AxisFields":
        if dim != self.dim:
            return _condensed(replace(self, span=span, reads=reads), [dim])
        return replace(self, span=span, reads=reads, length=reads.shape[dim], jump=self.jump * stride)


def _condensed(axis: AxisFields, dims: Sequence[int]) -> AxisFields:
    """The same with length 1 along those of `dims` in which all units read the same."""
    span, reads = axis.span, axis.reads
    for dim in dims:
        if _constant(span, dim) and _constant(reads, dim):
            span, reads = span.take([0], axis=dim), reads.take([0], axis=dim)
    return replace(axis, span=span, reads=reads)


def _enclosing(span: IntArray, dim: int) -> IntArray:
    """The smallest spans that hold all spans along a dimension."""
    return np.stack([span[..., 0].min(axis=dim), span[..., 1].max(axis=dim)], axis=-1)


def _lift(values: NDArray[_Number], dim: int, dims: int) -> NDArray[_Number]:
    """The array in a shape that numpy broadcasts over `dims` dimensions and a last one of its own.

    Its last dimension stays the last; its others become dimension `dim` and those that follow it.
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
