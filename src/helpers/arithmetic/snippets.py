"""A layer in the code of six frameworks: text that was executed in each, see `tests/golden`."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple, get_args

from helpers.arithmetic.layer import Layer
from helpers.arithmetic.placing import pads, size_after, starts
from helpers.checks import choice, number_pair, whole_number

Framework = Literal["pytorch", "keras", "tensorflow", "jax", "flax", "onnx"]

FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)


class Snippet(NamedTuple):
    """The lines for a layer in one framework.

    Attributes:
        code: lines that run. They read `x`, and `weight` if the framework takes the weight as an argument,
            and make `y`; those of ONNX make `node`, which does the same in a graph.
        image_axes: the order of the axes of `x` and `y`.
        weight_axes: the order of the axes of the weight; empty for a pooling.
    """

    code: str
    image_axes: str
    weight_axes: str


class _Axis(NamedTuple):
    """A layer along one axis, its padding in numbers, as the frameworks take it."""

    layer: Layer
    size: int | None
    before: int
    after: int  # of a pooling with `ceil_mode`, up to the end of its last window
    extra: int  # what a transposed convolution adds at the end


def snippet(
    layer: Layer | tuple[Layer, Layer],
    framework: Framework,
    *,
    size: int | tuple[int, int] | None = None,
    in_channels: int = 3,
    out_channels: int = 16,
) -> Snippet:
    """The lines for a layer on images in one framework.

    A pooling takes the maximum. Lines of every kind were executed in their framework and compared with the
    settings of the layer, see `tests/golden`.

    Args:
        layer: a convolution, a pooling or a transposed convolution; or two of one kind, (along the height,
            along the width).
        framework: "pytorch", "keras" (Keras 3), "tensorflow", "jax", "flax" (NNX) or "onnx".
        size: pixels of the input along each side, or (height, width); needed where the padding depends on it.
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
    layers = layer if isinstance(layer, tuple) else (layer, layer)
    if len(layers) != 2 or not all(isinstance(each, Layer) for each in layers):
        raise TypeError(f"layer must be a Layer, or two, got {layer!r}")
    choice("framework", framework, FRAMEWORKS)
    channels = {
        "inputs": whole_number("in_channels", in_channels, at_least=1),
        "outputs": whole_number("out_channels", out_channels, at_least=1),
    }
    sizes: Sequence[int | None] = (None, None)
    if size is not None:
        sizes = number_pair("size", size, at_least=1, order="(height, width)")
        for each, pixels in zip(layers, sizes, strict=True):
            size_after(pixels, each)  # refuses what leaves nothing
    kind = _kind(layers)
    _check_dilation(layers, framework)
    known = _known()[framework]
    word = _word(layers, framework)
    axes = [_axis(each, framework, pixels, word) for each, pixels in zip(layers, sizes, strict=True)]
    facts = _facts(axes, framework, word)
    lines = _filled(known["lines"][kind], facts | {name: (each, each) for name, each in channels.items()})
    return Snippet("\n".join(lines), known["image"], known["weight"][kind])


@cache
def _known() -> dict[str, Any]:
    """The lines of each framework, with placeholders and options; the explorers fill the same ones.

    `{stride}` is a number, or a tuple where rows and columns differ; `{stride.0}` is that of the rows;
    `<strided:...>` is left out where `strided` is zero.
    """
    text = (resources.files("helpers") / "snippets.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _filled(lines: Sequence[str], facts: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """The lines with their placeholders filled; lines that come out empty are dropped."""

    def number(hole: re.Match[str]) -> str:
        rows, columns = facts[hole[1]]
        if hole[2]:
            return str(facts[hole[1]][int(hole[2])])
        return str(rows) if rows == columns else f"({rows}, {columns})"

    filled = []
    for line in lines:
        kept = re.sub(r"<(\w+):([^>]*)>", lambda option: option[2] if any(facts[option[1]]) else "", line)
        if kept or not line:
            filled.append(re.sub(r"\{(\w+)(?:\.(\d))?\}", number, kept))
    return filled


def _kind(layers: Sequence[Layer]) -> str:
    """The kind of both layers."""
    kinds = {layer.kind for layer in layers}
    if "resize" in kinds:
        raise ValueError("layer must be a convolution, pooling or transposed convolution, got a resize")
    if len(kinds) > 1 or len({layer.ceil_mode for layer in layers}) > 1:
        raise ValueError(f"layer must be two of one kind and one ceil_mode, got {layers}")
    return kinds.pop()


def _check_dilation(layers: Sequence[Layer], framework: Framework) -> None:
    """Refuse a dilation that the framework's layer does not take."""
    kind, stride, dilation = (
        layers[0].kind,
        max(layer.stride for layer in layers),
        max(layer.dilation for layer in layers),
    )
    lacks = {
        "keras": kind != "convolution" or stride > 1,
        "tensorflow": kind != "convolution",
        "flax": kind == "pooling",
    }
    if dilation > 1 and lacks.get(framework):
        raise ValueError(
            f'layer must have dilation 1 for kind="{kind}" with stride={stride} in {framework}, '
            f"got {dilation}"
        )


def _word(layers: Sequence[Layer], framework: Framework) -> str:
    """The word for the padding, "same", "same_lower" or "valid", if the framework's layer takes it."""
    words = {_one_word(layer, framework) for layer in layers}
    return words.pop() if len(words) == 1 else ""


def _one_word(layer: Layer, framework: Framework) -> str:
    word: str = layer.padding if isinstance(layer.padding, str) else ""
    if word == "same" and layer.convention == "onnx-lower":
        word = "same_lower"
    is_other = layer.ceil_mode or layer.output_shape is not None or (layer.grows and framework != "keras")
    return word if word in _known()[framework]["words"] and not is_other else ""


def _axis(layer: Layer, framework: Framework, size: int | None, word: str) -> _Axis:
    hangs = bool(layer.ceil_mode) and (framework != "pytorch" or layer.ceil_mode == "bare")
    moves = layer.padding == "same" and layer.stride > 1 and not layer.grows and not word
    shaped = layer.output_shape is not None or (layer.grows and framework == "tensorflow")
    if size is None and (hangs or moves or shaped):
        raise ValueError(f"size must be given, got None: the lines for {framework} depend on it here")
    before, after, extra = _sides(layer, size)
    if hangs and size is not None:
        after = max(after, starts(size, layer).stop - 1 + layer.reach - size)
    if layer.kind == "pooling" and max(before, after) >= layer.reach:
        raise ValueError(
            f"layer must have no window of padding alone, got padding {before, after} "
            f"and windows of {layer.reach}: frameworks disagree on the maximum of nothing"
        )
    return _Axis(layer, size, before, after, extra)


def _sides(layer: Layer, size: int | None) -> tuple[int, int, int]:
    """Padding or crop (before, after), and what a transposed convolution adds at the end."""
    if size is None and isinstance(layer.padding, tuple):
        return *layer.padding, layer.output_padding
    size = size or 1  # any size gives the same padding here
    before, after = pads(size, layer)
    if not layer.grows:
        return before, after, 0
    spread = (size - 1) * layer.stride + layer.reach
    return before, after, size_after(size, layer) + before + after - spread


def _facts(axes: Sequence[_Axis], framework: Framework, word: str) -> dict[str, tuple[Any, Any]]:
    """The values for placeholders and options of the lines, along (height, width)."""
    first, second = (_axis_facts(axis, framework, word) for axis in axes)
    if framework == "pytorch" and not all(map(_is_inside, axes)):
        first["inner"] = second["inner"] = 0
    is_inner = first["inner"] or second["inner"]
    is_outer = any(axis.before or axis.after for axis in axes) and not (
        is_inner or word or axes[0].layer.grows
    )
    first["outer"] = second["outer"] = is_outer
    return {name: (first[name], second[name]) for name in first}


def _is_inside(axis: _Axis) -> bool:
    """Whether PyTorch's layer takes all of the padding, or a part of the crop."""
    layer = axis.layer
    is_even = axis.before == axis.after
    return layer.grows or (is_even and (layer.kind == "convolution" or axis.before <= layer.kernel_size // 2))


def _axis_facts(axis: _Axis, framework: Framework, word: str) -> dict[str, Any]:
    layer, before, after = axis.layer, axis.before, axis.after
    inner = min(before, after) if framework == "pytorch" else 0
    # Keras's "valid" gives each input a stride of pixels, or more.
    wider = max(0, layer.stride - layer.reach) if framework == "keras" else 0
    front, tail = before - inner, after - inner - axis.extra + wider
    if not layer.grows or word:
        front = tail = 0
    unasked = layer.kernel_size if layer.kind == "pooling" and framework in ("pytorch", "keras") else 1
    needs_size = layer.grows and framework == "tensorflow" and axis.size
    return {
        "kernel_size": layer.kernel_size,
        "stride": layer.stride,
        "strided": layer.stride != unasked,
        "dilation": layer.dilation,
        "dilated": layer.dilation > 1,
        "rounded": layer.ceil_mode is True,
        "before": before,
        "after": after,
        "inner": inner,
        "spoken": bool(word),
        "numbered": not word,
        "word": word or "valid",
        "WORD": (word or "valid").upper(),
        "grown": axis.extra if framework == "onnx" else max(0, -tail),
        "cut": front > 0 or tail > 0,
        "front": front,
        "tail": max(0, tail),
        "part": f"{front or ''}:{-tail if tail > 0 else ''}",
        "lead": layer.reach - 1 - before,
        "trail": layer.reach - 1 - after + axis.extra,
        "made": size_after(axis.size, layer) if needs_size and axis.size else 0,
    }
