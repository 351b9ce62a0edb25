"""Confusion matrices: each number where it belongs, rounded as shown, and the same in words."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from helpers import plots
from helpers.plots.cells import TOLD

few = settings(max_examples=15)
NAMES = ["ant", "bee", "cat", "dog"]


def axes():
    return Figure().add_subplot()


def cells(ax):
    """The number in each cell as it is read, by (row, column); blank cells are zero."""
    return {
        (int(text.get_position()[1]), int(text.get_position()[0])): int(
            text.get_text().replace("−", "-") or 0
        )
        for text in ax.texts
    }


def shades(ax):
    (mesh,) = ax.collections
    return mesh.get_facecolors()[:, :3].reshape(len(ax.get_yticks()), -1, 3)


@st.composite
def labeled(draw):
    """The true and the predicted class of some images, at least one of each true class."""
    size = draw(st.integers(2, 4))
    some = st.lists(st.integers(0, size - 1), min_size=0, max_size=30)
    truth = [*range(size), *draw(some)]
    return truth, draw(st.lists(st.integers(0, size - 1), min_size=len(truth), max_size=len(truth))), size


def crossed(truth, predicted, size, *, normalize):
    places = range(size)
    table = pd.crosstab(np.array(truth), np.array(predicted), normalize=normalize)
    return table.reindex(index=places, columns=places, fill_value=0).to_numpy()


@given(labeled(), st.sampled_from([100, 1000]))
@few
def test_a_cell_says_how_many_of_its_true_class_went_there(images, per):
    *_, size = images
    counts = crossed(*images, normalize=False)
    ax = plots.confusion(counts, classes=NAMES[:size], per=per).on(axes())
    expected = per * crossed(*images, normalize="index")
    found = cells(ax)
    assert set(found) == set(np.ndindex(size, size))
    for cell, value in found.items():
        assert value == pytest.approx(expected[cell], abs=0.5 + 1e-9)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == NAMES[:size]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == NAMES[:size]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert ax.yaxis_inverted()


def test_zeros_are_blank_and_more_is_darker():
    ax = plots.confusion([[996, 4, 0], [50, 950, 0], [0, 0, 1]], classes=NAMES[:3]).on(axes())
    texts = {text.get_text() for text in ax.texts}
    assert texts == {"", "100", "5", "95"}
    light = shades(ax).sum(axis=-1)
    assert light[0, 0] < light[1, 0] < light[0, 1] < light[0, 2]


def test_a_difference_has_its_sign_as_text_and_as_hue():
    change = [[3.2, -3.2], [0.4, -0.4]]
    ax = plots.confusion_difference(change, classes=NAMES[:2]).on(axes())
    assert [text.get_text() for text in ax.texts] == ["+3", "−3", "", ""]
    more, less = shades(ax)[0]
    blue, orange = (np.array(to_rgb(plots.color(name))) for name in ("output", "window"))
    assert np.argmax(more) == np.argmax(blue)
    assert np.argmax(less) == np.argmax(orange)


@given(st.lists(st.booleans(), min_size=9, max_size=9))
@few
def test_what_is_told_from_noise_is_outlined(marks):
    told = np.reshape(marks, (3, 3))
    ax = plots.confusion_difference(np.eye(3), classes=NAMES[:3], told=told).on(axes())
    outlined = [(patch.get_y(), patch.get_x()) for patch in ax.patches if patch.get_label() == TOLD]
    assert sorted(outlined) == [tuple(cell) for cell in np.argwhere(told)]


@given(labeled())
@few
def test_the_words_say_what_is_right_and_which_errors_are_largest(images):
    *_, size = images
    rates = 100 * crossed(*images, normalize="index")
    text = plots.confusion(crossed(*images, normalize=False), classes=NAMES[:size]).alt
    right, _, errors = text.partition(". ")
    for place, name in enumerate(NAMES[:size]):
        assert int(re.search(rf"{name} (\d+)", right)[1]) == pytest.approx(rates[place, place], abs=0.51)
    said = re.findall(r"(\w+) taken for (\w+), (\d+)", errors)
    values = [rates[NAMES.index(true), NAMES.index(predicted)] for true, predicted, _ in said]
    assert [int(number) for *_, number in said] == pytest.approx(values, abs=0.51)
    assert values == sorted(values, reverse=True)
    left_out = rates[~np.eye(size, dtype=bool)].tolist()
    for value in values:
        left_out.remove(value)
    assert len(said) == 5 or all(value <= 0.5 for value in left_out)
    assert not said or max(left_out, default=0) <= values[-1]


def test_the_words_give_the_five_largest_errors_and_nothing_of_the_diagonal():
    counts = 100 * np.eye(4) + np.arange(16).reshape(4, 4)
    text = plots.confusion(counts, classes=NAMES, per=1000).alt
    said = re.findall(r"(\w+) taken for (\w+)", text)
    rates = counts / counts.sum(axis=1, keepdims=True) * (1 - np.eye(4))
    largest = np.argsort(-rates, axis=None)[:5]
    assert said == [(NAMES[place // 4], NAMES[place % 4]) for place in largest]


def test_a_difference_in_words_tells_both_signs_and_how_much_is_told():
    change = [[-7.0, 6.6, 0.4], [0, 1.2, -1.2], [0, 0, 0]]
    told = [[True, True, False], [False] * 3, [False] * 3]
    text = plots.confusion_difference(change, classes=NAMES[:3], told=told, per=1000).alt
    assert text == (
        "Change, of 1000 images of each class. Right: ant −7, bee +1, cat 0. Errors: "
        "ant taken for bee, +7; bee taken for cat, −1. Two cells told from the noise."
    )
    assert "told" not in plots.confusion_difference(change, classes=NAMES[:3]).alt


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.confusion([[1, 2]], classes=["a"]), r"square, .* got shape \(1, 2\)"),
        (lambda: plots.confusion([[1]], classes=["a", "b"]), "each of the 1 classes, got 2"),
        (lambda: plots.confusion([[2, -1], [0, 1]], classes=["a", "b"]), "zero or more, got -1"),
        (
            lambda: plots.confusion([[1, 0], [0, 0]], classes=["a", "b"]),
            "must hold an image of each class, got none of 'b'",
        ),
        (lambda: plots.confusion([[np.nan]], classes=["a"]), "counts must be finite"),
        (
            lambda: plots.confusion_difference([[1]], classes=["a"], told=[True]),
            r"told must mark each cell of shape \(1, 1\), got shape \(1,\)",
        ),
        (
            lambda: plots.confusion_difference([1], classes=["a"]),
            r"difference must be square, .* got shape \(1,\)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
