"""Dots: one for each run, where its number is, and none hidden behind another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plots

numbers = st.integers(9700, 9930).map(lambda cents: cents / 100)
runs = st.lists(numbers, min_size=1, max_size=40)
drawn = st.lists(
    st.builds(
        plots.Dots,
        st.sampled_from(["same", "valid"]),
        runs,
        stride=st.sampled_from([1, 2, None]),
        padding=st.sampled_from(["same", "valid", None]),
    ),
    min_size=1,
    max_size=3,
)
few = settings(max_examples=40)


def axes():
    return Figure().add_subplot()


def marks(ax, label):
    return [line.get_xydata() for line in ax.lines if line.get_label() == label]


@given(drawn)
@few
def test_there_is_a_dot_for_each_run_near_its_number(drawn):
    ax = axes()
    assert plots.dots(drawn, xlabel="points").on(ax) is ax
    everything = np.concatenate([each.runs for each in drawn])
    bin_width = np.ptp(everything) / 45 or 1
    for each, places in zip(drawn, marks(ax, "single run"), strict=True):
        assert len(places) == len(each.runs)
        assert np.abs(places[:, 0] - np.sort(each.runs)).max() <= bin_width / 2 + 1e-9


@given(drawn)
@few
def test_no_dot_hides_another_and_no_stack_reaches_the_row_above(drawn):
    ax = plots.dots(drawn, xlabel="points").on(axes())
    bottom, top = ax.get_ylim()
    for row, places in enumerate(marks(ax, "single run")):
        assert top < places[:, 1].min() <= row < bottom
        assert len({(round(x, 6), round(y, 6)) for x, y in places}) == len(places)
        assert row - 0.7 < places[:, 1].min()  # where the mark of the mean above ends
        assert places[:, 1].max() == row


@given(drawn)
@few
def test_the_mean_is_that_of_the_runs_not_of_the_bins_and_a_single_run_has_none(drawn):
    ax = plots.dots(drawn, xlabel="points").on(axes())
    means = [place[0, 0] for place in marks(ax, "mean")]
    np.testing.assert_allclose(means, [each.runs.mean() for each in drawn if each.runs.size > 1])


def test_valid_is_open_and_same_is_filled():
    ax = plots.dots(
        [plots.Dots("same", [1.0, 2.0], 1, "same"), plots.Dots("valid", [1.0], 2, "valid")],
        xlabel="points",
    ).on(axes())
    same, valid = (line for line in ax.lines if line.get_label() == "single run")
    assert same.get_markerfacecolor() == same.get_color() == plots.color("stride_1")
    assert valid.get_markerfacecolor() == plots.color("paper")
    assert valid.get_color() == plots.color("stride_2")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["same", "valid"]
    assert ax.yaxis_inverted()


def test_the_words_hold_number_range_and_mean():
    text = plots.dots([plots.Dots("same", [98.5, 99.5]), plots.Dots("valid", [97.0])], xlabel="accuracy").alt
    assert text == ("Accuracy of every run. same: two runs from 98.5 to 99.5, mean 99. valid: one run, 97.")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plots.Dots("same", []), "values of 'same' must be one finite number a run, got"),
        (lambda: plots.Dots("same", [[1.0]]), "values of 'same' must be one finite number a run, got"),
        (lambda: plots.Dots("same", [float("nan")]), "values of 'same' must be one finite number a run, got"),
        (lambda: plots.Dots("same", [1.0], stride=3), "stride must be 1, 2 or None, got 3"),
        (lambda: plots.dots([], xlabel="points"), "drawn must hold at least one Dots, got none"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
