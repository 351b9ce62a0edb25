"""How the map of a network gets smaller, layer by layer."""

from collections.abc import Sequence
from itertools import pairwise
from math import log2
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.checks import whole_number
from helpers.plots.looks import line, marker
from helpers.plots.style import color, points
from helpers.plots.words import count, joined, sentence

_MARKS = {"convolution": "o", "pooling": "s"}


class Stage(NamedTuple):
    """One layer, as far as its map goes.

    Attributes:
        size: units along one axis of the map it puts out.
        stride: cells from one window to the next.
        is_padded: whether its input is padded.
        type: what it is.
    """

    size: int
    stride: int = 1
    is_padded: bool = True
    type: Literal["convolution", "pooling"] = "convolution"


def descent(ax: Axes, size: int, stages: Sequence[Stage], *, title: str = "") -> Axes:
    """Draw the size of the map after each layer as a staircase, with a mark for each stride above 1.

    The scale is logarithmic: a stride of 2 is a step of one height, wherever it is.

    Args:
        ax: axes to draw on.
        size: pixels along one axis of the image.
        stages: the layers, in the order of execution.
        title: what stands above.

    Raises:
        TypeError: if a size or stride is not an integer.
        ValueError: if one is below 1, a type is unknown, or there is no layer.
    """
    sizes = _sizes(size, stages)
    for place, (before, after) in enumerate(pairwise(sizes), start=1):
        is_strided = stages[place - 1].stride > 1
        ax.plot([place - 1, place], [before, before], lw=points(2.5), **line(1))
        if before != after:
            ax.plot([place, place], [before, after], lw=points(2.5), **line(2 if is_strided else 1))
    for place, stage in enumerate(stages, start=1):
        if stage.stride > 1:
            look = marker(2, "same" if stage.is_padded else "valid", size=9)
            look |= {"marker": _MARKS[stage.type], "linestyle": "", "label": _kind(stage), "zorder": 3}
            ax.plot(place, stage.size, **look)
    ax.set_yscale("log", base=2)
    halvings = int(log2(size / min(sizes)))
    ax.set_yticks([size / 2**power for power in range(halvings + 1)])
    ax.minorticks_off()
    ax.yaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set(xlabel="layers so far", ylabel="size of the map, cells", title=title)
    ax.grid(axis="y", color=color("line"), alpha=0.35, lw=points(1))
    return ax


def describe_descent(size: int, stages: Sequence[Stage]) -> str:
    """Say what `descent` draws; the arguments and errors are its own.

    >>> pool = Stage(14, stride=2, is_padded=False, type="pooling")
    >>> describe_descent(28, [Stage(28), pool, Stage(14)])
    'Three layers. The map is 28 wide at first and 14 after layer 2, a strided pooling without padding.'
    """
    sizes = _sizes(size, stages)
    told = [
        f"{after} after layer {place}, a {_kind(stage)}"
        for place, (stage, (before, after)) in enumerate(zip(stages, pairwise(sizes), strict=True), start=1)
        if after < before
    ]
    layers = sentence(count(len(stages), "layer"))
    return f"{layers} The map is {joined([f'{size} wide at first', *told])}."


def _sizes(size: int, stages: Sequence[Stage]) -> list[int]:
    """The size of the image and of every map, checked."""
    if not stages:
        raise ValueError("stages must hold at least one layer, got none")
    for place, stage in enumerate(stages):
        whole_number(f"stages[{place}].stride", stage.stride, at_least=1)
        if stage.type not in _MARKS:
            raise ValueError(f"stages[{place}].type must be one of {', '.join(_MARKS)}, got {stage.type!r}")
    maps = [
        whole_number(f"stages[{place}].size", stage.size, at_least=1) for place, stage in enumerate(stages)
    ]
    return [whole_number("size", size, at_least=1), *maps]


def _kind(stage: Stage) -> str:
    strided = "strided " if stage.stride > 1 else ""
    return f"{strided}{stage.type}{'' if stage.is_padded else ' without padding'}"
