"""Estimates: every mark where its number is, and every number in the words."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plots
from helpers.plots.cells import PUBLISHED
from helpers.statistics import seed_effect

numbers = st.integers(-400, 400).map(lambda cents: cents / 4)


@st.composite
def estimate(draw):
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return plots.Estimate(
        draw(st.sampled_from(["stride", "blur"])),
        value,
        low,
        high,
        runs=draw(st.lists(numbers, max_size=5)),
        published=draw(st.none() | numbers),
        stride=draw(st.sampled_from([1, 2, None])),
        padding=draw(st.sampled_from(["same", "valid", None])),
    )


drawn = st.lists(estimate(), min_size=1, max_size=4)
few = settings(max_examples=25)


def axes():
    return Figure().add_subplot()


def at(ax, row, label):
    """Where the marks of that name stand in a row, from the left."""
    marks = [line for line in ax.lines if line.get_label() == label]
    places = [xy for line in marks for xy in line.get_xydata().tolist()]
    return sorted(x for x, y in places if round(y) == row)


@given(drawn)
@few
def test_every_mark_stands_at_its_number(drawn):
    ax = axes()
    assert plots.estimates(drawn, xlabel="points").on(ax) is ax
    for row, each in enumerate(drawn):
        assert at(ax, row, "mean, 95% interval") == [each.value]
        assert at(ax, row, "single run") == sorted(each.runs)
        assert at(ax, row, PUBLISHED) == ([] if each.published is None else [each.published])
    bars = [line for line in ax.lines if line.get_label().startswith("_")]
    assert [list(bar.get_xdata()) for bar in bars] == [[each.low, each.high] for each in drawn]
    assert [bar.get_color() for bar in bars] == [
        plots.color("muted" if each.stride is None else f"stride_{each.stride}") for each in drawn
    ]


@pytest.mark.parametrize("stride", [1, 2, None])
@pytest.mark.parametrize("padding", ["same", "valid", None])
def test_estimates_wear_their_stride_and_padding(stride, padding):
    each = plots.Estimate("ours", 1, 0, 2, stride=stride, padding=padding)
    bar, point = plots.estimates([each], xlabel="points").on(axes()).lines
    shade = plots.color("muted" if stride is None else f"stride_{stride}")
    assert (bar.get_color(), point.get_markeredgecolor()) == (shade, shade)
    assert bar.is_dashed() == (stride == 2)
    assert (point.get_markerfacecolor() == shade) == (padding != "valid")


def test_an_estimate_of_an_effect_is_its_95_percent_interval():
    effect = seed_effect([0.1, 0.3, 0.8])
    each = plots.Estimate.of("ours", effect, runs=[0.1], published=1, stride=2, padding="valid")
    low, high = effect.interval()
    assert vars(each) == vars(plots.Estimate("ours", effect.estimate, low, high, [0.1], 1, 2, "valid"))


def test_words_name_the_quantity_as_the_axis_does_or_as_they_are_told():
    drawn = [plots.Estimate("a", 1, 0, 2)]
    assert plots.estimates(drawn, xlabel="recall, %").alt.startswith("Recall in percent with")
    assert plots.estimates(drawn, xlabel="recall, %", quantity="hits").alt.startswith("Hits with")
    assert plots.class_estimates({"b": drawn}, xlabel="F1", quantity="score").alt.startswith("Score with")


@st.composite
def by_class(draw):
    """The same estimates, by label, for some classes."""
    labels = draw(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=3, unique=True))
    count = draw(st.integers(1, 4))
    return {
        f"class {place}": [replace(draw(estimate()), label=label) for label in labels]
        for place in range(count)
    }


@given(by_class())
@few
def test_the_estimates_of_a_class_stand_around_its_name_in_order(drawn):
    ax = plots.class_estimates(drawn, xlabel="points").on(axes())
    places = dict(zip([tick.get_text() for tick in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    assert list(places) == list(drawn)
    bars = iter([line for line in ax.lines if line.get_label().startswith("_")])
    gaps = np.diff(list(places.values()))
    for name, members in drawn.items():
        heights = []
        for each in members:
            bar = next(bars)
            assert list(bar.get_xdata()) == [each.low, each.high]
            heights.append(bar.get_ydata()[0])
        assert heights == sorted(heights)
        assert np.mean(heights) == pytest.approx(places[name])
        assert all(heights[-1] - heights[0] < gap for gap in gaps)
    assert ax.yaxis_inverted()


def test_the_key_of_classes_names_each_estimate_once():
    drawn = {name: [plots.Estimate("A", 1, 0, 2), plots.Estimate("B", 1, 0, 2)] for name in ("bag", "coat")}
    figure = plots.compose(plots.class_estimates(drawn, xlabel="points"))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A", "B"]


@given(by_class())
@few
def test_the_words_of_classes_are_those_of_their_estimates(drawn):
    text = plots.class_estimates(drawn, xlabel="recall").alt
    for name, members in drawn.items():
        alone = plots.estimates(members, xlabel="recall").alt.removeprefix("Recall with 95% intervals. ")
        assert f"Class {name}. {alone}" in text


def test_a_list_is_as_long_as_its_rows_need():
    def height(rows, name="{}", width=plots.COLUMN):
        drawn = [plots.Estimate(name.format(row), 1, 0, 2) for row in range(rows)]
        figure = plots.compose(plots.estimates(drawn, xlabel="points"), width=width)
        return figure.axes[0].get_window_extent().height

    assert height(2) == pytest.approx(2 * 90, abs=1)
    assert height(4) == pytest.approx(height(5), abs=1)
    assert height(20) == pytest.approx(20 * 30, abs=1)
    assert (
        height(6, "stride 1\n− stride {}", plots.PHONE) > height(6, width=plots.PHONE) == pytest.approx(180)
    )


def test_the_first_estimate_stands_on_top():
    ax = plots.estimates(
        [plots.Estimate("upper", 1, 0, 2), plots.Estimate("lower", 1, 0, 2)], xlabel="points"
    ).on(axes())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["upper", "lower"]
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("reference", [None, 0.0])
def test_a_reference_is_a_line_across(reference):
    ax = plots.estimates([plots.Estimate("a", 1, 0.5, 2)], xlabel="points", reference=reference).on(axes())
    upright = [line for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert [list(line.get_xdata()) for line in upright] == ([] if reference is None else [[0, 0]])


def test_limits_make_figures_agree():
    drawn = [plots.Estimate("a", 1, 0.5, 2)]
    ax = plots.estimates(drawn, xlabel="points", limits=(-3, 4)).on(axes())
    assert ax.get_xlim() == (-3, 4)


@given(drawn)
@few
def test_the_words_hold_every_number(drawn):
    text = plots.estimates(drawn, xlabel="consistency").alt.replace("−", "-")
    assert text.startswith("Consistency with 95% intervals.")
    told = [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?(?!%|\d| runs)", text)]
    expected = []
    for each in drawn:
        expected += [each.value, each.low, each.high]
        expected += [min(each.runs), max(each.runs)] if len(each.runs) else []
        expected += [] if each.published is None else [each.published]
    np.testing.assert_allclose(told, expected, atol=0.006)


def test_the_key_names_only_what_is_drawn():
    bare = plots.Estimate("a", 1, 0, 2)
    full = plots.Estimate("a", 1, 0, 2, runs=[0.5, 1.5], published=3)
    for each, names in (
        (bare, {"mean, 95% interval"}),
        (full, {"mean, 95% interval", "single run", PUBLISHED}),
    ):
        figure = plots.compose(plots.estimates([each], xlabel="points"))
        (legend,) = figure.legends
        assert {text.get_text() for text in legend.get_texts()} == names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plots.Estimate("a", 3, 0, 2), "value must lie between low=0 and high=2, got 3"),
        (lambda: plots.Estimate("a", float("nan"), 0, 2), "value must lie between .*, got nan"),
        (lambda: plots.Estimate("a", 1, 0, 2, stride=3), "stride must be 1, 2 or None, got 3"),
        (lambda: plots.Estimate("a", 1, 0, 2, runs=[[1]]), r"runs must be \(runs,\), got shape \(1, 1\)"),
        (
            lambda: plots.Estimate("a", 1, 0, 2, padding="full"),
            "padding must be 'same', 'valid' or None, got 'full'",
        ),
        (lambda: plots.class_estimates({}, xlabel="points"), "at least one class, got none"),
        (
            lambda: plots.class_estimates({"bag": [plots.Estimate("A", 1, 0, 2)], "coat": []}, xlabel="f1"),
            r"drawn\['coat'\] must hold the same estimates as 'bag', \['A'\], got \[\]",
        ),
        (lambda: plots.estimates([], xlabel="points"), "at least one estimate, got none"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
