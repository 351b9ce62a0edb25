"""A map, and the sequence that is read from it below: what an order does to neighbors."""

from typing import Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from numpy.typing import NDArray

from helpers.checks import whole_number
from helpers.plots.cells import WINDOW, mark_window, squares, write
from helpers.plots.style import color, points
from helpers.plots.words import count, plural, spelled

Order = Literal["rows", "columns"]
Window = tuple[range, range]
"""The rows and the columns that a window covers."""

_GAP = 1  # between the map and its sequence, in cells


def sequence_strip(
    ax: Axes, shape: tuple[int, int], *, order: Order = "rows", window: Window | None = None, title: str = ""
) -> Axes:
    """Draw a map whose cells hold the number of their step, and the steps in a row below it.

    Args:
        ax: axes to draw on.
        shape: height and width of the map.
        order: whether the map is read row by row or column by column.
        window: the rows and the columns of a window, outlined in the map and step by step below.
        title: what stands above.

    Raises:
        TypeError: if height or width is not an integer.
        ValueError: if one is below 1, the order is another, or the window is empty or leaves the map.
    """
    steps = _steps(shape, order)
    covered = _covered(steps, window)
    height, width = steps.shape
    left, strip = (steps.size - width) // 2, height + _GAP
    cells = {(row, left + column): int(step) for (row, column), step in np.ndenumerate(steps)}
    cells |= {(strip, step): step for step in range(steps.size)}
    ax.add_patch(PathPatch(squares(cells), fc=color("paper"), ec=color("line"), lw=points(1), clip_on=False))
    for cell, step in cells.items():
        write(ax, cell, str(step))
    if window:
        rows, columns = window
        mark_window(ax, rows, range(left + columns.start, left + columns.stop))
    for run in _runs(covered):
        mark_window(ax, range(strip, strip + 1), run)
    ax.set(aspect="equal", xlim=(-0.5, steps.size - 0.5), ylim=(strip + 0.5, -0.5), title=title)
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[])
    return ax


def describe_sequence(shape: tuple[int, int], *, order: Order = "rows", window: Window | None = None) -> str:
    """Say what `sequence_strip` draws; the arguments and errors are its own.

    >>> describe_sequence((4, 4), window=(range(1, 3), range(2)))
    'A map of four rows and four columns, read row by row in 16 steps. A window on rows 1 and 2 and columns \
0 and 1 covers steps 4, 5, 8 and 9: four of the six steps from its first to its last.'
    """
    steps = _steps(shape, order)
    covered = _covered(steps, window)
    height, width = steps.shape
    told = f"A map of {count(height, 'row')} and {count(width, 'column')}, read {_READ[order]} in "
    told += f"{count(steps.size, 'step')}."
    if window is None:
        return told
    rows, columns = (plural(noun, places) for noun, places in zip(("row", "column"), window, strict=True))
    stretch = covered[-1] - covered[0] + 1
    return (
        f"{told} A {WINDOW} on {rows} and {columns} covers {plural('step', covered)}: "
        f"{spelled(len(covered))} of the {count(stretch, 'step')} from its first to its last."
    )


_READ: dict[Order, str] = {"rows": "row by row", "columns": "column by column"}


def _steps(shape: tuple[int, int], order: Order) -> NDArray[np.int64]:
    """The number of each cell's step, (H, W)."""
    height, width = (
        whole_number(name, n, at_least=1) for name, n in zip(("height", "width"), shape, strict=True)
    )
    if order not in get_args(Order):
        raise ValueError(f"order must be one of {', '.join(map(repr, get_args(Order)))}, got {order!r}")
    if order == "rows":
        return np.arange(height * width).reshape(height, width)
    return np.arange(height * width).reshape(width, height).T


def _covered(steps: NDArray[np.int64], window: Window | None) -> list[int]:
    """The steps of a window's cells, in order."""
    if window is None:
        return []
    for name, span, size in zip(("rows", "columns"), window, steps.shape, strict=True):
        if not span or span.step != 1 or span.start < 0 or span.stop > size:
            raise ValueError(f"the window's {name} must be a range within 0 to {size - 1}, got {span}")
    return sorted(steps[np.ix_(*window)].ravel().tolist())


def _runs(steps: list[int]) -> list[range]:
    """The stretches without a gap."""
    breaks = np.flatnonzero(np.diff(steps) > 1) + 1
    return [range(run[0], run[-1] + 1) for run in np.split(np.array(steps), breaks) if run.size]
