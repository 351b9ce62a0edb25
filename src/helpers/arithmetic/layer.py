"""One convolution or pooling along one axis: its settings, checked once, and the padding that they mean."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Literal, Required, TypedDict, TypeVar, get_args

from helpers.checks import choice, number_pair, whole_number

NamedPadding = Literal["valid", "same", "full"]
Padding = int | tuple[int, int] | NamedPadding
Convention = Literal["tensorflow", "onnx-lower", "pytorch"]
Function = TypeVar("Function", bound=Callable[..., Any])


class Window(TypedDict, total=False):
    """The settings of a `Layer` as keywords, for every function of one axis: `coverage(28, **window)`."""

    kernel_size: Required[int]
    stride: int
    padding: Padding
    dilation: int
    convention: Convention


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or a pooling that floors, along one axis.

    Args:
        kernel_size: taps of the kernel.
        stride: input pixels from one window to the next.
        padding: pixels on each side, `(before, after)`, or "valid", "same", "full".
        dilation: input pixels from one tap to the next.
        convention: whose "same": "tensorflow" (also Keras, JAX, ONNX SAME_UPPER), "onnx-lower", "pytorch".
        name: what tables and errors call the layer.

    Raises:
        TypeError: if a number is not an integer, or a text not a string.
        ValueError: if a number is too small, a word unknown, or "same" strided in the PyTorch convention.

    >>> Layer(3, dilation=2).reach
    5
    """

    kernel_size: int
    stride: int = 1
    padding: Padding = 0
    dilation: int = 1
    convention: Convention = "tensorflow"
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("kernel_size", "stride", "dilation"):
            _set(self, field, whole_number(field, getattr(self, field), at_least=1))
        if isinstance(self.padding, str):
            choice("padding", self.padding, get_args(NamedPadding))
        else:
            _set(self, "padding", number_pair("padding", self.padding, at_least=0, order="(before, after)"))
        choice("convention", self.convention, get_args(Convention))
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, got {self.name!r}")
        if self.padding == "same" and self.convention == "pytorch" and self.stride != 1:
            raise ValueError(
                f'padding="same" with stride={self.stride} does not exist in the "pytorch" convention: '
                'use stride=1, numbers, or convention="tensorflow"'
            )

    @property
    def reach(self) -> int:
        """Pixels from the first tap of a window to its last, both included."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def window(self) -> Window:
        """All settings but the name, as keywords: `output_size(28, **layer.window)`."""
        return Window(
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            convention=self.convention,
        )


def lists_settings(function: Function) -> Function:
    """Let `help` and completion name the keywords that `**window` stands for."""
    own = signature(function)
    kept = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    settings = [
        each.replace(kind=Parameter.KEYWORD_ONLY)
        for each in signature(Layer).parameters.values()
        if each.name in Window.__annotations__
    ]
    order = sorted([*kept, *settings], key=lambda each: each.kind)
    function.__signature__ = own.replace(parameters=order)  # type: ignore[attr-defined]
    return function


def pads(size: int, layer: Layer) -> tuple[int, int]:
    """Pixels of padding (before, after) of a layer on an axis of checked size."""
    if isinstance(layer.padding, tuple):
        return layer.padding
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "full":
        return layer.reach - 1, layer.reach - 1
    last_start = (size - 1) // layer.stride * layer.stride  # "same" has ceil(size / stride) windows
    total = max(0, last_start + layer.reach - size)
    less, more = total // 2, total - total // 2
    return (more, less) if layer.convention == "onnx-lower" else (less, more)


def _set(layer: Layer, field: str, value: Any) -> None:
    object.__setattr__(layer, field, value)  # the dataclass is frozen for everyone but its own checks
