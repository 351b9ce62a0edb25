"""Curves of many runs: a band that is the interval it is called, and the same in words."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from scipy import stats

from helpers import plots
from helpers.plots.cells import MEAN_BAND, RUN_BAND

few = settings(max_examples=20)
NAMES = {"mean": MEAN_BAND, "run": RUN_BAND}
runs_of_three = arrays(float, st.tuples(st.integers(2, 6), st.just(3)), elements=st.floats(0, 1, width=32))
band = pytest.mark.parametrize("band", NAMES)


def axes():
    return Figure().add_subplot()


def ends(values, band):
    """Student's interval of the mean, or of one more value, from the formula."""
    count, error = len(values), values.std(axis=0, ddof=1)
    scale = 1 / count if band == "mean" else 1 + 1 / count
    reach = stats.t.ppf(0.975, count - 1) * error * np.sqrt(scale)
    return np.stack([values.mean(axis=0) - reach, values.mean(axis=0) + reach])


@given(runs_of_three, st.sampled_from(["mean", "run"]))
@few
def test_the_band_is_the_interval_it_is_called(values, band):
    ax = plots.curves([plots.Curve("ours", values)], ylabel="loss", band=band).on(axes())
    (mean,), (area,) = ax.lines, ax.collections
    np.testing.assert_allclose(mean.get_ydata(), values.mean(axis=0))
    corners = area.get_paths()[0].vertices
    for epoch, (low, high) in enumerate(ends(values, band).T, start=1):
        heights = corners[corners[:, 0] == epoch, 1]
        np.testing.assert_allclose([heights.min(), heights.max()], [low, high], rtol=0, atol=1e-9)


@band
def test_the_key_says_which_interval_it_is(band):
    drawn = [plots.Curve("a", [[1, 2], [2, 3]], 1), plots.Curve("b", [[1, 2], [2, 3]], 2)]
    figure = plots.compose(plots.curves(drawn, ylabel="loss", band=band))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", NAMES[band]]


@given(runs_of_three, st.sampled_from(["mean", "run"]))
@few
def test_the_words_hold_the_ends_of_the_band(values, band):
    text = plots.curves([plots.Curve("ours", values)], ylabel="loss", band=band).alt
    heading, _, told = text.replace("−", "-").partition(f"Loss by epoch, with the {NAMES[band]}. ")
    assert heading == ""
    number = r"-?[\d.]+(?:e-?\d+)?"
    found = re.findall(rf"({number}) \(({number}) to ({number})\)", told)
    expected = np.stack([values.mean(axis=0), *ends(values, band)], axis=1)
    np.testing.assert_allclose(np.array(found, dtype=float), expected, rtol=2e-3, atol=6e-3)


@pytest.mark.parametrize(
    ("values", "band", "message"),
    [
        ([[1, 2], [2, 3]], "sd", "band must be 'mean', 'run' or None, got 'sd'"),
        ([1, 2], "mean", "drawn must hold two runs of each curve at least for band='mean'"),
    ],
)
def test_a_band_that_cannot_be_drawn_is_refused(values, band, message):
    drawn = [plots.Curve("a", values)]
    with pytest.raises(ValueError, match=message):
        plots.curves(drawn, ylabel="a", band=band)
