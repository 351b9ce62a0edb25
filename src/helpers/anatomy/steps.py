"""What a run of a model leaves behind: calls of modules, and the operators that they called."""

from dataclasses import dataclass, field

from torch import Tensor, nn

from helpers.anatomy.call import Pair, Window
from helpers.anatomy.paths import Paths


@dataclass(frozen=True)
class Result:
    """A tensor that a layer put out.

    Attributes:
        shape: its shape.
        paths: its ways from the input.
        new_bytes: memory it takes; of what a layer shows, 0 for a view or what overwrites its input.
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
        inputs: the tensors it was given.
        steps: the operators that it called itself, rather than the modules it called.
        has_children: whether it called modules that read the input.
        ended: whether it ran to its end.
        result: its output, or the first tensor in it; None while it runs.
        notes: what a reader of the table should know.
    """

    name: str
    module: nn.Module
    inputs: list[Tensor]
    steps: list["Step"] = field(default_factory=list)
    has_children: bool = False
    ended: bool = False
    result: Result | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What tables and errors call the module."""
        return self.name or type(self.module).__name__


@dataclass(eq=False)
class Step:
    """An operator that computes from the input, or that multiplies.

    Attributes:
        name: the operator's name.
        caller: the module call it belongs to.
        result: what it put out.
        windows: the window along each axis of the image; empty if it moves none.
        groups: groups of channels that a convolution keeps apart.
        padding: what it adds along each axis of the image as padding; empty if nothing.
        macs: multiply-accumulates.
        notes: what a reader of the table should know.
        parameters: the parameters that it is the first to read, and how many numbers each holds.
        shared: the parameters that an earlier step has read too, and that step.
        folded: whether a window has taken its padding for its own.
    """

    name: str
    caller: ModuleCall
    result: Result
    windows: tuple[Window, ...]
    groups: int | None
    padding: tuple[Pair, ...]
    macs: int
    notes: list[str]
    parameters: dict[str, int] = field(default_factory=dict)
    shared: dict[str, "Step"] = field(default_factory=dict)
    folded: bool = False
