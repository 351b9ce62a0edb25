"""The staircase of map sizes: steps where the sizes are, a mark for each stride, and both in the words."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers import plots
from helpers.plots import Stage

stages = st.lists(
    st.builds(
        Stage,
        st.integers(1, 64),
        st.integers(1, 4),
        is_padded=st.booleans(),
        type=st.sampled_from(["convolution", "pooling"]),
    ),
    min_size=1,
    max_size=6,
)
few = settings(max_examples=25)


def drawn(size, layers):
    return plots.descent(size, layers, title="a network").on(Figure().add_subplot())


def marks(ax):
    return [line for line in ax.lines if line.get_marker() != "None"]


@given(st.integers(1, 64), stages)
@few
def test_the_stairs_have_the_heights_of_the_maps(size, layers):
    stairs = [line for line in drawn(size, layers).lines if line.get_marker() == "None"]
    steps = pairwise([size, *(stage.size for stage in layers)])
    expected = []
    for place, (before, after) in enumerate(steps, start=1):
        expected.append([[place - 1, before], [place, before]])
        if before != after:
            expected.append([[place, before], [place, after]])
    assert [line.get_xydata().tolist() for line in stairs] == expected


@given(st.integers(1, 64), stages)
@few
def test_every_stride_has_a_mark_that_tells_padding_and_type(size, layers):
    ax = drawn(size, layers)
    strided = [(place, stage) for place, stage in enumerate(layers, start=1) if stage.stride > 1]
    assert [mark.get_xydata().tolist() for mark in marks(ax)] == [
        [[place, stage.size]] for place, stage in strided
    ]
    for mark, (_, stage) in zip(marks(ax), strided, strict=True):
        assert mark.get_marker() == {"convolution": "o", "pooling": "s"}[stage.type]
        assert (mark.get_markerfacecolor() == plots.color("stride_2")) == stage.is_padded
        assert mark.get_label().startswith(f"strided {stage.type}")
        assert ("without padding" in mark.get_label()) == (not stage.is_padded)


def test_a_stride_looks_like_stride_2_and_a_shrinking_without_one_like_stride_1():
    ax = drawn(28, [Stage(26, is_padded=False), Stage(13, stride=2)])
    first, second = (line for line in ax.lines if len(set(line.get_ydata())) == 2)
    assert (first.get_color(), first.is_dashed()) == (plots.color("stride_1"), False)
    assert (second.get_color(), second.is_dashed()) == (plots.color("stride_2"), True)


def test_a_halving_is_a_step_of_one_height_with_a_tick():
    ax = drawn(224, [Stage(112, stride=2), Stage(55, stride=2), Stage(7, stride=8)])
    assert (ax.get_yscale(), ax.get_title()) == ("log", "a network")
    assert list(ax.get_yticks()) == [224, 112, 56, 28, 14, 7]
    assert ax.get_xlabel() == "layers so far"
    assert ax.get_ylabel() == "size of the map, cells"


@given(st.integers(1, 64), stages)
@few
def test_the_words_tell_every_map_that_is_smaller(size, layers):
    told = plots.descent(size, layers).alt
    steps = enumerate(pairwise([size, *(stage.size for stage in layers)]), start=1)
    shrunk = [(str(after), str(place)) for place, (before, after) in steps if after < before]
    assert re.findall(r"(\d+) after layer (\d+), a ", told) == shrunk
    assert f"The map is {size} wide at first" in told


@pytest.mark.parametrize(
    ("size", "layers", "kind", "message"),
    [
        (28, [], ValueError, "stages must hold at least one layer, got none"),
        (28, [Stage(14), Stage(0)], ValueError, r"stages\[1\].size must be at least 1, got 0"),
        (28, [Stage(14, stride=0)], ValueError, r"stages\[0\].stride must be at least 1, got 0"),
        (28, [Stage(14, type="dense")], ValueError, r"stages\[0\].type must be one of .*, got 'dense'"),
        (2.5, [Stage(14)], TypeError, "size must be a whole number, got 2.5"),
        (28, [Stage("14")], TypeError, r"stages\[0\].size must be a whole number, got '14'"),
    ],
)
def test_bad_input_is_refused(size, layers, kind, message):
    with pytest.raises(kind, match=message):
        plots.descent(size, layers)
