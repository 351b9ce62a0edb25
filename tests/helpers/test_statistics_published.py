"""Whether a published number agrees, against the interval it is held to and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.statistics import agreement, prediction_interval


@settings(deadline=None)
@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=9), st.integers(1, 4))
def test_a_published_number_agrees_if_what_rounds_to_it_can_lie_in_the_interval(value, runs, decimals):
    judged = agreement(round(value, decimals), runs, decimals=decimals)
    assert judged.interval == prediction_interval(runs)
    assert judged.mean == pytest.approx(np.mean(runs))
    if judged.interval.covers(value):
        assert judged.agrees
    low, high = judged.interval
    for outside in (low - 1.001 * 10.0**-decimals, high + 1.001 * 10.0**-decimals):
        assert not agreement(outside, runs, decimals=decimals).agrees


def test_a_source_of_the_same_set_up_agrees_as_often_as_it_should():
    random = np.random.default_rng(4)
    draws = random.standard_normal((2000, 11))
    agreed = sum(agreement(draw[0], draw[1:], decimals=6).agrees for draw in draws)
    assert 0.93 < agreed / len(draws) < 0.97
