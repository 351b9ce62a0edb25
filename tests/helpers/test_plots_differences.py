"""Differences: bars where the intervals are, and words that agree with both tests."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plots
from helpers.statistics import seed_effect

MARGIN = 0.2
effects = st.builds(
    lambda middle, scale: seed_effect([middle - scale, middle, middle + scale, middle]),
    st.integers(-60, 60).map(lambda cents: cents / 100),
    st.integers(1, 30).map(lambda cents: cents / 100),
)
few = settings(max_examples=40)


def axes():
    return Figure().add_subplot()


def bars(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


@given(st.lists(effects, min_size=1, max_size=3))
@few
def test_every_bar_is_its_interval_and_every_point_its_estimate(found):
    drawn = {f"study {place}": effect for place, effect in enumerate(found)}
    ax = axes()
    assert plots.differences(drawn, margin=MARGIN, xlabel="points").on(ax) is ax
    for level in (0.95, 0.9):
        ends = [(*line.get_xdata(), *line.get_ydata()) for line in bars(ax, f"{level:.0%} interval")]
        assert ends == [(*effect.interval(level), row, row) for row, effect in enumerate(found)]
    places = [(line.get_xdata()[0], line.get_ydata()[0]) for line in bars(ax, "difference")]
    assert places == [(effect.estimate, row) for row, effect in enumerate(found)]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(drawn)
    assert ax.yaxis_inverted()


def test_the_wider_interval_is_the_thinner_bar_and_the_margin_is_shaded():
    ax = plots.differences({"a": seed_effect([0.1, 0.3])}, margin=MARGIN, xlabel="points").on(axes())
    (thin,), (thick,) = bars(ax, "95% interval"), bars(ax, "90% interval")
    assert thin.get_linewidth() < thick.get_linewidth()
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == (-MARGIN, 2 * MARGIN)
    assert [0, 0] in [list(line.get_xdata()) for line in ax.lines]


def test_the_key_names_the_band_and_both_bars():
    figure = plots.compose(plots.differences({"a": seed_effect([0.1, 0.3])}, margin=MARGIN, xlabel="points"))
    (legend,) = figure.legends
    names = {text.get_text() for text in legend.get_texts()}
    assert names == {"too small to matter", "95% interval", "90% interval", "difference"}


@given(effects)
@few
def test_the_words_agree_with_the_tests(effect):
    assume(abs(effect.p_value() - 0.05) > 1e-3 and abs(effect.p_equivalence(MARGIN) - 0.05) > 1e-3)
    text = plots.differences({"a": effect}, margin=MARGIN, xlabel="points").alt
    assert ("with zero inside" in text) == (effect.p_value() > 0.05)
    assert ("not within the margin" in text) == (effect.p_equivalence(MARGIN) > 0.05)
    if effect.p_value() <= 0.05:
        assert ("above zero" if effect.estimate > 0 else "below zero") in text


def test_the_words_hold_every_number():
    text = plots.differences(
        {"a": seed_effect([-0.5, -0.4, -0.6]), "b": seed_effect([0.01, -0.01, 0.0])},
        margin=MARGIN,
        xlabel="points",
    ).alt
    assert text == (
        "Differences; up to 0.2 do not matter. "
        "a: −0.5, −0.75 to −0.25, below zero, not within the margin. "
        "b: 0, −0.02 to 0.02, with zero inside, within the margin."
    )


@pytest.mark.parametrize(
    ("drawn", "margin", "message"),
    [
        ({}, MARGIN, "at least one difference, got none"),
        ({"a": seed_effect([0.1, 0.2])}, 0, "margin must be above zero, .*, got 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(drawn, margin, message):
    with pytest.raises(ValueError, match=message):
        plots.differences(drawn, margin=margin, xlabel="points")
