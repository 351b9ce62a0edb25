"""The solver explorer: which settings make one size of another, and which sizes a stack of layers takes."""

import html
from math import prod
from typing import Any, get_args

from traitlets import Bool, Bunch, Dict, Enum, TraitError, TraitType, validate

from helpers.arithmetic import (
    Layer,
    LayerKind,
    Solutions,
    StackSizes,
    dense_features,
    parse_stack,
    solve,
    stack_sizes,
)
from helpers.widgets.base import BookWidget
from helpers.widgets.traits import PerAxis, WholeNumber

MOST_SOLVED = 20_000  # settings that are tried
_MOST_STEPS = 100_000  # of one layer over one size
_MOST_STACKED = 100  # layers
_MOST_TEXT = 400
_MOST_OF_A_WINDOW = 1024
_MOST_GROWTH = 65_536  # times that a stack may grow a map
_BOUNDS = ("size", "output", "kernel_size", "stride", "padding", "dilation", "output_padding")
_MODES = ("kind", "ceil_mode")


class BoundTrait(PerAxis):
    """One number, two for the first and the last of a range, or None where any will do."""

    rule = "a whole number from {0.low} to {0.high}, two, (first, last), or nothing"

    def __init__(self, default: Any, *, low: int, high: int, free: tuple[int, int] | None = None) -> None:
        super().__init__(default, low=low, high=high)
        self.free = free

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the bound, a range in order."""
        if value is None:
            return None
        checked = super().validate(obj, value)
        if isinstance(checked, tuple) and checked[0] > checked[1]:
            raise TraitError(f"{self.name} must be (first, last) in this order, got {value!r}")
        return checked

    def tried(self, value: Any) -> Any:
        """The bound as `solve` takes it."""
        value = self.free if value is None else value
        return range(value[0], value[1] + 1) if isinstance(value, tuple) else value


class SpanTrait(BoundTrait):
    """The first and the last of a range."""

    rule = "two whole numbers from {0.low} to {0.high}, (first, last)"

    def validate(self, obj: Any, value: Any) -> Any:
        """Return the span, in order."""
        checked = None if value is None else super().validate(obj, value)
        if not isinstance(checked, tuple):
            raise TraitError(f"{self.name} must be {self.rule.format(self)}, got {value!r}")
        return checked


class StackText(TraitType[str, Any]):
    """Layers as a short text, such as `conv3s2p1 pool2`, which `parse_stack` reads."""

    def validate(self, obj: Any, value: Any) -> str:
        """Return the text, provided that the explorer can draw its layers."""
        if not isinstance(value, str) or len(value) > _MOST_TEXT:
            raise TraitError(f"{self.name} must be text of up to {_MOST_TEXT} characters, got {value!r}")
        try:
            layers = parse_stack(value)
        except ValueError as error:
            raise TraitError(str(error)) from None
        if len(layers) > _MOST_STACKED:
            raise TraitError(f"{self.name} must hold at most {_MOST_STACKED} layers, got {len(layers)}")
        for layer in layers:
            if max(_numbers_of(layer)) > _MOST_OF_A_WINDOW:
                raise TraitError(
                    f"{self.name} must have no number above {_MOST_OF_A_WINDOW}, got {layer.name}"
                )
        if prod(layer.stride for layer in layers if layer.grows) > _MOST_GROWTH:
            raise TraitError(f"{self.name} must grow a map at most {_MOST_GROWTH:,} times, got more")
        return value


_ANY = dict.fromkeys(_BOUNDS) | {"kind": "convolution", "ceil_mode": False, "dilation": 1}


def _layer(**fixed: Any) -> dict[str, Any]:
    """Return a preset, which sets every trait of its question."""
    return {"question": "layer", **_ANY, **fixed}


def _stack(stack: str, input_size: int, channels: int, sizes: tuple[int, int] = (1, 64)) -> dict[str, Any]:
    numbers = {"input_size": input_size, "channels": channels, "sizes": sizes}
    return {"question": "stack", "stack": stack, **numbers}


# What the explorer offers by name.
SOLVER_EXAMPLES = {
    "28 to 14": _layer(size=28, output=14, stride=2),
    "keep 28": _layer(size=28, output=28, stride=1),
    "keep 28 with an even kernel": _layer(size=28, output=28, kernel_size=4, stride=1),
    "keep 28 with dilation": _layer(size=28, output=28, stride=1, dilation=(1, 4), kernel_size=(2, 11)),
    "which sizes become 14": _layer(output=14, kernel_size=3, stride=2, padding=1),
    "7 back to 14": _layer(kind="transposed", size=7, output=14, stride=2, kernel_size=(2, 5)),
    "pool 112 to 56": _layer(kind="pooling", size=112, output=56, stride=2, kernel_size=(2, 3)),
    "a small network": _stack("conv3p1 pool2 conv3p1 pool2 conv3", 28, 64),
    "a kernel larger than its map": _stack("conv5 pool2 conv5 pool2 conv5", 28, 120),
    "the stem of ResNet": _stack("conv7s2p3 pool3s2p1", 224, 64, (1, 256)),
    "down and up again": _stack(
        "conv3p1 pool2 conv3p1 pool2 conv3p1 up2s2 conv3p1 up2s2 conv3p1", 100, 1, (1, 128)
    ),
}


class SolverExplorer(BookWidget, module="solver_explorer"):
    """Arithmetic run backwards: fix what is known, and get the rest.

    For one layer, each of its numbers is fixed, bounded by a range (first, last), or None where any will do.
    For a stack, its layers are a short text.

        explorer.output = 13, 15

    Attributes:
        question: "layer", for the settings of one layer, or "stack", for the sizes that several take.
        kind: "convolution", "pooling" or "transposed".
        size: pixels of the input; any are 1 to 256.
        output: pixels of the output.
        kernel_size: taps of the kernel; any are 1 to 11.
        stride: pixels from one window to the next; any are 1 to 8.
        padding: pixels on each side; any are 0 to 5.
        dilation: pixels from one tap to the next; any are 1 to 4.
        output_padding: of a transposed convolution, pixels added at the end.
        ceil_mode: of a pooling, whether a last window may hang over the end.
        stack: the layers, as `helpers.arithmetic.parse_stack` reads them.
        sizes: the first and the last size of an image that is tried on the stack.
        input_size: pixels along each axis of the image whose way through the stack is shown.
        channels: channels of the last map.

    Raises:
        TraitError: for a value out of range, a text that does not parse, or more than 20,000 settings.

    >>> found = SolverExplorer(size=28, output=14, stride=2, padding=1).solutions.fit
    >>> [each.layer.kernel_size for each in found]
    [4, 3]
    """

    question = Enum(["layer", "stack"], "layer").tag(sync=True)
    kind = Enum(get_args(LayerKind)[:3], "convolution").tag(sync=True)
    size = BoundTrait(28, low=1, high=65_536, free=(1, 256)).tag(sync=True)
    output = BoundTrait(14, low=1, high=65_536).tag(sync=True)
    kernel_size = BoundTrait(None, low=1, high=1024, free=(1, 11)).tag(sync=True)
    stride = BoundTrait(2, low=1, high=1024, free=(1, 8)).tag(sync=True)
    padding = BoundTrait(None, low=0, high=1024, free=(0, 5)).tag(sync=True)
    dilation = BoundTrait(1, low=1, high=1024, free=(1, 4)).tag(sync=True)
    output_padding = BoundTrait(None, low=0, high=1023).tag(sync=True)
    ceil_mode = Bool(False).tag(sync=True)
    stack = StackText("conv3p1 pool2 conv3p1 pool2 conv3").tag(sync=True)
    sizes = SpanTrait((1, 64), low=1, high=65_536).tag(sync=True)
    input_size = WholeNumber(28, low=1, high=65_536).tag(sync=True)
    channels = WholeNumber(64, low=1, high=65_536).tag(sync=True)
    examples = Dict(SOLVER_EXAMPLES, read_only=True).tag(sync=True)  # what the reader can pick by name

    @property
    def solutions(self) -> Solutions:
        """What `helpers.arithmetic.solve` finds within the bounds."""
        bounds = self._bounds({name: getattr(self, name) for name in (*_BOUNDS, *_MODES)})
        return solve(**bounds)

    @property
    def stack_sizes(self) -> StackSizes:
        """The smallest image that the stack takes, those of `sizes`, and those that lose no pixel."""
        first, last = self.sizes
        return stack_sizes(parse_stack(self.stack), range(first, last + 1))

    @property
    def features(self) -> int:
        """The number for the first dense layer behind the stack.

        Raises:
            ValueError: if the stack does not take an image of `input_size`; the message names the layer.
        """
        return dense_features(self.input_size, parse_stack(self.stack), channels=self.channels)

    def fallback(self) -> str:
        """The first settings that fit, or the sizes that the stack takes."""
        script = "With JavaScript, this is an explorer in which every number can be fixed or left open."
        if self.question == "stack":
            told = (
                f"The smallest image that {self.stack} takes has {self.stack_sizes.smallest} pixels a side."
            )
            return f"<p>{html.escape(told)} {script}</p>"
        found = self.solutions
        names = ("size", "output", "kernel size", "stride", "padding", "pixels unread")
        rows = [
            (each.size, each.output, layer.kernel_size, layer.stride, layer.padding, each.unread)
            for each in (found.fit or found.nearest)[:8]
            for layer in (each.layer,)
        ]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        head = "".join(f"<th>{name}</th>" for name in names)
        count = (
            f"{len(found.fit)} settings fit." if found.fit else "No setting fits; the nearest do not quite."
        )
        return f"<p>{count} {script}</p><table><tr>{head}</tr>{body}</table>"

    def _bounds(self, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of `solve`; what the kind of layer does not have is left out."""
        traits: Any = self.traits()
        bounds = {name: traits[name].tried(given[name]) for name in _BOUNDS}
        if given["kind"] != "transposed":
            bounds["output_padding"] = None
        return bounds | {
            "kind": given["kind"],
            "ceil_mode": given["ceil_mode"] and given["kind"] == "pooling",
        }

    @validate(*_BOUNDS, *_MODES)
    def _check_count(self, proposal: Bunch) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        given = {each: getattr(self, each) for each in (*_BOUNDS, *_MODES)} | {name: value}
        bounds = self._bounds(given)
        if given["kind"] == "transposed" and given["output_padding"] is None:
            bounds["output_padding"] = range(max(map(_last, (bounds["stride"], bounds["dilation"]))))
        counts = {each: _length(bounds[each]) for each in _BOUNDS}
        count = 2 * prod(counts.values())
        if count > MOST_SOLVED:
            widest = max(counts, key=lambda each: counts[each])
            raise TraitError(
                f"{widest} must be bounded so that at most {MOST_SOLVED:,} settings are tried, "
                f"got {count:,}: fix a number or narrow a range"
            )
        return value

    @validate("stack", "sizes")
    def _check_steps(self, proposal: Bunch) -> Any:
        given = {"stack": self.stack, "sizes": self.sizes} | {proposal["trait"].name: proposal["value"]}
        first, last = given["sizes"]
        steps = (last - first + 1) * len(parse_stack(given["stack"]))
        if steps > _MOST_STEPS:
            raise TraitError(
                f"sizes must be so few that at most {_MOST_STEPS:,} layers are walked, "
                f"got {steps:,}: narrow them"
            )
        return proposal["value"]


def _last(bound: Any) -> int:
    return max(bound) if isinstance(bound, range) else bound


def _length(bound: Any) -> int:
    return len(bound) if isinstance(bound, range) else 1


def _numbers_of(layer: Layer) -> list[int]:
    sides = layer.padding if isinstance(layer.padding, tuple) else (0,)
    return [layer.kernel_size, layer.stride, layer.dilation, layer.output_padding, *sides]
