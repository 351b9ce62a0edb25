"""Records of one run of a model: the calls of torch operators, and of the modules that make them.

A *unit* is one element of a tensor in the network, a *tap* one element of a kernel along one axis.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from helpers.anatomy.axis import AxisFields
from helpers.anatomy.paths import Paths, map_axes, merge, ordered

BeforeAfter = tuple[int, int]  # pixels of padding on the two sides of one dimension


@dataclass(frozen=True)
class MapWindow:
    """The window of a convolution or pooling along one dimension of the feature map that it reads.

    Attributes:
        kernel_size: number of taps.
        stride: as torch defines it; in a transposed convolution, output positions for each input position.
        padding: positions (before, after) the map, including those that a padding operator just before added.
        dilation: as torch defines it.
        size: length of the map, without padding.
        output_size: number of windows.
        unread: how many positions of the map no window reads.
        padding_unread: how many positions of the padding (before, after) no window reads.
        transposed: whether the window belongs to a transposed convolution.
    """

    kernel_size: int
    stride: int
    padding: BeforeAfter
    dilation: int
    size: int
    output_size: int
    unread: int
    padding_unread: BeforeAfter
    transposed: bool = False

    @property
    def effective_kernel_size(self) -> int:
        """Length from the first tap to the last, both included."""
        return self.dilation * (self.kernel_size - 1) + 1


class NeedsValues(Exception):
    """What an operator reads depends on values, which tensors on the meta device do not have."""


@dataclass
class OperatorCall:
    """One call of a torch operator, as its rule sees it; the rule fills in the last six attributes.

    Attributes:
        name: the operator's name, without overload and without the final underscore of an in-place one.
        arguments: all arguments by their names in the operator's schema, defaults included.
        output: what the operator returned.
        paths_of: function from a tensor to the paths that lead from the image to it.
        padding_of: function from a tensor to the padding, by dimension, that a padding operator just added.
        func: the operator itself.
        may_need_values: whether this run is on the meta device, and another on real tensors is possible.
        is_view: whether the output is a view of the source.
        is_pointwise: whether torch tags the operator as pointwise: each unit reads one unit of each input.
        is_in_place: whether the output is the source, with other values.
        windows: the windows of a convolution or pooling, by the dimension along which they lie.
        groups: the groups of a convolution.
        padding: what a padding operator adds, by dimension.
        notes: remarks for the reader of the table.
        is_opaque: whether the operator has no rule, or none for its cost.
        followed: ids of the tensors that the rule has dealt with.
    """

    name: str
    arguments: dict[str, Any]
    output: Any
    paths_of: Callable[[Any], Paths]
    padding_of: Callable[[Any], dict[int, BeforeAfter]]
    func: Any = None
    may_need_values: bool = False
    is_view: bool = False
    is_pointwise: bool = False
    is_in_place: bool = False
    windows: dict[int, MapWindow] = field(default_factory=dict)
    groups: int | None = None
    padding: dict[int, BeforeAfter] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_opaque: bool = False
    followed: set[int] = field(default_factory=set)

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def source(self) -> Tensor:
        """The first argument, which is the tensor that most operators read."""
        tensor: Tensor = next(iter(self.arguments.values()))
        return tensor

    @property
    def result(self) -> Tensor:
        """The output, or the first of several."""
        tensor: Tensor = self.output if isinstance(self.output, Tensor) else self.output[0]
        return tensor

    def paths(self, tensor: Tensor) -> Paths:
        """The paths to a tensor, which then counts as followed."""
        self.followed.add(id(tensor))
        return self.paths_of(tensor)

    def ordered_paths(self, tensor: Tensor) -> Paths:
        """The paths to a tensor, in its own order, see `helpers.anatomy.paths.ordered`."""
        return ordered(self.paths(tensor), tensor.shape)

    def merged_paths(self, tensor: Tensor, dims: Sequence[int]) -> Paths:
        """The paths to a tensor after a reduction over some dimensions, which stay with length 1."""
        return merge(ordered(self.paths(tensor), tensor.shape, dims), dims)

    def value_of(self, tensor: Tensor) -> Tensor | None:
        """The values of a tensor that does not depend on the image, such as an index; None if unknown.

        Raises:
            NeedsValues: if they are unknown on the meta device only, and a run on real tensors is possible.
        """
        if self.paths_of(tensor):
            return None
        if tensor.is_meta and self.may_need_values:
            raise NeedsValues(f"{self.name} depends on the values of an index or a mask")
        return None if tensor.is_meta else tensor

    def map_source(self, change: Callable[[AxisFields], AxisFields]) -> Paths:
        """The paths to the source, with the fields along every axis changed."""
        return map_axes(self.ordered_paths(self.source), change)

    def dims(self, name: str = "dim") -> list[int]:
        """The dimensions that an argument names, none negative; all of the source's if it names none."""
        value, count = self.arguments[name], self.source.dim()
        if value is None or value == []:
            return list(range(count))
        chosen: Sequence[int] = [value] if isinstance(value, int) else value
        return [dim % max(1, count) for dim in chosen]


@dataclass(frozen=True)
class LayerOutput:
    """The tensor that a layer returned.

    Attributes:
        shape: its shape.
        paths: the paths from the image to it.
        new_bytes: bytes allocated for it; 0 for a view of the layer's input, or if it overwrites that input.
    """

    shape: tuple[int, ...]
    paths: Paths
    new_bytes: int


@dataclass(eq=False)
class ModuleCall:
    """One call of a module.

    Attributes:
        name: the module's name in the model; "" for the model itself.
        module: the module.
        inputs: the tensors that it was given.
        steps: the operators that its own `forward` called, not those of a module inside it.
        has_children: whether it called modules that read the image.
        ended: whether it returned.
        output: what it returned, the first tensor of several; None until it returned.
        notes: remarks for the reader of the table.
    """

    name: str
    module: nn.Module
    inputs: list[Tensor]
    steps: list["TracedStep"] = field(default_factory=list)
    has_children: bool = False
    ended: bool = False
    output: LayerOutput | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name of the module in tables and errors; for the model itself, its class."""
        return self.name or type(self.module).__name__


@dataclass(eq=False)
class TracedStep:
    """One call of an operator that computes something from the image, or that multiplies.

    Attributes:
        name: the operator's name.
        caller: the module call that it belongs to.
        output: what it returned.
        windows: those of a convolution or pooling, one for each axis of the image; empty for others.
        groups: the groups of a convolution.
        padding: what a padding operator adds along each axis of the image; empty for others.
        macs: multiply-accumulates; None if they are not known.
        notes: remarks for the reader of the table.
        parameters: number of elements of each parameter that no earlier step has read.
        shared: for each parameter that an earlier step has read, that step.
        merged: of a padding operator, whether the convolution or pooling after it shows the padding as its
            own.
        source: of a convolution or pooling, the tensor that its window slides over; else None.
    """

    name: str
    caller: ModuleCall
    output: LayerOutput
    windows: tuple[MapWindow, ...]
    groups: int | None
    padding: tuple[BeforeAfter, ...]
    macs: int | None
    notes: list[str]
    parameters: dict[str, int] = field(default_factory=dict)
    shared: dict[str, "TracedStep"] = field(default_factory=dict)
    merged: bool = False
    source: LayerOutput | None = None


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among the arguments or outputs of an operator, those in lists included."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def arguments_of(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an operator's call by their names in its schema, defaults included."""
    defaults = _defaults(func)
    return {**defaults, **dict(zip(defaults, args, strict=False)), **kwargs}


# Operators whose output has the shape and dtype of their operands, if these all agree.
_ELEMENTWISE = (
    "add celu div elu exp gelu hardsigmoid hardswish hardtanh leaky_relu mish mul neg relu selu sigmoid silu"
    " softplus sqrt sub tanh"
)
_KEEP_SHAPE = frozenset(_ELEMENTWISE.split())


def run_operator(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run an operator, with a shortcut for frequent ones on the meta device.

    Batch normalization and elementwise operators keep the shape of their input. On the meta device torch
    finds that out by a dozen operators in Python: half of the time of a residual network, and seconds for
    importing torch's compiler.
    """
    if not (args and isinstance(args[0], Tensor) and args[0].is_meta):
        return func(*args, **kwargs)
    image = args[0]
    if func is torch.ops.aten.native_batch_norm.default and not args[5]:  # not in training
        return torch.empty_like(image), image.new_empty(0), image.new_empty(0)
    if _is_in_place_activation(func):
        return image
    if func.overloadpacket.__name__ in _KEEP_SHAPE and image.is_floating_point() and not kwargs:
        alike = (image.shape, image.dtype, image.stride())
        if all((x.shape, x.dtype, x.stride()) == alike for x in args[1:] if isinstance(x, Tensor)):
            return torch.empty_like(image)
    return func(*args, **kwargs)


@cache
def _is_in_place_activation(func: Any) -> bool:
    """Whether an operator takes one tensor and changes each element of it in place, as `relu_` does."""
    arguments = [argument for argument in func._schema.arguments if "Tensor" in str(argument.type)]
    is_in_place = len(arguments) == 1 and arguments[0].is_write
    return is_in_place and torch.Tag.pointwise in func.tags


@cache
def _defaults(func: Any) -> dict[str, Any]:
    return {argument.name: argument.default_value for argument in func._schema.arguments}
