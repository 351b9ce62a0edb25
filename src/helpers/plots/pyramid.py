"""A stack of layers on one axis, and the field of one unit traced down to the input."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Polygon

from helpers.arithmetic import Layer, network_unread, trace, window_starts
from helpers.checks import whole_number
from helpers.plots.cells import FIELD, mark_padding_cells, mark_unread, mix, outline, squares, tick_places
from helpers.plots.style import color, points
from helpers.plots.words import count, joined, plural


class _Level(NamedTuple):
    """The input, or the map that a layer puts out."""

    name: str
    size: int
    spans: int  # input pixels that a unit spans
    first: float  # the middle of what unit 0 spans, in input pixels
    jump: int
    field: list[int]  # units that the traced one depends on
    padding: list[int]  # places beside the map that it depends on too

    def centers(self, units: Sequence[int]) -> list[float]:
        """Where units stand, in input pixels."""
        return [self.first + unit * self.jump for unit in units]


def receptive_field_pyramid(
    ax: Axes, size: int, layers: Sequence[Layer], *, unit: int | None = None, title: str = ""
) -> Axes:
    """Draw every map of a stack as a row of units, the input at the bottom, and what one unit depends on.

    A unit stands above the middle of its receptive field, so that a stride shows as room between units.

    Args:
        ax: axes to draw on.
        size: pixels of the input.
        layers: the layers, from the input on.
        unit: the unit of the last map whose field is traced; by default the middle one.
        title: what stands above.

    Raises:
        TypeError: if `size` is not an integer, or `layers` not a sequence of Layer.
        ValueError: if there is no layer, one shrinks the map below one pixel, or the unit does not exist.
    """
    levels = _levels(size, layers, unit)
    pitch = max(2.0, size / 7)
    for place, level in enumerate(levels):
        if place:
            _draw_cone(ax, levels[place - 1], level, pitch * place, pitch)
        _draw_level(ax, level, pitch * place)
    (center,) = levels[-1].centers(levels[-1].field)
    selected = pitch * (len(levels) - 1), center
    ax.add_patch(PathPatch(squares([selected]), facecolor=mix("output", 0.7), zorder=3))
    outline(ax, selected)
    mark_unread(ax, [(0, pixel) for pixel in network_unread(size, layers)])
    ends = [center for level in levels for center in level.centers([0, level.size - 1, *level.padding])]
    ax.set(aspect="equal", xlim=(min(ends) - 0.5, max(ends) + 0.5))
    ax.set(ylim=(-0.5, pitch * (len(levels) - 1) + 0.5), title=title)
    ax.spines[:].set_visible(False)
    ax.set_xticks(tick_places(0, size))
    ax.set_yticks([pitch * place for place in range(len(levels))], [_label(level) for level in levels])
    ax.tick_params(length=0, pad=6)
    return ax


def describe_receptive_field(size: int, layers: Sequence[Layer], *, unit: int | None = None) -> str:
    """Say what `receptive_field_pyramid` draws; the arguments and errors are its own.

    >>> describe_receptive_field(9, [Layer(3, name="conv"), Layer(2, stride=2, name="pool")], unit=0)
    'An input of nine pixels; conv makes seven units, pool makes three units. Unit 0 of pool depends on \
units 0 and 1 of conv and pixels 0 to 3 of the input. No unit of pool depends on pixel 8.'
    """
    *below, top = _levels(size, layers, unit)
    sizes = ", ".join(f"{level.name} makes {count(level.size, 'unit')}" for level in (*below[1:], top))
    depends = []
    for level in reversed(below):
        noun, name = ("pixel", "the input") if level is below[0] else ("unit", level.name)
        if level.field:
            depends.append(f"{plural(noun, level.field)} of {name}")
        if level.padding:
            depends.append(f"padding beside {name}")
    told = f"Unit {top.field[0]} of {top.name} depends on {joined(depends)}."
    lost = network_unread(size, layers)
    rest = f" No unit of {top.name} depends on {plural('pixel', lost)}." if lost else ""
    return f"An input of {count(size, 'pixel')}; {sizes}. {told}{rest}"


def _levels(size: int, layers: Sequence[Layer], unit: int | None) -> list[_Level]:
    rows = trace(size, layers)
    if not rows:
        raise ValueError("layers must hold at least one layer, got none")
    sizes = [size, *(row.size for row in rows)]
    unit = sizes[-1] // 2 if unit is None else whole_number("unit", unit, at_least=0)
    if unit >= sizes[-1]:
        raise ValueError(f"unit={unit} does not exist: the last map has {sizes[-1]} units")
    levels = []
    reads = [unit]
    for row, layer, below in zip(reversed(rows), reversed(layers), reversed(sizes[:-1]), strict=True):
        middle = row.start + (row.receptive_field - 1) / 2
        levels.append(
            _Level(row.name, row.size, row.receptive_field, middle, row.jump, *_split(reads, row.size))
        )
        starts = window_starts(
            below,
            kernel_size=layer.kernel_size,
            stride=layer.stride,
            padding=layer.padding,
            dilation=layer.dilation,
            convention=layer.convention,
        )
        taps = range(0, layer.reach, layer.dilation)
        reads = sorted({starts[above] + tap for above in levels[-1].field for tap in taps})
    levels.append(_Level("input", size, 1, 0, 1, *_split(reads, size)))
    return levels[::-1]


def _split(places: Sequence[int], size: int) -> tuple[list[int], list[int]]:
    """Those inside a map, and those beside it."""
    inside = [place for place in places if 0 <= place < size]
    return inside, [place for place in places if place not in inside]


def _draw_level(ax: Axes, level: _Level, height: float) -> None:
    rest = [place for place in range(level.size) if place not in level.field]
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


def _draw_cone(ax: Axes, below: _Level, above: _Level, height: float, pitch: float) -> None:
    """Shade the room between the units that depend and the units they depend on."""
    upper, lower = above.centers(above.field), below.centers([*below.field, *below.padding])
    corners = [
        (min(upper) - 0.5, height - 0.5),
        (max(upper) + 0.5, height - 0.5),
        (max(lower) + 0.5, height - pitch + 0.5),
        (min(lower) - 0.5, height - pitch + 0.5),
    ]
    ax.add_patch(Polygon(corners, facecolor=color("kernel"), zorder=0.5))


def _label(level: _Level) -> str:
    return level.name if level.name == "input" else f"{level.name}\nsees {level.spans}"
