"""One call of a torch operator, as the rules see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from helpers.anatomy.axis import Axis
from helpers.anatomy.paths import Paths, each

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """The window of a convolution or pooling along one dimension of the map it reads.

    Attributes:
        kernel_size: taps of the kernel.
        stride: cells from one window to the next; in a transposed convolution, units put out for one read.
        padding: cells (before, after), those that a separate padding operator added included.
        dilation: cells from one tap to the next.
        size: cells of the map, padding excluded.
        units: windows.
        unread: cells of the map that no window reads.
        padding_unread: cells of padding (before, after) that no window reads.
        transposed: whether the stride makes the map larger.
    """

    kernel_size: int
    stride: int
    padding: Pair
    dilation: int
    size: int
    units: int
    unread: int
    padding_unread: Pair
    transposed: bool = False

    @property
    def reach(self) -> int:
        """Cells from the first tap to the last, both included."""
        return self.dilation * (self.kernel_size - 1) + 1


@dataclass
class Call:
    """A call of a torch operator: what went in and came out, and what its rule finds out about it.

    Attributes:
        name: the operator's name, without overload and without the underscore of an in-place one.
        arguments: every argument by its name in the operator's schema, defaults included.
        output: what the operator returned.
        paths_of: the paths of a tensor.
        pads_of: the padding (before, after) that a separate operator just added to a tensor, by dimension.
        is_view: whether the output is the source's memory, seen in another way.
        is_pointwise: whether torch says that each unit reads one unit of each input.
        overwrites: whether the output is the source, with other values.
        windows: the window along each dimension over which the operator moves one.
        groups: groups of channels that a convolution keeps apart.
        pads: the padding that this operator adds, by dimension.
        notes: what a reader of the table should know.
    """

    name: str
    arguments: dict[str, Any]
    output: Any
    paths_of: Callable[[Any], Paths]
    pads_of: Callable[[Any], dict[int, Pair]]
    is_view: bool = False
    is_pointwise: bool = False
    overwrites: bool = False
    windows: dict[int, Window] = field(default_factory=dict)
    groups: int | None = None
    pads: dict[int, Pair] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def source(self) -> Tensor:
        """The tensor that most operators work on: their first argument."""
        tensor: Tensor = next(iter(self.arguments.values()))
        return tensor

    @property
    def result(self) -> Tensor:
        """The output, or the first of several."""
        tensor: Tensor = self.output if isinstance(self.output, Tensor) else self.output[0]
        return tensor

    def settled(self, tensor: Tensor) -> Paths:
        """The paths of a tensor, with every dimension in a known order or mixed."""
        return each(self.paths_of(tensor), lambda axis: axis.settled(tensor.shape))

    def moved(self, function: Callable[[Axis], Axis]) -> Paths:
        """The source's paths, each axis replaced."""
        return each(self.settled(self.source), function)

    def dims(self, name: str = "dim") -> list[int]:
        """An argument that names dimensions of the source, counted from 0; all of them if it names none."""
        value, count = self.arguments[name], self.source.dim()
        if value is None or value == []:
            return list(range(count))
        chosen: Sequence[int] = [value] if isinstance(value, int) else value
        return [dim % max(1, count) for dim in chosen]
