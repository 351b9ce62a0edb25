"""One layer along one axis: the settings of a convolution, pooling, transposed convolution or resize."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Literal, Required, TypedDict, TypeVar, get_args

from helpers.checks import choice, number_pair, whole_number

LayerKind = Literal["convolution", "pooling", "transposed", "resize"]
NamedPadding = Literal["valid", "same", "full", "causal"]
Padding = int | tuple[int, int] | NamedPadding
Convention = Literal["tensorflow", "onnx-lower", "pytorch"]
CeilMode = bool | Literal["bare"]
Function = TypeVar("Function", bound=Callable[..., Any])


class _Default(int):
    """A default that can be told from an equal number that the caller passed."""


_BY_KIND = _Default(1)
LAYER_KINDS, _WORDS, _CONVENTIONS = get_args(LayerKind), get_args(NamedPadding), get_args(Convention)

_MOST_LAYERS = 1_000
_KINDS = {"conv": "convolution", "pool": "pooling", "up": "transposed", "resize": "resize"}
_START = re.compile(r"(conv|pool|up|resize)([0-9]{1,9})")
_SETTING = re.compile(
    r"(?P<ceil_mode>ceil)|s(?P<stride>[0-9]{1,9})|d(?P<dilation>[0-9]{1,9})|o(?P<output_padding>[0-9]{1,9})"
    r"|p(?P<padding>same_lower|same|valid|full|causal|[0-9]{1,9}(?:,[0-9]{1,9})?)"
)
_REPEAT = re.compile(r"\*([0-9]{1,9})$")


class Window(TypedDict, total=False):
    """The settings of a `Layer` as keywords, for every function of one axis: `coverage(28, **window)`."""

    kernel_size: Required[int]
    stride: int
    padding: Padding
    dilation: int
    convention: Convention
    kind: LayerKind | None
    ceil_mode: CeilMode
    output_padding: int
    output_shape: int | None


@dataclass(frozen=True, slots=True, init=False)
class Layer:
    """A convolution, pooling, transposed convolution or resize along one axis.

    A resize repeats each pixel `kernel_size` times (nearest neighbor, by a whole factor). Not covered are
    resizing by a fraction, to a smaller size, or by interpolation, pixel shuffle, and unpooling.

    Args:
        kernel_size: taps of the kernel; the factor of a resize.
        stride: input pixels from one window to the next; of a transposed convolution, output pixels. It is 1
            if not given; with kind="pooling" and "resize" it is then `kernel_size`, as in torch.
        padding: pixels on each side, `(before, after)`, or "valid", "same", "full", "causal". In a transposed
            convolution it crops the output, and may be numbers, "valid" or "same".
        dilation: pixels from one tap to the next.
        convention: the framework that "same" follows: "tensorflow" (also Keras, JAX, ONNX SAME_UPPER),
            "onnx-lower" or "pytorch".
        name: what tables and errors call the layer.
        kind: "convolution", "pooling", "transposed" or "resize"; a convolution if not given, or a pooling
            with `ceil_mode`.
        ceil_mode: of a pooling, whether the output size is rounded up, so that the last window may end
            outside. True is torch's rule: that window must start in the input or in the padding before it.
            "bare" rounds up without that rule, as OpenVINO's `rounding_type="ceil"` does.
        output_padding: of a transposed convolution, pixels added at the end of its output.
        output_shape: of a transposed convolution, the size of its output along this axis, as in ONNX,
            TensorFlow and the `output_size` of torch's `forward`.

    Raises:
        TypeError: if a number is not an integer, or a text not a string.
        ValueError: if a number is out of range, if a word is unknown, or if the kind or the convention does
            not have a setting that was passed.

    Source: Dumoulin & Visin 2016; the operators of TensorFlow, Keras, ONNX and torch for their words.

    >>> Layer(3, dilation=2).reach
    5
    >>> Layer(2, kind="pooling").stride
    2
    """

    kernel_size: int
    stride: int
    padding: Padding
    dilation: int
    convention: Convention
    name: str
    kind: LayerKind
    ceil_mode: CeilMode
    output_padding: int
    output_shape: int | None

    def __init__(
        self,
        kernel_size: int,
        stride: int = _BY_KIND,
        padding: Padding = 0,
        dilation: int = 1,
        convention: Convention = "tensorflow",
        name: str = "",
        *,
        kind: LayerKind | None = None,
        ceil_mode: CeilMode = False,
        output_padding: int = 0,
        output_shape: int | None = None,
    ) -> None:
        put = object.__setattr__  # the dataclass is frozen for everyone but its own checks
        put(self, "kernel_size", whole_number("kernel_size", kernel_size, at_least=1))
        if stride is _BY_KIND:
            stride = self.kernel_size if kind in ("pooling", "resize") else 1
        put(self, "stride", whole_number("stride", stride, at_least=1))
        put(self, "dilation", whole_number("dilation", dilation, at_least=1))
        put(self, "padding", _checked_padding(padding))
        choice("convention", convention, _CONVENTIONS)
        put(self, "convention", convention)
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        put(self, "name", name)
        _check_ceil_mode(ceil_mode)
        if kind is None:
            kind = "pooling" if ceil_mode else "convolution"
        choice("kind", kind, LAYER_KINDS)
        put(self, "kind", kind)
        put(self, "ceil_mode", ceil_mode)
        put(self, "output_padding", whole_number("output_padding", output_padding, at_least=0))
        if output_shape is not None:
            output_shape = whole_number("output_shape", output_shape, at_least=1)
        put(self, "output_shape", output_shape)
        if isinstance(padding, str):
            _check_word(self, padding)
        _check_kind(self)

    @property
    def reach(self) -> int:
        """The effective kernel size: pixels from the first tap of a window to its last, both included."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def grows(self) -> bool:
        """Whether its windows lie on the output, as those of a transposed convolution or a resize do."""
        return self.kind in ("transposed", "resize")

    @property
    def window(self) -> Window:
        """All settings but the name, as keyword arguments: `output_size(28, **layer.window)`."""
        return Window(
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            convention=self.convention,
            kind=self.kind,
            ceil_mode=self.ceil_mode,
            output_padding=self.output_padding,
            output_shape=self.output_shape,
        )


def lists_settings(function: Function) -> Function:
    """Decorator that lets `help` and completion show the keywords that `**window` stands for."""
    own = signature(function)
    kept = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    settings = [
        each.replace(kind=Parameter.KEYWORD_ONLY)
        for each in signature(Layer).parameters.values()
        if each.name in Window.__annotations__
    ]
    function.__signature__ = own.replace(parameters=[*kept, *settings])  # type: ignore[attr-defined]
    return function


def parse_stack(stack: str) -> list[Layer]:
    """The layers of a short text, such as `conv3s2p1 pool2 up4s2p1`.

    A layer is `conv`, `pool`, `up` (transposed) or `resize` and its kernel size; then, in any order, `s` for
    stride, `p` for padding (`p1`, `p0,1`, `psame`, `psame_lower`, `pvalid`, `pfull`, `pcausal`), `d` for
    dilation, `o` for output padding, `ceil`; in the end `*3` for three of them. Its text becomes its name.

    Raises:
        TypeError: if it is no text.
        ValueError: if the text does not parse; the message says where.

    >>> [(layer.kind, layer.kernel_size, layer.stride) for layer in parse_stack("conv3s2p1 pool2")]
    [('convolution', 3, 2), ('pooling', 2, 2)]
    """
    if not isinstance(stack, str):
        raise TypeError(f"stack must be a string, got {stack!r}")
    layers: list[Layer] = []
    for word in re.finditer(r"\S+", stack):
        layer, repeats = _parse_layer(word[0], word.start() + 1)
        if len(layers) + repeats > _MOST_LAYERS:
            raise _unparsed(word[0], word.start() + 1, f"there may be at most {_MOST_LAYERS:,} layers")
        layers += [layer] * repeats
    if not layers:
        raise ValueError(f"stack must hold a layer such as conv3s2p1, got {stack[:40]!r}")
    return layers


def _checked_padding(value: Any) -> Padding:
    """Return a word as it is, and numbers as a pair."""
    if isinstance(value, str):
        choice("padding", value, _WORDS)
        return value  # type: ignore[return-value]
    return number_pair("padding", value, at_least=0, order="(before, after)")


def _check_ceil_mode(value: Any) -> None:
    if not isinstance(value, bool) and value != "bare":
        raise TypeError(f'ceil_mode must be True or False, or "bare", got {value!r}')


def _check_kind(layer: Layer) -> None:
    """Refuse what the kind does not have."""
    if layer.ceil_mode and layer.kind != "pooling":
        raise ValueError(
            f'ceil_mode must be False for kind="{layer.kind}", got {layer.ceil_mode!r}: only a pooling has it'
        )
    if layer.kind == "transposed":
        _check_output(layer)
        return
    for name, value in (("output_padding", layer.output_padding), ("output_shape", layer.output_shape)):
        if value:
            raise ValueError(
                f'{name} must be left out for kind="{layer.kind}", got {value}: '
                "only a transposed convolution has it"
            )
    if layer.kind == "resize":
        rules: dict[str, Any] = {"stride": layer.kernel_size, "dilation": 1, "padding": (0, 0)}
        for name, rule in rules.items():
            if getattr(layer, name) != rule:
                raise ValueError(
                    f'{name} must be {rule} for kind="resize", got {getattr(layer, name)}: leave it out'
                )


def _check_output(layer: Layer) -> None:
    """Refuse an output of a transposed convolution that no framework makes."""
    extra, limit = layer.output_padding, max(layer.stride, layer.dilation)
    if extra >= limit:
        raise ValueError(
            f"output_padding must be below {limit}, the larger of stride and dilation, got {extra}"
        )
    if extra and (layer.output_shape is not None or isinstance(layer.padding, str)):
        other = "output_shape" if layer.output_shape is not None else f'padding="{layer.padding}"'
        raise ValueError(f"output_padding must be 0 with {other}, which sets the size, got {extra}")


def _check_word(layer: Layer, word: str) -> None:
    """Refuse a word that the owner of the convention does not know for this kind of layer."""
    strided = word == "same" and layer.stride != 1
    if layer.kind == "resize":
        raise ValueError(f'padding must be 0 for kind="resize", got {word!r}: leave it out')
    if layer.kind == "transposed":
        if layer.convention == "pytorch":
            raise ValueError(
                'padding must be numbers for kind="transposed" in the "pytorch" convention, '
                f'got {word!r}: use numbers, or convention="tensorflow"'
            )
        if word not in ("valid", "same"):
            raise ValueError(
                f'padding must be "valid", "same" or numbers for kind="transposed", got {word!r}'
            )
    elif word == "causal" and (layer.kind != "convolution" or layer.convention != "tensorflow"):
        raise ValueError(
            'padding="causal" must belong to a convolution in the "tensorflow" convention, got '
            f'kind="{layer.kind}" in the "{layer.convention}" convention: use padding=({layer.reach - 1}, 0)'
        )
    elif strided and layer.convention == "pytorch":
        raise ValueError(
            f'padding="same" must have stride=1 in the "pytorch" convention, got stride={layer.stride}: '
            'use numbers, or convention="tensorflow"'
        )


def _parse_layer(word: str, place: int) -> tuple[Layer, int]:
    """A layer and how often it is repeated."""
    repeat = _REPEAT.search(word)
    body = word[: repeat.start()] if repeat else word
    start = _START.match(body)
    if start is None:
        raise _unparsed(word, place, "a layer starts with conv, pool, up or resize and its kernel size")
    given: dict[str, Any] = {}
    end = start.end()
    while end < len(body):
        found = _SETTING.match(body, end)
        name = found.lastgroup if found else None
        if found is None or name is None:
            raise _unparsed(word, place + end, "a setting is such as s2, p1, p0,1, psame, d2, o1 or ceil")
        if name in given:
            raise _unparsed(word, place + end, f"{name} is there twice")
        given[name] = _read_setting(name, found[name])
        end = found.end()
    if given.get("padding") == "same_lower":
        given |= {"padding": "same", "convention": "onnx-lower"}
    repeats = int(repeat[1]) if repeat else 1
    if not repeats:
        raise _unparsed(word, place, "a layer is there at least once")
    try:
        return Layer(int(start[2]), name=body, kind=_KINDS[start[1]], **given), repeats  # type: ignore[arg-type]
    except ValueError as error:
        raise _unparsed(word, place, str(error)) from None


def _read_setting(name: str, text: str) -> Any:
    if name == "ceil_mode":
        return True
    if "," in text:
        first, last = text.split(",")
        return int(first), int(last)
    return int(text) if text.isdigit() else text


def _unparsed(word: str, place: int, rule: str) -> ValueError:
    shown = word if len(word) <= 40 else f"{word[:40]}..."
    return ValueError(f"stack must be layers such as conv3s2p1, got {shown!r} at character {place}: {rule}")


AxisSetting = int | tuple[int, int]
AxisPadding = Padding | tuple[Padding, Padding]


def axis_windows(
    kernel_size: AxisSetting,
    *,
    stride: AxisSetting = 1,
    padding: AxisPadding = 0,
    dilation: AxisSetting = 1,
    convention: Convention = "tensorflow",
) -> tuple[Window, Window]:
    """The window along the height and the window along the width of an image.

    A setting is one value for both axes, or a pair with one for each: `padding=(1, 2)` adds one row above and
    below and two columns left and right, as in torch; uneven padding is `((top, bottom), (left, right))`.
    The values themselves are checked by the function that is called with the window.

    Raises:
        ValueError: if a pair does not hold two values.

    >>> from helpers.arithmetic import output_size
    >>> [output_size(28, **window) for window in axis_windows(3, stride=(1, 2), padding="same")]
    [28, 14]
    """
    rows, columns = (
        Window(kernel_size=k, stride=s, padding=p, dilation=d, convention=convention)
        for k, s, p, d in zip(
            _pair("kernel_size", kernel_size),
            _pair("stride", stride),
            _pair("padding", padding),
            _pair("dilation", dilation),
            strict=True,
        )
    )
    return rows, columns


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple):
        return value, value
    if len(value) != 2:
        raise ValueError(f"{name} must be one value or two, (rows, columns), got {value!r}")
    return value
