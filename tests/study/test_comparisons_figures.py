"""The figures of chapters 9 to 14 and 17: they draw what the runs measured, and their words say it."""

import numpy as np
import pytest

from helpers.statistics import mean_interval
from study.comparisons import (
    Look,
    accuracies,
    accuracy_estimates,
    accuracy_figure,
    between,
    class_means,
    condition_figure,
    effects,
    learned,
    learning_figure,
    measurements,
    mnist_looks,
    result,
    runs,
    signed,
)
from study.judging import accuracy

LOOKS = {"mnist-downsampling/max": Look("max", 1), "mnist-downsampling/stride": Look("stride", 2)}


def test_the_four_settings_have_their_own_looks():
    looks = mnist_looks("mnist-long")
    assert next(iter(looks)) == "mnist-long/s1-same"
    assert looks["mnist-long/s2-valid"] == Look("(2, valid)", 2, "valid")


def test_an_estimate_covers_seeds_and_images_and_holds_what_was_published():
    first, second = accuracy_estimates(LOOKS, published={"mnist-downsampling/max": 98.0})
    effect = accuracy(runs("mnist-downsampling/max"))
    assert (first.value, first.low, first.high) == (effect.estimate, *effect.interval())
    np.testing.assert_array_equal(first.single, accuracies("mnist-downsampling/max"))
    assert (first.label, first.stride, first.published) == ("max", 1, 98.0)
    assert (second.label, second.stride, second.published) == ("stride", 2, None)


def test_a_figure_of_accuracies_says_each_of_them():
    picture = accuracy_figure(LOOKS)
    for variant, look in LOOKS.items():
        assert f"{look.label}: {accuracies(variant).mean():.4g}" in picture.alt
    assert picture.caption == "The interval covers other seeds and other test images."


def test_a_figure_of_conditions_has_each_variant_under_each():
    picture = condition_figure(
        LOOKS,
        {"none": "accuracy", "3 px": "accuracy-shift-3"},
        xlabel="test accuracy, %",
        caption="Moved.",
    )
    assert picture.caption == "Moved."
    before, moved = picture.alt.split("3 px.")
    for variant, look in LOOKS.items():
        for words, name in ((before, "accuracy"), (moved, "accuracy-shift-3")):
            mean = np.mean(list(measurements(variant, name).values()))
            assert f"{look.label}: {mean:.4g}" in words


def test_a_figure_of_learning_has_a_panel_for_each_quantity():
    looks = {"mnist/s2-same": Look("(2, same)", 2, "same")}
    quantities = {"loss, nats": "validation_loss", "accuracy, %": "validation_accuracy"}
    alt = learning_figure(looks, quantities, band="run").alt
    assert "Loss, nats by epoch" in alt
    assert "Accuracy in percent by epoch" in alt
    assert f"{learned('mnist/s2-same', 'validation_accuracy')[:, -1].mean():.4g}" in alt


def test_class_means_are_taken_over_the_runs():
    values = {"one": np.array([[0.5, 0.7], [0.6, 0.9]]), "other": np.array([[0.2, 0.3], [0.4, 0.3]])}
    looks = {"one": Look("1", 1), "other": Look("2", 2)}
    drawn = class_means(values, looks, classes=["cat", "dog"], published={"other": {"dog": 0.31}})
    assert list(drawn) == ["cat", "dog"]
    cat, dog = drawn["cat"], drawn["dog"]
    assert [(each.label, each.stride) for each in cat] == [("1", 1), ("2", 2)]
    assert cat[0].value == pytest.approx(0.55)
    assert (cat[0].low, cat[0].high) == pytest.approx(mean_interval([0.5, 0.6]))
    assert [each.published for each in (*cat, *dog)] == [None, None, None, 0.31]


def test_a_result_is_a_figure_of_all_contrasts_and_their_table():
    picture, table = result({"M-15": ["same", "valid"]}, xlabel="seconds")
    contrast, condition = effects("M-15").values()
    assert f"M-15: same: {signed(contrast.estimate)}, {between(contrast.interval())}" in picture.alt
    assert f". valid: {signed(condition.estimate)}, {between(condition.interval())}" in picture.alt
    assert "up to 1 do not matter" in picture.alt
    assert table.data["difference"].tolist() == ["same", "valid"]


def test_rules_of_two_margins_do_not_stand_in_one_figure():
    with pytest.raises(ValueError, match=r"labels must name rules of one margin, got margins \[0.2, 1.0\]"):
        result({"M-15": ["same", "valid"], "Q-01": ["2x2"]})
