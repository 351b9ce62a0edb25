"""Measures of what a run records besides its accuracy: each a number in the unit of its rule."""

import numpy as np
import pytest

from study.judging import measured
from study.records import EpochMetrics, Outcome, Record, capture

EXTRA = {
    "mislabeled-as-given": 0.25,
    "accuracy-noise-0.1": 0.9,
    "accuracy-noise-0.2": 0.75,
    "consistency-shift-1": 0.9,
    "consistency-shift-2": 0.8,
    "consistency-shift-3": 0.4,
    "edge-response": 0.5,
    "gradient-ratio": -0.3,
}


def recorded(extra, fitted=0.875):
    epochs = tuple(
        EpochMetrics(
            epoch=number, train_loss=1, train_accuracy=0.5, validation_loss=1, validation_accuracy=0.5,
            seconds=seconds, fitted_accuracy=share,
        )
        for number, seconds, share in ((1, 2.0, 0.1), (2, 4.0, fitted))
    )  # fmt: skip
    return Record(
        experiment="mnist-pixels",
        variant="a",
        seed=3,
        settings={},
        environment=capture(device="cpu", threads=1, command="a test"),
        tolerance=1.0,
        epochs=epochs,
        test=Outcome.measured(np.arange(10), np.eye(10), loss=1.0),
        extra=extra,
    )


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("fitted", 87.5),
        ("seconds", 3.0),
        ("memorized", 25.0),
        ("under-noise", 75.0),
        ("consistency", 70.0),
        ("edge-response", 50.0),
        ("gradient-ratio", -0.3),
    ],
)
def test_a_measure_is_the_number_of_the_record_in_the_unit_of_its_rule(measure, value):
    found = measured([recorded(EXTRA)], measure=measure)
    assert found == {"mnist-pixels/a": {3: pytest.approx(value)}}


@pytest.mark.parametrize(
    "measure", ["memorized", "under-noise", "consistency", "edge-response", "gradient-ratio"]
)
def test_a_record_that_lacks_a_measure_says_what_it_has(measure):
    with pytest.raises(ValueError, match=r"mnist-pixels/a/3 measured no .*; it has nothing"):
        measured([recorded({})], measure=measure)
    with pytest.raises(ValueError, match="it has speed"):
        measured([recorded({"speed": 1.0})], measure=measure)


@pytest.mark.parametrize("measure", ["fitted", "gap"])
def test_a_record_without_training_images_cannot_tell_how_it_fits_them(measure):
    with pytest.raises(ValueError, match="mnist-pixels/a/3 measured no training images"):
        measured([recorded({}, fitted=None)], measure=measure)
