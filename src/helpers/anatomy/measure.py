"""Measure what an operator without a rule reads.

The operator runs on random values, and again after each change of one input unit. An output unit reads an
input unit if it changes with it. In some operators the values decide what is read, so this is repeated on
values from small to large. It counts only if all repetitions agree.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from helpers.anatomy.axis import EXACT, ROUGH, AxisFields
from helpers.anatomy.calls import NeedsValues, OperatorCall, tensors_in
from helpers.anatomy.paths import InputPath, Paths, at_most, for_some_channels, spread, union
from helpers.anatomy.spans import EMPTY_SPAN, BoolArray, enclosing, union_of_units

_SCALES = (0.05, 1.0, 20.0, 0.5)  # of the random values, one repetition for each
_MOST_UNITS = 1024  # up to this many units of an input are changed one by one, more of them slice by slice
_MOST_NUMBERS = 2**26  # elements that one relation may hold, and a bound on what all runs may compute


class _Relation(NamedTuple):
    """Which units of an output read which units of an input.

    Attributes:
        dims: groups of dimensions of the input. For each group, one index along it was changed at a time.
        reads: for each group, shape (*output, indices of the group), whether the output unit changes.
    """

    dims: tuple[tuple[int, ...], ...]
    reads: tuple[BoolArray, ...]


def measured_paths(call: OperatorCall) -> list[Paths] | None:
    """The paths to each output of an operator, or None if they cannot be measured.

    They cannot if an input that depends on the image holds no real numbers but, say, indices; if the values
    decide what is read; or if the operator is random, fails on random values, or is too large. An output that
    holds indices is taken to read at most what any unit of the inputs reads.

    Raises:
        NeedsValues: if another input has no values on the meta device, and a run on real tensors is possible.
    """
    inputs = {id(each): each for each in tensors_in(call.arguments.values()) if call.paths_of(each)}
    outputs = [*tensors_in([call.output])]
    if call.func is None or not _are_measurable(call, [*inputs.values()], outputs):
        return None
    paths: list[Paths] = [()] * len(outputs)
    for key, tensor in inputs.items():
        groups = _groups(call.paths_of(tensor), tensor)
        relations = None if groups is None else _relations(call, inputs, key, groups, outputs)
        if relations is None:
            return None
        found = [
            _composed(for_some_channels(call.ordered_paths(tensor)), tensor.shape, relation)
            for relation in relations
        ]
        if any(each is None for each in found):
            return None
        paths = [union(old, new or ()) for old, new in zip(paths, found, strict=True)]
    every = union(*(call.paths_of(each) for each in inputs.values()))
    return [
        own if _is_continuous(output) else at_most(spread(every, output.dim()))
        for own, output in zip(paths, outputs, strict=True)
    ]


def _is_continuous(tensor: Tensor) -> bool:
    """Whether a tensor holds real or complex numbers, which follow small changes; an index does not."""
    return not tensor.is_quantized and (tensor.is_floating_point() or tensor.is_complex())


def _are_measurable(call: OperatorCall, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bool:
    if not all(map(_is_continuous, inputs)) or not any(map(_is_continuous, outputs)):
        return False
    others = [each for each in tensors_in(call.arguments.values()) if not call.paths_of(each)]
    if any(each.is_meta for each in others):
        if call.may_need_values:
            raise NeedsValues(f"{call.name} has no rule, and is measured")
        return False
    return all(prod(each.shape) for each in (*inputs, *outputs))


def _groups(paths: Paths, tensor: Tensor) -> tuple[tuple[int, ...], ...] | None:
    """The groups of dimensions of a `_Relation`: all that vary as one group, or each alone if too large.

    None if that is not possible, since receptive fields vary along several dimensions jointly.
    """
    axes = [axis.ordered(tensor.shape) for path in paths for axis in path]
    dims = tuple(sorted({dim for axis in axes for dim in axis.varying}))
    if prod(tensor.shape[dim] for dim in dims) <= _MOST_UNITS:
        return (dims,)
    if any(len(axis.varying) > 1 for axis in axes):
        return None
    return tuple((dim,) for dim in dims)


def _relations(
    call: OperatorCall,
    inputs: dict[int, Tensor],
    key: int,
    groups: tuple[tuple[int, ...], ...],
    outputs: Sequence[Tensor],
) -> list[_Relation] | None:
    """Which units of each output read which units of one input; None if that cannot be measured."""
    shape = inputs[key].shape
    counts = [prod(shape[dim] for dim in dims) for dims in groups]
    size = max(each.numel() for each in (*inputs.values(), *outputs))
    if 2 * len(_SCALES) * sum(counts) * size > 16 * _MOST_NUMBERS or max(counts) * size > _MOST_NUMBERS:
        return None
    generator, known = torch.Generator().manual_seed(0), None
    for scale in _SCALES:
        values = {other: _random(tensor, scale, generator) for other, tensor in inputs.items()}
        try:
            found = _changes(call, values, key, groups, scale)
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError):
            return None  # the operator does not take such values
        if found is None or [each.shape[:-1] for each in found[0]] != [tuple(each.shape) for each in outputs]:
            return None
        if known and not all(
            np.array_equal(old, new)
            for olds, news in zip(known, found, strict=True)
            for old, new in zip(olds, news, strict=True)
        ):
            return None
        known = found
    return [_Relation(groups, each) for each in zip(*(known or []), strict=True)]


def _random(tensor: Tensor, scale: float, generator: torch.Generator) -> Tensor:
    kind = torch.complex128 if tensor.is_complex() else torch.float64
    return scale * (torch.randn(tensor.shape, generator=generator, dtype=kind) + 0.5)


def _changes(
    call: OperatorCall, values: dict[int, Tensor], key: int, groups: Sequence[Sequence[int]], scale: float
) -> list[list[BoolArray]] | None:
    """For each group and output, `_Relation.reads`; None if the operator is random or returns NaN."""
    base = _outputs(call, values)
    if any(bool(each.isnan().any()) for each in base) or not all(
        map(torch.equal, base, _outputs(call, values))
    ):
        return None
    own, found = values[key], []
    for dims in groups:
        sizes = [own.shape[dim] for dim in dims]
        changed = [np.zeros((*each.shape, prod(sizes)), dtype=bool) for each in base]
        for unit, index in enumerate(np.ndindex(*sizes)):
            place = [slice(None)] * own.dim()
            for dim, i in zip(dims, index, strict=True):
                place[dim] = slice(i, i + 1)
            for sign in (1, -1):  # a maximum follows larger values only, a minimum smaller ones
                other = own.clone()
                other[tuple(place)] += sign * scale * (9 + own[tuple(place)].abs())
                for result, before, after in zip(
                    changed, base, _outputs(call, {**values, key: other}), strict=True
                ):
                    result[..., unit] |= (before != after).numpy()
        found.append(changed)
    return found


def _outputs(call: OperatorCall, values: dict[int, Tensor]) -> list[Tensor]:
    """What the operator returns on these values, in double precision."""

    def given(value: object) -> object:
        if not isinstance(value, Tensor):
            return value
        own = values.get(id(value), value).cpu()
        return own.to(torch.float64 if own.is_floating_point() else own.dtype, copy=True)

    return [*tensors_in([call.func(**tree_map(given, call.arguments))])]


def _composed(paths: Paths, shape: Sequence[int], relation: _Relation) -> Paths | None:
    """The paths to an output: each of its units reads all that the input units it depends on read."""
    changed: list[InputPath] = []
    for path in paths:
        units = [_units_of(axis.varying, shape, relation) for axis in path]
        if any(each.size // each.shape[-1] * each.sum(axis=-1).max() > _MOST_NUMBERS for each in units):
            return None
        bound = EXACT if _reads_products(path, units, shape, relation) else ROUGH
        axes = (_read_by(axis, each) for axis, each in zip(path, units, strict=True))
        changed.append(tuple(replace(axis, bound=max(axis.bound, bound)) for axis in axes))
    return union(tuple(changed))


def _reads_products(
    path: InputPath, units: Sequence[BoolArray], shape: Sequence[int], relation: _Relation
) -> bool:
    """Whether each output unit is known to read a full grid, all of its rows in all of its columns."""
    varying = [dim for axis in path for dim in axis.varying]
    if len(set(varying)) < len(varying) or not any(set(varying) <= set(dims) for dims in relation.dims):
        return False
    together = reduce(np.multiply, (each.sum(axis=-1) for each in units))
    return bool((together == _units_of(varying, shape, relation).sum(axis=-1)).all())


def _units_of(varying: Sequence[int], shape: Sequence[int], relation: _Relation) -> BoolArray:
    """Shape (*output, units): which input units an output reads, numbered along the dimensions `varying`."""
    dims, reads = next(
        (dims, reads)
        for dims, reads in zip(relation.dims, relation.reads, strict=True)
        if set(varying) <= set(dims)
    )
    outputs = reads.shape[:-1]
    apart = reads.reshape(*outputs, *(shape[dim] for dim in dims))
    others = tuple(len(outputs) + i for i, dim in enumerate(dims) if dim not in varying)
    return np.asarray(apart.any(axis=others)).reshape(*outputs, -1)


def _read_by(axis: AxisFields, units: BoolArray) -> AxisFields:
    """The fields of output units, each of which reads the input units marked in `units` (*output, units)."""
    spans = axis.reads.shape[-2]
    span, reads = axis.span.reshape(-1, 2), axis.reads.reshape(-1, spans, 2)
    most = max(1, int(units.sum(axis=-1).max()))
    chosen = np.argsort(~units, axis=-1, kind="stable")[..., :most]
    there = np.take_along_axis(units, chosen, -1)
    spans_read = np.where(there[..., None], span[chosen], EMPTY_SPAN)
    sets = np.where(there[..., None, None], reads[chosen], EMPTY_SPAN)
    span, reads = enclosing(spans_read, units.ndim - 1), union_of_units(sets, [units.ndim - 1])
    return replace(axis, span=span, reads=reads, dim=None).condensed().placed()
