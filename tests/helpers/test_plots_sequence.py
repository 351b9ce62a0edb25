"""The map and its sequence: drawn as the layer reads it, told in words as drawn."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plots
from helpers.models import MapToSequence
from helpers.plots.cells import WINDOW
from helpers.plots.words import counted, listed, spelled

few = settings(max_examples=40)


def drawn(shape, **options):
    return plots.sequence_strip(shape, **options).on(Figure().add_subplot())


def read(shape, order):
    """The cells of a map in the order in which the layer reads them; by columns, it reads the map turned."""
    places = torch.stack(torch.meshgrid(*map(torch.arange, shape), indexing="ij"))[None]  # (1, 2, H, W)
    turned = places if order == "rows" else places.transpose(2, 3)
    return [tuple(cell) for cell in MapToSequence()(turned)[0].tolist()]


@st.composite
def windows(draw):
    """A map, an order, and a window on the map."""
    spans = []
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    for size in shape:
        first = draw(st.integers(0, size - 1))
        spans.append(range(first, draw(st.integers(first + 1, size))))
    return shape, draw(st.sampled_from(["rows", "columns"])), tuple(spans)


@given(windows())
@few
def test_cells_hold_the_number_of_the_step_at_which_the_layer_reads_them(case):
    (height, width), order, _ = case
    ax = drawn((height, width), order=order)
    written = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in ax.texts}
    left = min(x for y, x in written if y == 0)
    for step, (row, column) in enumerate(read((height, width), order)):
        assert written.pop((row, left + column)) == str(step)
    assert written == {(height + 1, step): str(step) for step in range(height * width)}


@given(windows())
@few
def test_a_window_is_outlined_in_the_map_and_where_its_steps_are(case):
    (height, width), order, (rows, columns) = case
    ax = drawn((height, width), order=order, window=(rows, columns))
    in_map, *in_strip = [patch.get_bbox() for patch in ax.patches if patch.get_label() == WINDOW]
    assert (in_map.y0 + 0.5, in_map.height, in_map.width) == (rows[0], len(rows), len(columns))
    left = min(text.get_position()[0] for text in ax.texts if text.get_position()[1] == 0)
    assert in_map.x0 + 0.5 == left + columns[0]
    assert {box.y0 + 0.5 for box in in_strip} == {height + 1}
    outlined = [step for box in in_strip for step in range(round(box.x0 + 0.5), round(box.x1 + 0.5))]
    cells = read((height, width), order)
    assert outlined == [step for step, (row, column) in enumerate(cells) if row in rows and column in columns]


@given(windows())
@few
def test_the_words_name_the_steps_and_how_far_they_reach(case):
    shape, order, (rows, columns) = case
    text = plots.sequence_strip(shape, order=order, window=(rows, columns)).alt
    cells = read(shape, order)
    covered = [step for step, (row, column) in enumerate(cells) if row in rows and column in columns]
    assert re.search(rf"covers steps? {listed(covered)}:", text)
    assert f"read {order[:-1]} by {order[:-1]}" in text
    stretch = covered[-1] - covered[0] + 1
    assert f": {spelled(len(covered))} of the {counted(stretch, 'step')} from" in text


def test_without_a_window_nothing_is_outlined():
    assert (
        plots.sequence_strip((2, 3)).alt
        == "A map of two rows and three columns, read row by row in six steps."
    )
    assert [patch for patch in drawn((2, 3)).patches if patch.get_label() == WINDOW] == []


def test_it_is_legible_on_a_phone():
    for width in (plots.COLUMN, plots.PHONE):
        figure = plots.compose(plots.sequence_strip((4, 4)), width=width)
        figure.canvas.draw()
        (ax,) = figure.axes
        cell = ax.get_window_extent().width / 16
        least = float(plots.color("small_text_size").removesuffix("px")) * 0.75  # in points
        assert all(text.get_fontsize() >= least - 1e-6 for text in ax.texts)
        assert max(text.get_window_extent().width for text in ax.texts) <= cell - 1


@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((0, 4), {}, ValueError, "height"),
        ((4, 2.0), {}, TypeError, "width"),
        ((4, 4), {"order": "snake"}, ValueError, "order must be one of 'rows', 'columns', got 'snake'"),
        (
            (4, 4),
            {"window": (range(0), range(2))},
            ValueError,
            "window's rows must be a range within 0 to 3",
        ),
        ((4, 4), {"window": (range(2), range(3, 5))}, ValueError, "window's columns must be"),
        ((4, 4), {"window": (range(-1, 2), range(2))}, ValueError, "window's rows must be"),
        ((4, 4), {"window": (range(2), range(0, 4, 2))}, ValueError, "window's columns must be"),
    ],
)
def test_bad_input_is_named(shape, options, error, message):
    with pytest.raises(error, match=message):
        plots.sequence_strip(shape, **options)
