"""Parts of a training log are told apart by their form, with color or without."""

import pytest

from helpers import plots

PARTS = ["running", "fitted", "validation"]


def lines():
    drawn = [plots.Curve(part, [[1, 2], [3, 4]], part=part) for part in PARTS]
    figure = plots.compose(plots.curves(drawn, ylabel="loss", band="mean"))
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_each_part_of_a_log_has_a_form_of_its_own():
    forms = {(line.is_dashed(), line.get_marker(), str(line._dash_pattern)) for line in lines().values()}
    assert len(forms) == len(PARTS)
    assert not lines()["fitted"].is_dashed()
    assert lines()["validation"].get_marker() == "^"


def test_no_part_wears_the_color_of_a_stride():
    taken = {plots.color("stride_1"), plots.color("stride_2")}
    assert taken.isdisjoint(line.get_color() for line in lines().values())


def test_a_part_that_there_is_not_is_refused():
    with pytest.raises(
        ValueError, match="part must be 'running', 'fitted', 'validation' or None, got 'test'"
    ):
        plots.Curve("a", [1, 2], part="test")


@pytest.mark.parametrize("other", [{"stride": 1}, {"padding": "same"}])
def test_a_part_has_the_look_for_itself(other):
    with pytest.raises(ValueError, match=r"stride and padding must be None .*, got part='fitted'"):
        plots.Curve("a", [1, 2], part="fitted", **other)
