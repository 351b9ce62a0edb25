"""A stack of layers: the receptive field of a unit, and the size of the map after each layer."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import log2
from typing import Any, Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Polygon
from matplotlib.ticker import MaxNLocator

from helpers.arithmetic import Layer, indices_read, network_unread, trace, unit_field
from helpers.checks import choice, whole_number
from helpers.plots.cells import (
    FIELD,
    JUMP,
    mark_padding_cells,
    mark_unread,
    mix,
    outline,
    squares,
    tick_indices,
)
from helpers.plots.picture import Panel
from helpers.plots.style import color, line, marker, points
from helpers.plots.words import counted, joined, plural, sentence

_MARKS = {"convolution": "o", "pooling": "s"}


class _Level(NamedTuple):
    """The input, or the output map of a layer."""

    name: str
    size: int
    spans: int  # input pixels that a unit spans
    first: float  # the center of what unit 0 spans, in input pixels
    jump: int | Fraction
    field: list[int]  # units that the traced one depends on
    padding: list[int]  # indices outside the map that it depends on, too

    def centers(self, units: Sequence[int]) -> list[float]:
        """Where units stand, in input pixels."""
        return [self.first + unit * self.jump for unit in units]


class Stage(NamedTuple):
    """One layer of a network: the size of its output map, and the settings behind it.

    Attributes:
        size: units along one axis of its output map.
        stride: cells from one window to the next.
        is_padded: whether its input is padded.
        type: the kind of layer.
    """

    size: int
    stride: int = 1
    is_padded: bool = True
    type: Literal["convolution", "pooling"] = "convolution"


def receptive_field_pyramid(
    size: int, layers: Sequence[Layer], *, unit: int | None = None, title: str = ""
) -> Panel:
    """Draw every map of a stack as a row of units, the input at the bottom, and what one unit depends on.

    A unit stands above the center of its receptive field, so that a stride shows as space between units. The
    distance from unit 0 to unit 1, the jump, is marked.

    Args:
        size: pixels of the input.
        layers: the layers, from the input on.
        unit: the unit of the last map whose field is traced; by default the middle one.
        title: the title above the panel.

    Raises:
        TypeError: if `size` is not an integer, or `layers` not a sequence of Layer.
        ValueError: if there is no layer, one shrinks the map below one pixel, or the unit does not exist.

    >>> receptive_field_pyramid(9, [Layer(3, name="conv"), Layer(2, stride=2, name="pool")], unit=0).alt
    'An input of nine pixels; conv makes seven units, pool makes three units (jump 2). Unit 0 of pool \
depends on units 0 and 1 of conv and pixels 0 to 3 of the input. No unit of pool depends on pixel 8.'
    """
    levels = _levels(size, layers, unit)
    lost = network_unread(size, layers)

    def draw(ax: Axes) -> None:
        pitch = max(2.0, size / 7)
        _draw_levels(ax, levels, pitch)
        mark_unread(ax, [(0, pixel) for pixel in lost])
        ends = [center for level in levels for center in level.centers([0, level.size - 1, *level.padding])]
        ax.set(aspect="equal", xlim=(min(ends) - 0.5, max(ends) + 0.5))
        ax.set(ylim=(-0.5, pitch * (len(levels) - 1) + 1), title=title)
        ax.spines[:].set_visible(False)
        ax.set_xticks(tick_indices(0, size))
        ax.set_yticks([pitch * row for row in range(len(levels))], [_label(level) for level in levels])
        ax.tick_params(length=0, pad=6)

    return Panel(draw, partial(_describe_field, levels, lost), title)


def _describe_field(levels: Sequence[_Level], lost: Sequence[int]) -> str:
    *below, top = levels
    jumps = {level.jump: f" (jump {level.jump})" for level in levels} | {1: ""}
    sizes = ", ".join(
        f"{level.name} makes {counted(level.size, 'unit')}{jumps[level.jump]}" for level in (*below[1:], top)
    )
    depends = []
    for level in reversed(below):
        noun, name = ("pixel", "the input") if level is below[0] else ("unit", level.name)
        if level.field:
            depends.append(f"{plural(noun, level.field)} of {name}")
        if level.padding:
            depends.append(f"padding beside {name}")
    told = f"Unit {top.field[0]} of {top.name} depends on {joined(depends)}."
    rest = f" No unit of {top.name} depends on {plural('pixel', lost)}." if lost else ""
    return f"An input of {counted(below[0].size, 'pixel')}; {sizes}. {told}{rest}"


def descent(size: int, stages: Sequence[Stage], *, title: str = "") -> Panel:
    """Draw the size of the map after each layer as a staircase, with a mark for each stride above 1.

    The scale is logarithmic: a stride of 2 is a step of one height, wherever it is.

    Args:
        size: pixels along one axis of the image.
        stages: the layers, in the order of execution.
        title: the title above the panel.

    Raises:
        TypeError: if a size or stride is not an integer.
        ValueError: if one is below 1, a type is unknown, or there is no layer.

    >>> pool = Stage(14, stride=2, is_padded=False, type="pooling")
    >>> descent(28, [Stage(28), pool, Stage(14)]).alt
    'Three layers. The map is 28 wide at first and 14 after layer 2, a strided pooling without padding.'
    """
    sizes = _sizes(size, stages)

    def draw(ax: Axes) -> None:
        _draw_stairs(ax, sizes, stages)
        ax.set_yscale("log", base=2)
        halvings = int(log2(size / min(sizes)))
        ax.set_yticks([size / 2**power for power in range(halvings + 1)])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        ax.set(xlabel="layers so far", ylabel="size of the map, cells", title=title)
        ax.grid(axis="y", color=color("line"), alpha=0.35, lw=points(1))

    def describe() -> str:
        told = [
            f"{after} after layer {layer}, a {_kind(stage)}"
            for layer, (stage, (before, after)) in enumerate(
                zip(stages, pairwise(sizes), strict=True), start=1
            )
            if after < before
        ]
        layers = sentence(counted(len(stages), "layer"))
        return f"{layers} The map is {joined([f'{size} wide at first', *told])}."

    return Panel(draw, describe, title)


def _levels(size: int, layers: Sequence[Layer], unit: int | None) -> list[_Level]:
    rows = trace(size, layers)
    if not rows:
        raise ValueError("layers must hold at least one layer, got none")
    sizes = [size, *(row.size for row in rows)]
    unit = sizes[-1] // 2 if unit is None else whole_number("unit", unit, at_least=0)
    if unit >= sizes[-1]:
        raise ValueError(f"unit must be below {sizes[-1]}, the number of units of the last map, got {unit}")
    levels = []
    reads = [unit]
    for depth in range(len(rows), 0, -1):
        row, layer, below = rows[depth - 1], layers[depth - 1], sizes[depth - 1]
        middle = float(unit_field(size, layers[:depth], 0).center)
        levels.append(
            _Level(row.name, row.size, row.receptive_field, middle, row.jump, *_split(reads, row.size))
        )
        windows = [indices_read(below, above, **layer.window) for above in levels[-1].field]
        reads = sorted({index for window in windows for index in window})
        if layer.grows:  # cropped or added pixels have no cells outside the map
            reads = [index for index in reads if 0 <= index < below]
    levels.append(_Level("input", size, 1, 0, 1, *_split(reads, size)))
    return levels[::-1]


def _split(indices: Sequence[int], size: int) -> tuple[list[int], list[int]]:
    """The indices inside a map, and those outside."""
    inside = [index for index in indices if 0 <= index < size]
    return inside, [index for index in indices if index not in inside]


def _draw_levels(ax: Axes, levels: Sequence[_Level], pitch: float) -> None:
    for row, level in enumerate(levels):
        if row:
            _draw_cone(ax, levels[row - 1], level, pitch * row, pitch)
        _draw_level(ax, level, pitch * row)
    (center,) = levels[-1].centers(levels[-1].field)
    traced = pitch * (len(levels) - 1), center
    ax.add_patch(PathPatch(squares([traced]), facecolor=mix("output", 0.7), zorder=3))
    outline(ax, traced)


def _draw_level(ax: Axes, level: _Level, height: float) -> None:
    rest = [unit for unit in range(level.size) if unit not in level.field]
    looks = (
        (rest, {"facecolor": color("paper"), "edgecolor": color("line"), "zorder": 1}),
        (
            level.field,
            {"facecolor": mix("window", 0.45), "edgecolor": color("ink"), "zorder": 2, "label": FIELD},
        ),
    )
    for units, look in looks:
        if units:
            cells = [(height, center) for center in level.centers(units)]
            ax.add_patch(PathPatch(squares(cells), lw=points(1), clip_on=False, **look))
    mark_padding_cells(ax, [(height, center) for center in level.centers(level.padding)])
    if level.jump != 1 and level.size > 1:
        bar: dict[str, Any] = {"marker": "|", "ms": points(7), "color": color("ink"), "lw": points(1.5)}
        ax.plot(level.centers([0, 1]), (height + 0.75, height + 0.75), label=JUMP, clip_on=False, **bar)


def _draw_cone(ax: Axes, below: _Level, above: _Level, height: float, pitch: float) -> None:
    """Shade the area between units and the units they depend on."""
    upper, lower = above.centers(above.field), below.centers([*below.field, *below.padding])
    corners = [
        (min(upper) - 0.5, height - 0.5),
        (max(upper) + 0.5, height - 0.5),
        (max(lower) + 0.5, height - pitch + 0.5),
        (min(lower) - 0.5, height - pitch + 0.5),
    ]
    ax.add_patch(Polygon(corners, facecolor=color("kernel"), zorder=0.5))


def _label(level: _Level) -> str:
    if level.name == "input":
        return level.name
    return f"{level.name}\nsees {level.spans}" + ("" if level.jump == 1 else f", jump {level.jump}")


def _draw_stairs(ax: Axes, sizes: Sequence[int], stages: Sequence[Stage]) -> None:
    for x, (before, after) in enumerate(pairwise(sizes), start=1):
        is_strided = stages[x - 1].stride > 1
        ax.plot([x - 1, x], [before, before], lw=points(2.5), **line(1))
        if before != after:
            ax.plot([x, x], [before, after], lw=points(2.5), **line(2 if is_strided else 1))
    for x, stage in enumerate(stages, start=1):
        if stage.stride > 1:
            look = marker(2, "same" if stage.is_padded else "valid", size=9)
            look |= {"marker": _MARKS[stage.type], "linestyle": "", "label": _kind(stage), "zorder": 3}
            ax.plot(x, stage.size, **look)


def _sizes(size: int, stages: Sequence[Stage]) -> list[int]:
    """The size of the image and of every map, checked."""
    if not stages:
        raise ValueError("stages must hold at least one layer, got none")
    for index, stage in enumerate(stages):
        whole_number(f"stages[{index}].stride", stage.stride, at_least=1)
        choice(f"stages[{index}].type", stage.type, _MARKS)
    maps = [
        whole_number(f"stages[{index}].size", stage.size, at_least=1) for index, stage in enumerate(stages)
    ]
    return [whole_number("size", size, at_least=1), *maps]


def _kind(stage: Stage) -> str:
    strided = "strided " if stage.stride > 1 else ""
    return f"{strided}{stage.type}{'' if stage.is_padded else ' without padding'}"
