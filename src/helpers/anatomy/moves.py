"""Rules for the operators that move units without mixing them: views, slices, padding, concatenation."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

import numpy as np

from helpers.anatomy.axis import Axis, Integers
from helpers.anatomy.call import Call
from helpers.anatomy.paths import Paths, along, each, union


def unchanged(call: Call) -> Paths:
    """A copy, or another name for the same units."""
    return call.paths_of(call.source)


def reshape(call: Call) -> Paths:
    """The same units in the same order, in another shape."""
    old, new = call.source.shape, call.result.shape
    return each(call.paths_of(call.source), lambda axis: axis.reshaped(old, new))


def permute(call: Call) -> Paths:
    """`permute`, `transpose` and `t`."""
    order = list(range(call.source.dim()))
    if call.name == "permute":
        order = call.dims("dims")
    elif len(order) > 1:
        first, second = (call.dims("dim0")[0], call.dims("dim1")[0]) if call.name == "transpose" else (0, 1)
        order[first], order[second] = order[second], order[first]
    return call.moved(lambda axis: axis.permuted(order))


def expand(call: Call) -> Paths:
    """One unit repeated along a dimension of length 1, or along new ones."""
    old, new = call.source.shape, call.result.shape
    return call.moved(lambda axis: axis.broadcast(old, new))


def unsqueeze(call: Call) -> Paths:
    """A new dimension of length 1."""
    dim = call["dim"] % call.result.dim()
    return call.moved(lambda axis: axis.unsqueezed(dim))


def squeeze(call: Call) -> Paths:
    """Without dimensions of length 1."""
    named = call.dims() if "dim" in call.arguments else range(call.source.dim())
    return without(call.settled(call.source), [dim for dim in named if call.source.shape[dim] == 1])


def without(paths: Paths, dims: Sequence[int]) -> Paths:
    """The paths after some dimensions were mixed and dropped."""
    for dim in sorted(dims, reverse=True):
        paths = each(paths, lambda axis, dim=dim: axis.squeezed(dim))  # type: ignore[misc]
    return paths


def cut(call: Call) -> Paths:
    """A slice, with a step or without."""
    [dim], step = call.dims(), call["step"]
    index = np.arange(call.source.shape[dim])[call["start"] : call["end"] : step]
    return call.moved(lambda axis: axis.take(dim, index, stride=step))


def select(call: Call) -> Paths:
    """One index of a dimension, which goes."""
    return _selected(call, call["index"])


def unbind(call: Call) -> list[Paths]:
    """Every index of a dimension by itself."""
    return [_selected(call, index) for index in range(len(call.output))]


def split(call: Call) -> list[Paths]:
    """Consecutive parts of a dimension."""
    [dim] = call.dims()
    ends = accumulate(part.shape[dim] for part in call.output)
    parts = [np.arange(end - part.shape[dim], end) for part, end in zip(call.output, ends, strict=True)]
    return [call.moved(partial(Axis.take, dim=dim, index=index)) for index in parts]


def roll(call: Call) -> Paths:
    """A circular shift along some dimensions."""
    dims = call.dims("dims")
    if not call["dims"]:  # torch shifts the flattened tensor
        return call.moved(lambda axis: axis.mixed(dims))
    if _runs_along(call.paths_of(call.source), dims):
        call.notes.append("shifts the map around its edges: opposite borders meet here, masked or not")
    shifts = zip(dims, call["shifts"], strict=True)
    return _rearranged(call, {dim: partial(np.roll, shift=shift) for dim, shift in shifts})


def flip(call: Call) -> Paths:
    """Some dimensions run backwards."""
    return _rearranged(call, dict.fromkeys(call.dims("dims"), np.flip), stride=-1)


def repeat(call: Call) -> Paths:
    """Copies of the whole tensor side by side."""
    shape, copies = call.source.shape, call["repeats"]
    new = len(copies) - len(shape)

    def repeated(axis: Axis) -> Axis:
        axis = axis.broadcast(shape, [1] * new + list(shape))
        for dim, size in enumerate(shape, new):
            axis = axis.take(dim, np.tile(np.arange(size), copies[dim]))
        return axis

    return call.moved(repeated)


def concatenate(call: Call) -> Paths:
    """Tensors side by side: all their paths, or along an image axis each path in its own place."""
    parts = [tensor for tensor in call["tensors"] if tensor.dim() == call.result.dim()]
    dim, size = call["dim"] % call.result.dim(), call.result.shape[call["dim"]]
    paths = list(map(call.settled, parts))
    if not any(_runs_along(ways, [dim]) for ways in paths):
        return union(*paths)
    placed: list[Paths] = []
    for ways, part, end in zip(paths, parts, accumulate(part.shape[dim] for part in parts), strict=True):
        length, place = part.shape[dim], np.arange(size)
        move = partial(Axis.placed, dim=dim, offset=end - length, part=length, size=size)
        placed.append(along(ways, dim, move, (place >= end - length) & (place < end)))
    return union(*placed)


def stack(call: Call) -> Paths:
    """Tensors along a new dimension; which of them a unit comes from is not kept apart."""
    dim = call["dim"] % call.result.dim()
    return union(*(each(call.settled(part), lambda axis: axis.unsqueezed(dim)) for part in call["tensors"]))


def pad(call: Call) -> Paths:
    """Padding with a constant, a reflection or the nearest pixel; a negative number crops."""
    numbers, shape = call["pad" if "pad" in call.arguments else "padding"], call.source.shape
    last_first = zip(numbers[::2], numbers[1::2], strict=True)
    sides = {len(shape) - 1 - place: pair for place, pair in enumerate(last_first) if pair != (0, 0)}
    if min(numbers) >= 0:
        call.pads = sides
    repeated = _REPEATED.get(call.name.partition("_")[0])  # reflection_pad2d: reflection
    if repeated is not None:
        call.notes.append(f"padding is filled from the map: {call.name.partition('_')[0]}")

    paths = call.settled(call.source)
    for dim, (before, after) in sides.items():
        places = np.arange(-before, shape[dim] + after)  # a negative number crops
        index = repeated(places, shape[dim]) if repeated else None
        kept = (places >= 0) & (places < shape[dim]) if index is None else np.ones(len(places), dtype=bool)
        paths = along(paths, dim, partial(Axis.pad, dim=dim, before=before, after=after, source=index), kept)
    return paths


def _reflected(places: Integers, size: int) -> Integers:
    period = max(1, 2 * (size - 1))
    return np.minimum(places % period, -places % period)


def _replicated(places: Integers, size: int) -> Integers:
    return places.clip(0, size - 1)


def _wrapped(places: Integers, size: int) -> Integers:
    return places % size


_REPEATED = {"circular": _wrapped, "reflection": _reflected, "replication": _replicated}


def _runs_along(paths: Paths, dims: Sequence[int]) -> bool:
    return any(axis.runs_along(dim) for path in paths for axis in path for dim in dims)


def _selected(call: Call, index: int) -> Paths:
    [dim] = call.dims()
    place = np.array([index % call.source.shape[dim]])
    return without(call.moved(lambda axis: axis.take(dim, place)), [dim])


def _rearranged(call: Call, orders: dict[int, Callable[[Integers], Integers]], stride: int = 1) -> Paths:
    def rearranged(axis: Axis) -> Axis:
        for dim, order in orders.items():
            axis = axis.take(dim, order(np.arange(call.source.shape[dim])), stride=stride)
        return axis

    return call.moved(rearranged)
