"""Panels placed at the width they are shown: side by side in the column, below one another on a phone.

Panels of cells share one size of cell, so that a kernel looks as wide as the window it makes.
"""

from collections.abc import Sequence
from functools import partial
from math import ceil, inf
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.plots.cells import key_handles, numbers
from helpers.plots.picture import Panel, Picture, drawing, png
from helpers.plots.style import COLUMN, DPI, PHONE, style
from helpers.plots.words import capitalized

# All in CSS pixels.
_GAP = 24  # between panels
_BORDER = 8  # around the figure
_EDGE = 3  # around each panel, for outlines that are drawn on its border
_CELL = (32, 46)  # least and greatest width of a cell that holds a number
_MAP = (130, 330)  # the same for a whole map, whose cells hold none
_CHART = 330  # least width of a panel that is no grid
_ROW = (30, 90)  # least and greatest height of a row in a list of estimates
_LINE = 8  # free room between the numbers of neighboring cells


class _Sheet(NamedTuple):
    """A panel of cells: its size in cells, the margins around it, and the limits for the size of a cell."""

    ax: Axes
    columns: float
    rows: float
    left: float
    right: float
    top: float
    bottom: float
    least: float
    most: float


class _Box(NamedTuple):
    """Where a panel goes, from the figure's upper left corner."""

    ax: Axes
    left: float
    top: float
    width: float
    height: float


def figure(*panels: Panel, alt: str | None = None, caption: str | None = None, key: bool = True) -> Picture:
    """Draw the panels twice, for the page's column and for a phone, as one picture.

    Args:
        panels: the panels, such as `grid(image)` returns.
        alt: the text alternative of the figure; by default those of its panels, each after its title if there
            are several.
        caption: a line below the figure.
        key: whether to draw a legend below the panels.

    Raises:
        TypeError: if something else than a Panel is given, or `alt` is not a string.
        ValueError: if there is no panel, or `alt` is empty.
    """
    composed = compose(*panels, width=COLUMN, key=key)
    wide = drawing(composed)
    narrow = drawing(compose(*panels, width=PHONE, key=key)) if wide.width > PHONE else None
    return Picture(_words(panels) if alt is None else alt, wide, narrow, caption, partial(png, composed))


def _words(panels: Sequence[Panel]) -> str:
    if len(panels) == 1:
        return panels[0].alt
    titles = [capitalized(" ".join(panel.title.split())) for panel in panels]
    return " ".join(
        f"{title}: {panel.alt}" if title else panel.alt for title, panel in zip(titles, panels, strict=True)
    )


def compose(*panels: Panel, width: float = COLUMN, key: bool = True) -> Figure:
    """Draw the panels on one figure of at most `width` CSS pixels, as high as they need.

    Raises:
        TypeError: if something else than a Panel is given.
        ValueError: if there is no panel.
    """
    if not panels:
        raise ValueError("panels must hold at least one Panel, got none")
    for index, panel in enumerate(panels):
        if not isinstance(panel, Panel):
            raise TypeError(f"panels[{index}] must be a Panel, such as grid(image) returns, got {panel!r}")
    with mpl.rc_context(style()):
        figure = Figure(figsize=(width / DPI, width / DPI))
        FigureCanvasAgg(figure)  # it measures text
        axes = [figure.add_axes((0, 0, 1, 1), label=f"panel {index}") for index in range(len(panels))]
        for panel, ax in zip(panels, axes, strict=True):
            panel.draw(ax)
        are_cells = all(ax.get_aspect() == 1 for ax in axes)
        room = width - 2 * _BORDER
        boxes = _cells(axes, room) if are_cells else _charts(axes, room)
        _place(figure, boxes, room, key=key)
    return figure


def _cells(axes: Sequence[Axes], width: float) -> list[_Box]:
    cell = float(_CELL[1])
    for _ in range(2):  # the margins of a panel depend a little on its size, so measure twice
        sheets = [_measure(ax, cell) for ax in axes]
        rows, cell = _arrange(sheets, width)
    boxes, bottom = [], 0.0
    widest = max(_width(row, cell) for row in rows)
    for row in rows:
        left = (widest - _width(row, cell)) / 2
        middle = bottom + max(sheet.top + sheet.rows * cell / 2 for sheet in row)
        bottom = middle + max(sheet.rows * cell / 2 + sheet.bottom for sheet in row) + _GAP / 2
        for sheet in row:
            wide, high = sheet.columns * cell, sheet.rows * cell
            boxes.append(_Box(sheet.ax, left + sheet.left, middle - high / 2, wide, high))
            left += sheet.left + wide + sheet.right + _GAP
            _shrink_numbers(sheet.ax, cell)
    return boxes


def _measure(ax: Axes, cell: float) -> _Sheet:
    columns, rows = abs(ax.get_xlim()[1] - ax.get_xlim()[0]), abs(ax.get_ylim()[1] - ax.get_ylim()[0])
    left, right, top, bottom = _margins(ax, columns * cell, rows * cell)
    widths = [text.get_window_extent().width for text in numbers(ax)]
    least = max(_CELL[0], max(widths) + _LINE) if widths else _MAP[0] / columns
    most = max(_CELL[1], least) if widths else min(_CELL[1], _MAP[1] / min(columns, rows))
    return _Sheet(ax, columns, rows, left, right, top, bottom, least, most)


def _margins(ax: Axes, width: float, height: float) -> tuple[float, float, float, float]:
    """Pixels that ticks, labels and title take left, right, above and below axes of this size."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    whole_width, whole_height = figure.get_size_inches() * DPI
    ax.set_position((0, 0, width / whole_width, height / whole_height))
    ax.apply_aspect()
    inner, outer = ax.get_window_extent(), ax.get_tightbbox(for_layout_only=True)
    assert outer is not None
    around = (inner.x0 - outer.x0, outer.x1 - inner.x1, outer.y1 - inner.y1, inner.y0 - outer.y0)
    left, right, top, bottom = (max(side, _EDGE) for side in around)
    return left, right, top, bottom


def _arrange(sheets: Sequence[_Sheet], width: float) -> tuple[list[list[_Sheet]], float]:
    """The fewest rows of panels that leave the cells large enough, and the size of a cell in them."""
    least = max(sheet.least for sheet in sheets)
    most = max(least, min(sheet.most for sheet in sheets))
    for row_count in range(1, len(sheets) + 1):
        length = ceil(len(sheets) / row_count)
        rows = [list(sheets[start : start + length]) for start in range(0, len(sheets), length)]
        cell = min(most, *((width - _width(row, 0)) / sum(sheet.columns for sheet in row) for row in rows))
        if cell >= least and length > 1:
            return rows, cell
    rows = []
    for sheet in sheets:  # each row as full as it gets, at the size that the widest panel allows
        if rows and _width([*rows[-1], sheet], cell) <= width:
            rows[-1].append(sheet)
        else:
            rows.append([sheet])
    return rows, cell


def _width(row: Sequence[_Sheet], cell: float) -> float:
    return sum(sheet.left + sheet.columns * cell + sheet.right for sheet in row) + _GAP * (len(row) - 1)


def _shrink_numbers(ax: Axes, cell: float) -> None:
    """Reduce the font size if a cell is narrower than its number."""
    texts = numbers(ax)
    widest = max((text.get_window_extent().width for text in texts), default=0)
    if widest > cell - _LINE / 2:
        for text in texts:
            text.set_fontsize(float(text.get_fontsize()) * (cell - _LINE / 2) / widest)


def _charts(axes: Sequence[Axes], width: float) -> list[_Box]:
    length = max(1, min(len(axes), int((width + _GAP) // (_CHART + _GAP))))
    wide = (width - _GAP * (length - 1)) / length
    high = min(0.66 * wide, _CHART)
    margins = [_margins(ax, wide - 60, high) for ax in axes]
    lists = [_list_heights(ax) for ax in axes]
    around = [top + bottom for *_, top, bottom in margins]
    most = max(loose + edges for (_, loose), edges in zip(lists, around, strict=True))
    high = max(min(high, most), *(tight + edges for (tight, _), edges in zip(lists, around, strict=True)))
    boxes = []
    for index, (ax, (left, right, top, bottom)) in enumerate(zip(axes, margins, strict=True)):
        x, y = index % length * (wide + _GAP), index // length * (high + _GAP)
        boxes.append(_Box(ax, x + left, y + top, wide - left - right, high - top - bottom))
    return boxes


def _list_heights(ax: Axes) -> tuple[float, float]:
    """Limits for the height of a list, whose axis points down; (0, inf) for a chart, whose axis points up."""
    low, high = ax.get_ylim()
    if low <= high:
        return 0.0, inf
    names = [name.get_window_extent().height + _LINE / 2 for name in ax.get_yticklabels()]
    row = max(_ROW[0], *names)
    return row * (low - high), max(row, _ROW[1]) * (low - high)


def _place(figure: Figure, boxes: Sequence[_Box], room: float, *, key: bool) -> None:
    """Fit the figure to its panels and its legend, and put them in place."""
    margins = [_margins(box.ax, box.width, box.height) for box in boxes]
    right = max(box.left + box.width + margin[1] for box, margin in zip(boxes, margins, strict=True))
    bottom = max(box.top + box.height + margin[3] for box, margin in zip(boxes, margins, strict=True))
    key_width, key_height = _add_key(figure, room) if key else (0.0, 0.0)
    width, height = round(max(right, key_width) + 2 * _BORDER), ceil(bottom + key_height + 2 * _BORDER)
    shift = (width - right) / 2
    figure.set_size_inches(width / DPI, height / DPI)
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0.5, _BORDER / height), figure.transFigure)
    for (ax, left, top, wide, high), margin in zip(boxes, margins, strict=True):
        up = 1 - (_BORDER + top + high) / height
        ax.set_position(((left + shift) / width, up, wide / width, high / height))
        _keep_label_inside(ax, wide, margin[1])


def _keep_label_inside(ax: Axes, width: float, right: float) -> None:
    """Move the label of the horizontal axis to the left if it would leave the figure."""
    label = ax.xaxis.label
    beyond = label.get_window_extent().width / 2 - (width / 2 + right)
    label.set_x(0.5 - max(beyond, 0) / width)


def _add_key(figure: Figure, width: float) -> tuple[float, float]:
    """Draw the legend below the panels in as few lines as fit; return its width and height in pixels."""
    handles = key_handles([artist for ax in figure.axes for artist in ax.get_children()])
    if not handles:
        return 0.0, 0.0
    for columns in range(len(handles), 0, -1):
        figure.legends.clear()
        # Matplotlib fills a legend column by column; this one is read line by line.
        names = [name for column in range(columns) for name in list(handles)[column::columns]]
        marks = [handles[name] for name in names]
        legend = figure.legend(marks, names, loc="lower center", ncols=columns, borderaxespad=0)
        size = legend.get_window_extent()
        if size.width <= width:
            break
    return size.width, size.height + _GAP / 4
