"""What the figures draw, artist by artist; test_plots_words.py reads what their text alternatives say."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from helpers import plots
from helpers.arithmetic import (
    Layer,
    coverage,
    network_unread,
    output_size,
    unread,
    window_starts,
)
from helpers.plots.cells import NUMBER, PADDING, PUBLISHED, UNREAD, UNUSED, WINDOW, mix
from helpers.plots.grids import BLUES, GRAYS

few = settings(max_examples=20)
IMAGE = np.arange(25).reshape(5, 5)
KERNEL = [[1, 0, -1]] * 3
NETWORK = [Layer(3, stride=2), Layer(2, stride=2), Layer(3)]


def axes():
    return Figure().add_subplot()


def labeled(ax, label):
    return [artist for artist in ax.get_children() if artist.get_label() == label]


def cells_of(patch):
    """Row and column of every square in a path of squares."""
    return [(round(-y - 0.5) * -1, round(x + 0.5)) for x, y in patch.get_path().vertices[::5]]


def hatched(ax):
    return [cell for patch in labeled(ax, UNREAD) for cell in cells_of(patch)]


def written(ax):
    return {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in ax.texts}


@st.composite
def axis_settings(draw):
    """A size, and the setting of a layer that fits on it."""
    kernel_size, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    pads = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    least = max(1, dilation * (kernel_size - 1) + 1 - sum(pads))
    size = draw(st.integers(least, least + 9))
    window = {
        "kernel_size": kernel_size,
        "stride": draw(st.integers(1, 5)),
        "padding": pads,
        "dilation": dilation,
    }
    return size, window


DRAWINGS = {
    "grid": plots.grid(IMAGE),
    "kernel_grid": plots.kernel_grid(KERNEL),
    "output_grid": plots.output_grid(IMAGE, selected=(1, 2)),
    "mark_unread": lambda ax: plots.mark_unread(ax, [(0, 0)]),
    "mark_window": lambda ax: plots.mark_window(ax, range(3), range(1, 4)),
    "outline": lambda ax: plots.outline(ax, (0, 0)),
    "line_windows": plots.line_windows(10, kernel_size=3, stride=2),
    "coverage_map": plots.coverage_map((1, 2, 1)),
    "reading_map": plots.reading_map((5, 5), rows=(4,)),
    "phase_map": plots.phase_map(6),
    "receptive_field_pyramid": plots.receptive_field_pyramid(28, NETWORK),
    "curves": plots.curves([plots.Curve("ours", [1, 2])], ylabel="loss"),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_what_draws_on_axes_returns_them(draw):
    ax = axes()
    assert (draw.on(ax) if isinstance(draw, plots.Panel) else draw(ax)) is ax


def test_cells_hold_their_numbers_up_to_twelve_by_twelve():
    ax = plots.grid([[1, -2.5], [0.333, 1234.5]]).on(axes())
    assert written(ax) == {(0, 0): "1", (0, 1): "−2.5", (1, 0): "0.33", (1, 1): "1234"}
    assert len(plots.grid(np.ones((12, 12))).on(axes()).texts) == 144
    assert len(plots.grid(np.ones((12, 13))).on(axes()).texts) == 0


def test_a_kernel_shows_its_signs():
    assert list(written(plots.kernel_grid([[1, 0, -0.5]]).on(axes())).values()) == ["+1", "0", "−0.5"]


@pytest.mark.parametrize("draw", [plots.grid, plots.output_grid])
@pytest.mark.parametrize("side", [5, 20])
def test_the_higher_the_value_the_darker_the_cell(draw, side):
    ax = draw(np.arange(side**2).reshape(side, side)).on(axes())
    (image,) = ax.images
    shades = image.to_rgba(image.get_array())[..., :3].mean(axis=-1).ravel()
    assert (np.diff(shades) <= 0).all()
    assert shades[0] - shades[-1] > 0.3


def test_limits_make_shades_comparable():
    narrow, wide = (plots.grid(IMAGE, limits=limits).on(axes()).images[0] for limits in (None, (0, 100)))
    assert narrow.norm(24) == 1
    assert wide.norm(24) == pytest.approx(0.24)


@given(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2))
@few
def test_padding_stands_around_the_pixels_in_italics(pads):
    padded = np.pad(np.full((3, 4), 7), pads)
    ax = plots.grid(padded, pads=pads).on(axes())
    inside = {(row, column) for row in range(3) for column in range(4)}
    texts = {(text.get_position()[1], text.get_position()[0]): text for text in ax.texts}
    assert {cell for cell, text in texts.items() if text.get_style() == "italic"} == set(texts) - inside
    assert len(texts) == padded.size
    assert all(texts[cell].get_text() == "7" for cell in inside)
    assert len(labeled(ax, PADDING)) == (padded.size > 12)
    (top, bottom), (left, right) = pads
    assert ax.get_xlim() == (-left - 0.5, 3.5 + right)
    assert ax.get_ylim() == (2.5 + bottom, -top - 0.5)


@given(axis_settings(), axis_settings())
@few
def test_what_no_window_reads_is_hatched_if_a_pixel_and_dashed_if_padding(tall, wide):
    reads, lost = [], []
    for size, window in (tall, wide):
        before, after = window["padding"]
        line = torch.ones(1, 1, before + size + after, requires_grad=True)
        kernel = torch.ones(1, 1, window["kernel_size"])
        F.conv1d(line, kernel, stride=window["stride"], dilation=window["dilation"]).sum().backward()
        reads.append(line.grad[0, 0].numpy())
        lost.append((np.flatnonzero(reads[-1] == 0) - before).tolist())
    pads = tall[1]["padding"], wide[1]["padding"]
    ax = plots.grid(np.ones((len(reads[0]), len(reads[1]))), pads=pads, unread=tuple(lost)).on(axes())
    never = {(row - pads[0][0], column - pads[1][0]) for row, column in np.argwhere(np.outer(*reads) == 0)}
    pixels = set(product(range(tall[0]), range(wide[0])))
    assert set(hatched(ax)) == never & pixels
    dashes = [dash for patch in labeled(ax, UNUSED) for dash in patch.get_path().vertices[::2]]
    assert {(round(y), round(x + 0.3)) for x, y in dashes} == never - pixels
    assert len(dashes) == len(never - pixels)


def test_only_values_that_differ_are_crossed():
    ax = plots.output_grid([[1.0, 2.0]], published=[[1.0, 2.5]]).on(axes())
    assert [text.get_text() for text in labeled(ax, PUBLISHED)] == ["×2.5"]
    assert [text.get_text() for text in labeled(ax, NUMBER)] == ["1", "2"]


def test_the_selected_cell_is_outlined():
    (outline,) = [
        patch for patch in plots.output_grid(IMAGE, selected=(1, 3)).on(axes()).patches if patch.get_lw() > 2
    ]
    assert outline.get_xy() == (2.5, 0.5)
    assert outline.get_width() == outline.get_height() == 1


def test_a_number_on_a_hatch_stands_on_white():
    ax = plots.mark_unread(plots.grid(IMAGE).on(axes()), [(0, 1)])
    grounds = {text.get_text(): text.get_bbox_patch() for text in ax.texts if text.get_bbox_patch()}
    assert list(grounds) == ["1"]
    assert to_hex(grounds["1"].get_facecolor()) == plots.color("paper")


def test_a_window_is_outlined_and_its_taps_are_tinted():
    ax = plots.mark_window(axes(), range(0, 5, 2), range(-1, 2))
    taps, outline = ax.patches
    assert cells_of(taps) == list(product((0, 2, 4), (-1, 0, 1)))
    assert outline.get_bbox().bounds == (-1.5, -0.5, 3, 5)
    assert to_hex(outline.get_edgecolor()) == plots.color("window")
    assert outline.get_label() == WINDOW


@given(axis_settings())
@few
def test_a_line_hatches_what_no_window_reads(case):
    size, window = case
    ax = plots.line_windows(size, **window).on(axes())
    assert hatched(ax) == [(0, index) for index in unread(size, **window)]


@given(axis_settings())
@few
def test_a_line_dashes_the_padding_that_no_window_reads(case):
    size, window = case
    ax = plots.line_windows(size, **window).on(axes())
    dashed = [round(x + 0.3) for patch in labeled(ax, UNUSED) for x, _ in patch.get_path().vertices[::2]]
    taps = range(0, window["dilation"] * window["kernel_size"], window["dilation"])
    read = {start + tap for start in window_starts(size, **window) for tap in taps}
    before, after = window["padding"]
    assert dashed == [x for x in range(-before, size + after) if not (0 <= x < size or x in read)]


@given(axis_settings())
@few
def test_a_line_has_a_bar_for_every_window(case):
    size, window = case
    ax = plots.line_windows(size, **window).on(axes())
    bars = labeled(ax, WINDOW)
    apart = window["dilation"] > 1
    starts = window_starts(size, **window)
    assert len(ax.get_yticks()) == output_size(size, **window)
    lefts = [bar.get_x() + 0.5 for bar in bars]
    taps = range(window["kernel_size"]) if apart else [0]
    assert lefts == [start + tap * window["dilation"] for start in starts for tap in taps]
    assert {bar.get_width() for bar in bars} == {1 if apart else window["kernel_size"]}
    assert {bar.get_linestyle() == "solid" for bar in bars} == {window["stride"] == 1}


@given(axis_settings(), axis_settings())
@few
def test_a_coverage_map_hatches_what_no_window_reads(tall, wide):
    rows, columns = (coverage(size, **window) for size, window in (tall, wide))
    ax = plots.coverage_map(rows, columns).on(axes())
    counts = np.outer(rows, columns)
    assert hatched(ax) == list(zip(*np.nonzero(counts == 0), strict=True))
    if max(counts.shape) <= 12:
        assert [text.get_text() for text in ax.texts] == [str(count) for count in counts.ravel()]


def test_a_count_has_one_shade_in_every_coverage_map():
    small, large = (plots.coverage_map((1, 2, count)).on(axes()).images[0] for count in (3, 5))
    shades = [image.to_rgba(image.get_array())[0, :2] for image in (small, large)]
    np.testing.assert_array_equal(*shades)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=3))
@few
def test_a_reading_map_hatches_what_a_network_never_reads(stack):
    layers = [Layer(kernel_size, stride) for kernel_size, stride in stack]
    lost = network_unread(28, layers)
    ax = plots.reading_map((28, 28), rows=lost).on(axes())
    assert len(hatched(ax)) == 28**2 - (28 - len(lost)) ** 2
    assert set(hatched(ax)) == {cell for cell in product(range(28), repeat=2) if set(cell) & set(lost)}


@given(st.integers(3, 14), st.sampled_from([1, 3, 5]), st.integers(2, 4))
@few
def test_a_phase_map_marks_the_samples_that_torch_keeps(size, kernel_size, stride):
    image, kernel = torch.rand(1, 1, size, size).double(), torch.rand(1, 1, kernel_size, kernel_size).double()
    half = kernel_size // 2
    every = F.conv2d(image, kernel, padding=half)[0, 0]
    total = max(0, (-(-size // stride) - 1) * stride + kernel_size - size)
    pads = (total // 2, total - total // 2) * 2
    ax = plots.phase_map(size, kernel_size=kernel_size, stride=stride).on(axes())
    for line, strided in zip(
        ax.lines,
        (
            F.conv2d(image, kernel, stride=stride, padding=half),
            F.conv2d(F.pad(image, pads), kernel, stride=stride),
        ),
        strict=True,
    ):
        columns, rows = (np.array(places, dtype=int) for places in line.get_data())
        torch.testing.assert_close(every[rows, columns], strided.flatten())
    assert ax.lines[0].get_marker() != ax.lines[1].get_marker()


def test_a_pyramid_fills_the_field_of_the_unit():
    ax = plots.receptive_field_pyramid(12, [Layer(3), Layer(2, stride=2)], unit=1).on(axes())
    fields = labeled(ax, "receptive field")
    centers = [np.sort(patch.get_path().vertices[::5, 0] + 0.5) for patch in fields]
    assert [list(places) for places in centers] == [[2, 3, 4, 5], [3, 4], [3.5]]
    assert hatched(ax) == []


def test_a_pyramid_of_a_transposed_convolution_stands_where_its_units_look():
    layers = [Layer(2, stride=2), Layer(3, stride=2, padding=1, kind="transposed")]
    ax = plots.receptive_field_pyramid(8, layers, unit=3).on(axes())
    centers = [np.sort(patch.get_path().vertices[::5, 0] + 0.5) for patch in labeled(ax, "receptive field")]
    assert [list(places) for places in centers] == [[2, 3, 4, 5], [2.5, 4.5], [3.5]]
    assert (
        "Unit 3 of layer 2 depends on units 1 and 2 of layer 1"
        in plots.receptive_field_pyramid(8, layers, unit=3).alt
    )


def test_a_pyramid_shows_the_padding_that_the_field_reaches():
    ax = plots.receptive_field_pyramid(6, [Layer(3, padding=1)], unit=0).on(axes())
    assert [cells_of(patch) for patch in labeled(ax, PADDING)] == [[(0, -1)]]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_curves_wear_their_stride_and_padding(stride, padding):
    ax = plots.curves([plots.Curve("ours", [[0.1, 0.2], [0.3, 0.6]], stride, padding)], ylabel="accuracy").on(
        axes()
    )
    *runs, mean = ax.lines
    assert len(runs) == 2
    np.testing.assert_allclose(mean.get_ydata(), [0.2, 0.4])
    assert list(mean.get_xdata()) == [1, 2]
    assert mean.get_color() == plots.color(f"stride_{stride}")
    assert mean.is_dashed() == (stride == 2)
    assert (mean.get_markerfacecolor() == mean.get_color()) == (padding == "same")


def luminance(shade):
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(shade))
    return np.dot([0.2126, 0.7152, 0.0722], list(linear))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted"])
def test_text_stands_out_from_the_page(name, theme):
    assert contrast(plots.color(name, theme=theme), plots.color("paper", theme=theme)) >= 4.5


def test_numbers_stand_out_from_every_shade_that_has_them():
    grays, blues = GRAYS[True](np.linspace(0, 1, 9)), BLUES[True](np.linspace(0, 1, 9))
    tint = np.array(to_rgb(plots.color("window")))
    shades = [*grays[:, :3], *blues[:, :3], *(0.75 * grays[:, :3] + 0.25 * tint), mix("window", 0.45)]
    shades.append(plots.color("kernel"))
    assert min(contrast(plots.color("ink"), shade) for shade in shades) >= 4.5


def test_the_palette_is_the_designs():
    assert plots.color("window") == "#e69f00"
    assert plots.color("output") == plots.color("stride_1") == "#0072b2"
    assert plots.color("unread") == "#d55e00"
    assert plots.color("stride_2") == plots.color("window")
    for name, entry in plots.palette().items():
        assert set(entry) == {"light", "dark", "use"}, name
        for theme in ("light", "dark"):
            assert (
                entry[theme].endswith("px") if name.endswith("size") else to_hex(entry[theme]) == entry[theme]
            )


FLAT, CUBE = np.ones(5), np.ones((2, 3, 4))


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (
            lambda: plots.grid(FLAT),
            ValueError,
            "values must be two-dimensional and not empty, got shape",
        ),
        (lambda: plots.kernel_grid(CUBE), ValueError, "values must be two-dimensional"),
        (lambda: plots.output_grid(np.ones((0, 3))), ValueError, "not empty"),
        (lambda: plots.grid([["a"]]), TypeError, "integers or real numbers"),
        (lambda: plots.grid([[True]]), TypeError, "integers or real numbers"),
        (lambda: plots.grid([[np.nan]]), ValueError, "must be finite"),
        (lambda: plots.grid(IMAGE, pads=((3, 2), (0, 0))), ValueError, "leave a pixel"),
        (lambda: plots.grid(IMAGE, pads=((-1, 0), (0, 0))), ValueError, "must be 0 or more"),
        (
            lambda: plots.output_grid(IMAGE, selected=(5, 0)),
            ValueError,
            r"selected must be a cell of a grid of shape \(5, 5\), got \(5, 0\)",
        ),
        (lambda: plots.output_grid(IMAGE, selected=(0, -1)), ValueError, r"got \(0, -1\)"),
        (lambda: plots.output_grid(IMAGE, published=KERNEL), ValueError, "published must have the shape"),
        (lambda: plots.mark_window(axes(), [], [0]), ValueError, "rows and columns must hold at least one"),
        (lambda: plots.line_windows(2, kernel_size=3), ValueError, "which spans 3"),
        (lambda: plots.line_windows(5, kernel_size=2.0), TypeError, "whole number"),
        (lambda: plots.coverage_map(()), ValueError, "rows and columns must be"),
        (lambda: plots.coverage_map((1, -1)), ValueError, "so none is negative"),
        (
            lambda: plots.reading_map((5, 5), rows=(5,)),
            ValueError,
            "rows must hold indices from 0 to 4, got 5",
        ),
        (
            lambda: plots.reading_map((5, 5), rows=(), columns=(-1,)),
            ValueError,
            "columns must hold .*, got -1",
        ),
        (
            lambda: plots.reading_map((5, 4), rows=(), image=IMAGE),
            ValueError,
            r"image must have shape \(5, 4\), got",
        ),
        (lambda: plots.phase_map(6, paddings={"one": 1}), ValueError, "must hold 2 to compare"),
        (lambda: plots.receptive_field_pyramid(6, []), ValueError, "at least one layer"),
        (
            lambda: plots.receptive_field_pyramid(6, [Layer(3)], unit=4),
            ValueError,
            "unit must be below 4, the number of units of the last map, got 4",
        ),
        (
            lambda: plots.receptive_field_pyramid(6, [Layer(3)], unit=-1),
            ValueError,
            "unit must be at least 0",
        ),
        (lambda: plots.receptive_field_pyramid(2, [Layer(3)]), ValueError, "which spans 3"),
        (lambda: plots.curves([], ylabel="loss"), ValueError, "at least one curve"),
        (lambda: plots.Curve("a", [1], stride=3), ValueError, "stride must be 1, 2 or None"),
        (
            lambda: plots.Curve("a", [1], padding="full"),
            ValueError,
            "padding must be 'same', 'valid' or None",
        ),
        (lambda: plots.Curve("a", []), ValueError, r"values must be \(epochs,\) or \(runs, epochs\)"),
        (lambda: plots.color("windw"), ValueError, "name must be one of 'ink', .*, got 'windw'"),
        (
            lambda: plots.color("ink", theme="sepia"),
            ValueError,
            "theme must be one of 'light', 'dark', got 'sepia'",
        ),
        (lambda: plots.feature_maps(IMAGE), ValueError, r"maps must be \(N, H, W\)"),
        (lambda: plots.feature_maps(CUBE > 0), TypeError, "maps must hold integers or real numbers"),
        (lambda: plots.feature_maps(CUBE * np.inf), ValueError, "maps must be finite"),
        (
            lambda: plots.feature_maps(CUBE, labels=["a"]),
            ValueError,
            "labels must name each of the 2 maps",
        ),
        (lambda: plots.convolution_figure(IMAGE, KERNEL, IMAGE), ValueError, "output must have shape"),
        (
            lambda: plots.convolution_figure(IMAGE, KERNEL, np.ones((3, 3)), cell=(3, 0)),
            ValueError,
            r"cell must be a cell of a grid of shape \(3, 3\), got \(3, 0\)",
        ),
        (
            lambda: plots.convolution_figure(IMAGE, KERNEL, np.ones((5, 5)), padding=1, padded=IMAGE),
            ValueError,
            "padded must have shape",
        ),
    ],
)
def test_bad_input_is_named(draw, error, message):
    with pytest.raises(error, match=message):
        draw()
