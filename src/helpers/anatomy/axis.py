"""How the units of one tensor read one axis of the input image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
_Number = TypeVar("_Number", bound=np.generic)

# Where the field of a unit that reads nothing begins; the negative is where it ends. Neutral to a hull.
NOWHERE = 2**40

# Units of a merged dimension that are still told apart.
_LARGEST_TABLE = 4096


@dataclass(frozen=True, eq=False, slots=True)
class Axis:
    """Which indices of one image axis each unit of a tensor reads.

    The arrays have the dimensions of the tensor, of length 1 where nothing changes along a dimension. Any
    other length than the tensor's own says that these cases occur along the dimension in no known order.

    Attributes:
        span: (*dimensions, 2), leftmost and rightmost index of a unit's field, as if padding were input.
        reads: (*dimensions, size of the axis), whether a unit reads an index of the input.
        dim: the dimension that the axis runs along; None once it is reduced, or split over several.
        length: units along that dimension, when it was last known.
        jump: input pixels from one of these units to the next.
    """

    span: Integers
    reads: Booleans
    dim: int | None
    length: int
    jump: Fraction

    @classmethod
    def of_input(cls, shape: Sequence[int], dim: int) -> "Axis":
        """Dimension `dim` of an input of this shape, in which every pixel reads itself."""
        size = shape[dim]
        ones = [size if place == dim else 1 for place in range(len(shape))]
        index = np.arange(size).reshape(ones)
        reads = np.eye(size, dtype=bool).reshape(*ones, size)
        return cls(np.stack([index, index], axis=-1), reads, dim, size, Fraction(1))

    @property
    def varying(self) -> tuple[int, ...]:
        """Dimensions along which units read different indices."""
        return tuple(dim for dim, size in enumerate(self.reads.shape[:-1]) if size > 1)

    def runs_along(self, dim: int) -> bool:
        """Whether the place along this dimension matters."""
        return dim == self.dim or self.reads.shape[dim] > 1

    def take(self, dim: int, index: Integers, *, stride: Fraction | int = 1) -> "Axis":
        """Units `index` along a dimension, `stride` units apart."""
        if not self.runs_along(dim):
            return self
        span, reads = self.span.take(index, axis=dim), self.reads.take(index, axis=dim)
        return self._along(dim, span, reads, stride)

    def pad(self, dim: int, before: int, after: int, source: Integers | None = None) -> "Axis":
        """More units on both sides: they read nothing, or what unit `source[place]` reads."""
        if not self.runs_along(dim):
            return self
        size = self.reads.shape[dim]
        place = np.arange(-before, size + after)
        inside = place.clip(0, size - 1)
        step = self.jump if dim == self.dim else Fraction(0)
        beyond = (place - inside) * step.numerator
        shift = np.stack([beyond // step.denominator, -(-beyond // step.denominator)], axis=-1)
        span = self.span.take(inside, axis=dim) + _lift(shift, dim, self.span.ndim - 1)
        reads = self.reads.take(inside if source is None else source, axis=dim)
        if source is None:
            reads = reads & _lift((place == inside)[:, None], dim, reads.ndim - 1)
        return self._along(dim, span, reads)

    def windows(
        self, dim: int, taps: Integers, *, stride: Fraction | int, valid: Booleans | None = None
    ) -> "Axis":
        """One unit for each row of `taps`, the places it reads; a place outside the tensor is padding."""
        if not self.runs_along(dim):
            return self
        before, after = max(0, -int(taps.min())), max(0, int(taps.max()) - self.reads.shape[dim] + 1)
        padded = self.pad(dim, before, after)
        span = padded.span.take(taps + before, axis=dim)  # (..., windows, taps, ..., 2)
        reads = padded.reads.take(taps + before, axis=dim)
        if valid is not None:
            mask = _lift(valid[..., None], dim, reads.ndim - 1)
            span = np.where(mask, span, [NOWHERE, -NOWHERE])
            reads = reads & mask
        return self._along(dim, _hull(span, dim + 1), np.asarray(reads.any(axis=dim + 1)), stride)

    def placed(self, dim: int, offset: int, part: int, size: int) -> "Axis":
        """`part` units from `offset` on, among `size` along a dimension; the others read nothing."""
        if not self.runs_along(dim):
            return self
        place = np.arange(size) - offset
        axis = self.take(dim, place.clip(0, part - 1))
        return axis.masked(dim, (place >= 0) & (place < part))

    def masked(self, dim: int, kept: Booleans) -> "Axis":
        """Only the units `kept` along a dimension read; the others read nothing."""
        mask = _lift(kept[:, None], dim, self.reads.ndim - 1)
        span = np.where(mask, self.span, [NOWHERE, -NOWHERE])
        return replace(self, span=span, reads=self.reads & mask)

    def mixed(self, dims: Sequence[int]) -> "Axis":
        """Every unit reads what all units along `dims` read."""
        dims = tuple(dim for dim in dims if self.runs_along(dim))
        if not dims:
            return self
        span, reads = self.span, np.asarray(self.reads.any(axis=dims, keepdims=True))
        for dim in dims:
            span = np.expand_dims(_hull(span, dim), dim)
        return replace(self, span=span, reads=reads, dim=None if self.dim in dims else self.dim)

    def everywhere(self, count: int) -> "Axis":
        """Every unit of a tensor of `count` dimensions reads what all units read together."""
        axis = self.mixed(range(self.reads.ndim - 1))
        ones = [1] * count
        return replace(axis, span=axis.span.reshape(*ones, 2), reads=axis.reads.reshape(*ones, -1))

    def settled(self, shape: Sequence[int]) -> "Axis":
        """Dimensions of `shape` along which the order of the units is not known become mixed."""
        return self.mixed([dim for dim in self.varying if self.reads.shape[dim] != shape[dim]])

    def permuted(self, order: Sequence[int]) -> "Axis":
        """The dimensions in another order."""
        last = len(order)
        span, reads = self.span.transpose(*order, last), self.reads.transpose(*order, last)
        return replace(self, span=span, reads=reads, dim=None if self.dim is None else order.index(self.dim))

    def unsqueezed(self, dim: int) -> "Axis":
        """A new dimension before `dim`."""
        home = self.dim if self.dim is None or self.dim < dim else self.dim + 1
        return replace(
            self, span=np.expand_dims(self.span, dim), reads=np.expand_dims(self.reads, dim), dim=home
        )

    def squeezed(self, dim: int) -> "Axis":
        """The same without dimension `dim`, along which all units are mixed."""
        axis = self.mixed([dim])
        home = axis.dim if axis.dim is None or axis.dim < dim else axis.dim - 1
        return replace(axis, span=axis.span.squeeze(dim), reads=axis.reads.squeeze(dim), dim=home)

    def broadcast(self, old: Sequence[int], new: Sequence[int]) -> "Axis":
        """As part of a tensor of shape `new`, by torch's rule; one unit that is repeated has no place."""
        axis = self
        for _ in range(len(new) - len(old)):
            axis = axis.unsqueezed(0)
        if axis.dim is None or new[axis.dim] == old[axis.dim - len(new) + len(old)]:
            return axis
        return replace(axis, dim=None)

    def reshaped(self, old: Sequence[int], new: Sequence[int]) -> "Axis":
        """The same units in another shape, in the same order."""
        full, shape, home = list(self.reads.shape[:-1]), [1] * len(new), None
        for olds, news in _groups(old, new):
            if not any(self.runs_along(dim) for dim in olds):
                continue
            real_olds, real_news = _real(old, olds), _real(new, news)
            if self.dim in olds and real_olds == [self.dim] and len(real_news) == 1:
                home = real_news[0]
            if self._fits(old, olds):
                for dim in olds:
                    full[dim] = old[dim]
                for dim in news:
                    shape[dim] = new[dim]
            elif len(real_news) == 1:
                shape[real_news[0]] = prod(self.reads.shape[dim] for dim in olds)
            else:
                return self.mixed(olds).reshaped(old, new)
        span = np.broadcast_to(self.span, (*full, 2)).reshape(*shape, 2)
        reads = np.broadcast_to(self.reads, (*full, self.reads.shape[-1])).reshape(*shape, -1)
        axis = replace(self, span=span, reads=reads, dim=home)
        axis = _condensed(axis, [dim for dim in axis.varying if dim != home])
        if home is None and len(axis.varying) == 1 and new[axis.varying[0]] == axis.length:
            axis = replace(axis, dim=axis.varying[0])  # all units of the axis lie along one dimension again
        return axis

    def _fits(self, old: Sequence[int], dims: range) -> bool:
        known = all(self.reads.shape[dim] in (1, old[dim]) for dim in dims)
        return known and prod(old[dim] for dim in dims) <= _LARGEST_TABLE

    def _along(self, dim: int, span: Integers, reads: Booleans, stride: Fraction | int = 1) -> "Axis":
        if dim != self.dim:
            return _condensed(replace(self, span=span, reads=reads), [dim])
        return replace(self, span=span, reads=reads, length=reads.shape[dim], jump=self.jump * stride)


def _condensed(axis: Axis, dims: Sequence[int]) -> Axis:
    """The same with length 1 along those of `dims` where nothing changes."""
    span, reads = axis.span, axis.reads
    for dim in dims:
        if _constant(span, dim) and _constant(reads, dim):
            span, reads = span.take([0], axis=dim), reads.take([0], axis=dim)
    return replace(axis, span=span, reads=reads)


def _hull(span: Integers, dim: int) -> Integers:
    return np.stack([span[..., 0].min(axis=dim), span[..., 1].max(axis=dim)], axis=-1)


def _lift(values: NDArray[_Number], dim: int, dims: int) -> NDArray[_Number]:
    """Values along dimension `dim` (and after it), with a last one of their own, to broadcast over `dims`."""
    return values.reshape(*values.shape[:-1], *[1] * (dims - dim - values.ndim + 1), values.shape[-1])


def _constant(values: NDArray[np.generic], dim: int) -> bool:
    return bool((values == values.take([0], axis=dim)).all())


def _real(shape: Sequence[int], dims: range) -> list[int]:
    return [dim for dim in dims if shape[dim] > 1]


def _groups(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[range, range]]:
    """The runs of dimensions that a view turns into one another: (2, 3, 4) to (6, 4) is 0-1 to 0, 2 to 1."""
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
