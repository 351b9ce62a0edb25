"""A layer in the code of six frameworks: text that was executed in each, see `tests/golden`."""

from typing import Literal, NamedTuple, get_args

from helpers.arithmetic.layer import Layer
from helpers.arithmetic.placing import pads, size_after, starts
from helpers.checks import choice, whole_number

Framework = Literal["pytorch", "keras", "tensorflow", "jax", "flax", "onnx"]

FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)

_SPOKEN = {  # the words for padding that its layers know
    "pytorch": (),
    "keras": ("same", "valid"),
    "tensorflow": ("same", "valid"),
    "jax": ("same", "same_lower", "valid"),
    "flax": ("same", "valid"),
    "onnx": (),
}
_IMAGE_AXES = {True: "(batch, channels, height, width)", False: "(batch, height, width, channels)"}


class Snippet(NamedTuple):
    """The lines for a layer in one framework.

    Attributes:
        code: lines that run. They read `x`, and `weight` where the framework takes the weight as an argument,
            and make `y`; those of ONNX make `node`, which does the same in a graph.
        image_axes: the order of the axes of `x` and `y`.
        weight_axes: the order of the axes of the weight; empty for a pooling.
    """

    code: str
    image_axes: str
    weight_axes: str


class _Axis(NamedTuple):
    """A layer and its channels, its padding in numbers, as the frameworks take it."""

    layer: Layer
    before: int
    after: int  # of a pooling with `ceil_mode`, as far as its last window hangs over
    extra: int  # what a transposed convolution adds at the end
    word: str  # "same", "same_lower" or "valid" if the framework says it so, else empty
    size: int | None
    inputs: int
    outputs: int

    @property
    def pair(self) -> str:
        """The padding of one axis."""
        return f"({self.before}, {self.after})"

    @property
    def pairs(self) -> str:
        """The padding of height and width."""
        return f"({self.pair}, {self.pair})"


def snippet(
    layer: Layer,
    framework: Framework,
    *,
    size: int | None = None,
    in_channels: int = 3,
    out_channels: int = 16,
) -> Snippet:
    """The lines for a layer on images in one framework, with the same setting along height and width.

    A pooling takes the maximum. Lines of every kind were executed in their framework, see `tests/golden`, and
    gave to the bit what the settings of the layer say.

    Args:
        layer: a convolution, a pooling or a transposed convolution.
        framework: "pytorch", "keras" (Keras 3), "tensorflow", "jax", "flax" (NNX) or "onnx".
        size: pixels of the input along each side; needed where the padding depends on it.
        in_channels: channels of the input.
        out_channels: filters.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the code depends on a `size` that is not given, or the framework lacks such a layer.

    >>> print(snippet(Layer(3, stride=2, padding="same"), "pytorch", size=28).code)
    import torch.nn.functional as F
    from torch import nn
    <BLANKLINE>
    layer = nn.Conv2d(3, 16, kernel_size=3, stride=2)
    y = layer(F.pad(x, (0, 1, 0, 1)))
    """
    if not isinstance(layer, Layer):
        raise TypeError(f"layer must be a Layer, got {layer!r}")
    choice("framework", framework, FRAMEWORKS)
    inputs = whole_number("in_channels", in_channels, at_least=1)
    outputs = whole_number("out_channels", out_channels, at_least=1)
    if size is not None:
        size = whole_number("size", size, at_least=1)
        size_after(size, layer)  # refuses what leaves nothing
    if layer.kind == "resize":
        raise ValueError("layer must be a convolution, pooling or transposed convolution, got a resize")
    _check_dilation(layer, framework)
    axis = _axis(layer, framework, size)._replace(inputs=inputs, outputs=outputs)
    if layer.kind == "pooling" and max(axis.before, axis.after) >= layer.reach:
        raise ValueError(
            f"layer must have no window of padding alone, got padding {axis.before, axis.after} "
            f"and windows of {layer.reach}: frameworks disagree on the maximum of nothing"
        )
    write = {
        "pytorch": _pytorch,
        "keras": _keras,
        "tensorflow": _tensorflow,
        "jax": _jax,
        "flax": _flax,
        "onnx": _onnx,
    }[framework]
    names = ("out", "in") if layer.kind == "convolution" else ("in", "out")
    is_first = framework in ("pytorch", "onnx")
    weight = f"({names[0]}, {names[1]}, height, width)"
    if not is_first:
        weight = f"(height, width, {names[1]}, {names[0]})"
    code = "\n".join(write(axis))
    return Snippet(code, _IMAGE_AXES[is_first], "" if layer.kind == "pooling" else weight)


def _check_dilation(layer: Layer, framework: Framework) -> None:
    """Refuse a dilation that the framework's layer does not take."""
    if layer.dilation == 1:
        return
    lacks = {
        "keras": layer.kind != "convolution" or layer.stride > 1,
        "tensorflow": layer.kind != "convolution",
        "flax": layer.kind == "pooling",
    }
    if lacks.get(framework):
        raise ValueError(
            f'layer must have dilation 1 for kind="{layer.kind}" with stride={layer.stride} in {framework}, '
            f"got {layer.dilation}"
        )


def _axis(layer: Layer, framework: Framework, size: int | None) -> _Axis:
    word: str = layer.padding if isinstance(layer.padding, str) else ""
    if word == "same" and layer.convention == "onnx-lower":
        word = "same_lower"
    if word not in _SPOKEN[framework] or layer.ceil_mode or layer.output_shape is not None:
        word = ""
    if layer.grows and framework != "keras":
        word = ""
    hangs = bool(layer.ceil_mode) and (framework != "pytorch" or layer.ceil_mode == "bare")
    moves = layer.padding == "same" and layer.stride > 1 and not layer.grows and not word
    shaped = layer.output_shape is not None or (layer.grows and framework == "tensorflow")
    if size is None and (hangs or moves or shaped):
        raise ValueError(f"size must be given, got None: the lines for {framework} depend on it here")
    before, after, extra = _sides(layer, size)
    if hangs and size is not None:
        after = max(after, starts(size, layer).stop - 1 + layer.reach - size)
    return _Axis(layer, before, after, extra, word, size, 1, 1)


def _sides(layer: Layer, size: int | None) -> tuple[int, int, int]:
    """Padding or crop (before, after), and what a transposed convolution adds at the end."""
    if size is None and isinstance(layer.padding, tuple):
        return *layer.padding, layer.output_padding
    size = size or 1  # where it is not given, it makes no difference
    before, after = pads(size, layer)
    if not layer.grows:
        return before, after, 0
    spread = (size - 1) * layer.stride + layer.reach
    return before, after, size_after(size, layer) + before + after - spread


def _arguments(**given: object) -> str:
    """Arguments of a call; those that are None are left out."""
    return ", ".join(f"{name}={value}" for name, value in given.items() if value is not None)


def _above_one(value: int) -> int | None:
    """A stride or dilation that a layer has to be told."""
    return value if value > 1 else None


def _pytorch(axis: _Axis) -> list[str]:
    layer = axis.layer
    crop = layer.kind == "transposed"
    least = min(axis.before, axis.after)
    is_inside = axis.before == axis.after and (layer.kind != "pooling" or least <= layer.kernel_size // 2)
    inner = least if crop or is_inside else 0
    unasked = layer.kernel_size if layer.kind == "pooling" else 1
    settings = _arguments(
        kernel_size=layer.kernel_size,
        stride=layer.stride if layer.stride != unasked else None,
        padding=inner or None,
        output_padding=max(0, axis.extra - axis.after + inner) or None if crop else None,
        dilation=_above_one(layer.dilation),
        ceil_mode=True if layer.ceil_mode is True else None,
    )
    name = {"convolution": "Conv2d", "pooling": "MaxPool2d", "transposed": "ConvTranspose2d"}[layer.kind]
    channels = "" if layer.kind == "pooling" else f"{axis.inputs}, {axis.outputs}, "
    line = f"layer = nn.{name}({channels}{settings})"
    if crop:
        front, tail = axis.before - inner, max(0, axis.after - inner - axis.extra)
        part = f"{front or ''}:{-tail or ''}"
        return ["from torch import nn", "", line, f"y = layer(x){f'[..., {part}, {part}]' * (part != ':')}"]
    if inner or not axis.before + axis.after:
        return ["from torch import nn", "", line, "y = layer(x)"]
    sides = f"({axis.before}, {axis.after}, {axis.before}, {axis.after})"
    fill = ', value=float("-inf")' if layer.kind == "pooling" else ""
    head = ["import torch.nn.functional as F", "from torch import nn", "", line]
    return [*head, f"y = layer(F.pad(x, {sides}{fill}))"]


def _keras(axis: _Axis) -> list[str]:
    layer, word = axis.layer, axis.word or "valid"
    lines = ["import keras", ""]
    read, made = "x", "layer(x)"
    if layer.kind == "pooling":
        settings = _arguments(
            pool_size=layer.kernel_size,
            strides=layer.stride if layer.stride != layer.kernel_size else None,
            padding=f'"{word}"',
        )
        lines.append(f"layer = keras.layers.MaxPooling2D({settings})")
    else:
        name = "Conv2D" if layer.kind == "convolution" else "Conv2DTranspose"
        settings = _arguments(
            kernel_size=layer.kernel_size,
            strides=_above_one(layer.stride),
            padding=f'"{word}"',
            dilation_rate=_above_one(layer.dilation),
        )
        lines.append(f"layer = keras.layers.{name}({axis.outputs}, {settings})")
    if axis.word:
        return [*lines, "y = layer(x)"]
    if layer.kind == "transposed":  # Keras's "valid" gives each input a stride of pixels, or more
        rest = axis.after - axis.extra + max(0, layer.stride - layer.reach)
        cut = (axis.before, max(0, rest))
        if any(cut):
            made = f"keras.layers.Cropping2D(({cut}, {cut}))({made})"
        if rest < 0:
            made = f"keras.layers.ZeroPadding2D(((0, {-rest}), (0, {-rest})))({made})"
    elif axis.before or axis.after:
        read = f"keras.layers.ZeroPadding2D({axis.pairs})(x)"
        if layer.kind == "pooling":
            fill = 'constant_values=float("-inf")'
            read = f"keras.ops.pad(x, ((0, 0), {axis.pair}, {axis.pair}, (0, 0)), {fill})"
        made = f"layer({read})"
    return [*lines, f"y = {made}"]


def _tensorflow(axis: _Axis) -> list[str]:
    layer = axis.layer
    padding = f'"{axis.word.upper()}"' if axis.word else f"((0, 0), {axis.pair}, {axis.pair}, (0, 0))"
    lines = ["import tensorflow as tf", ""]
    if layer.kind == "pooling":
        read = "x"
        if not axis.word and axis.before + axis.after:
            read = f'tf.pad(x, {padding}, constant_values=float("-inf"))'
        padding = padding if axis.word else '"VALID"'
        return [*lines, f"y = tf.nn.max_pool2d({read}, {layer.kernel_size}, {layer.stride}, {padding})"]
    if layer.kind == "convolution":
        settings = _arguments(strides=layer.stride, padding=padding, dilations=_above_one(layer.dilation))
        return [*lines, f"y = tf.nn.conv2d(x, weight, {settings})"]
    size = size_after(axis.size or 1, layer)
    shape = f"(len(x), {size}, {size}, {axis.outputs})"
    return [
        *lines,
        f"y = tf.nn.conv2d_transpose(x, weight, {shape}, strides={layer.stride}, padding={padding})",
    ]


def _jax(axis: _Axis) -> list[str]:
    layer = axis.layer
    stride, dilation = (f"({each}, {each})" for each in (layer.stride, layer.dilation))
    padding = f'"{axis.word.upper()}"' if axis.word else axis.pairs
    if layer.kind == "pooling":
        if not axis.word:
            padding = f"((0, 0), {axis.pair}, {axis.pair}, (0, 0))"
        sizes = f"(1, {layer.kernel_size}, {layer.kernel_size}, 1), (1, {layer.stride}, {layer.stride}, 1)"
        spread = f", window_dilation=(1, {layer.dilation}, {layer.dilation}, 1)" * (layer.dilation > 1)
        reduce = f'x, -float("inf"), lax.max, {sizes}, {padding}{spread}'
        return ["from jax import lax", "", f"y = lax.reduce_window({reduce})"]
    name, strides, last = "conv_general_dilated", f"window_strides={stride}", ""
    if layer.kind == "transposed":
        name, strides, last = "conv_transpose", f"strides={stride}", "    transpose_kernel=True,"
        padding = _dilated_sides(axis)
    return [
        "from jax import lax",
        "",
        f"y = lax.{name}(",
        "    x,",
        "    weight,",
        f"    {strides},",
        f"    padding={padding},",
        *[f"    rhs_dilation={dilation},"] * (layer.dilation > 1),
        '    dimension_numbers=("NHWC", "HWIO", "NHWC"),',
        *[last] * bool(last),
        ")",
    ]


def _flax(axis: _Axis) -> list[str]:
    layer = axis.layer
    kernel, stride, dilation = (
        f"({each}, {each})" for each in (layer.kernel_size, layer.stride, layer.dilation)
    )
    padding = f'"{axis.word.upper()}"' if axis.word else axis.pairs
    lines = ["from flax import nnx", ""]
    if layer.kind == "pooling":
        return [*lines, f"y = nnx.max_pool(x, {kernel}, strides={stride}, padding={padding})"]
    name, last = "Conv", []
    if layer.kind == "transposed":
        name, padding, last = "ConvTranspose", _dilated_sides(axis), ["    transpose_kernel=True,"]
    return [
        *lines,
        f"layer = nnx.{name}(",
        f"    {axis.inputs},",
        f"    {axis.outputs},",
        f"    kernel_size={kernel},",
        *[f"    strides={stride},"] * (layer.stride > 1),
        f"    padding={padding},",
        *[f"    kernel_dilation={dilation},"] * (layer.dilation > 1),
        *last,
        "    rngs=nnx.Rngs(0),",
        ")",
        "y = layer(x)",
    ]


def _onnx(axis: _Axis) -> list[str]:
    layer = axis.layer
    name = {"convolution": "Conv", "pooling": "MaxPool", "transposed": "ConvTranspose"}[layer.kind]
    pads_of_image = [axis.before, axis.before, axis.after, axis.after]
    return [
        "from onnx import helper",
        "",
        "node = helper.make_node(",
        f'    "{name}",',
        '    ["x"],' if layer.kind == "pooling" else '    ["x", "weight"],',
        '    ["y"],',
        f"    kernel_shape={[layer.kernel_size] * 2},",
        f"    strides={[layer.stride] * 2},",
        f"    pads={pads_of_image},",
        *[f"    dilations={[layer.dilation] * 2},"] * (layer.dilation > 1),
        *[f"    output_padding={[axis.extra] * 2},"] * (axis.extra > 0),
        ")",
    ]


def _dilated_sides(axis: _Axis) -> str:
    """What JAX pads the spread input with, so that its convolution is the transposed one."""
    last = axis.layer.reach - 1
    side = f"({last - axis.before}, {last - axis.after + axis.extra})"
    return f"({side}, {side})"
