"""What the sources printed of their experiments, as data.

Accuracies are fractions and losses are in nats, as printed. Variants are named as in the records.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublishedRun:
    """The one run of a model of `stride-bilstm`, after its last epoch.

    Attributes:
        accuracy: on the test images.
        loss: on the test images.
        train_accuracy: as logged, a running average with dropout on.
        validation_accuracy: on the images held out.
        f1: on the test images, of some classes.
    """

    accuracy: float
    loss: float
    train_accuracy: float
    validation_accuracy: float
    f1: Mapping[str, float]


MNIST_ACCURACY: Mapping[str, tuple[float | None, ...]] = {
    "s1-same": (None, 0.9889, 0.9889),
    "s2-same": (0.9693, 0.9797, 0.9828),
    "s1-valid": (0.9831, 0.9869, 0.9914),
    "s2-valid": (0.9560, 0.9609, 0.9696),
}
"""Validation accuracy of `stride-padding-mnist` after each epoch; None where it is not printed."""

MNIST_CONV1_SIZES: Mapping[str, int] = {"s1-same": 28, "s1-valid": 26, "s2-same": 14, "s2-valid": 13}
"""Width of the first convolution's map."""

ACCURACY_DECIMALS = 4
"""Decimals that the sources print of an accuracy or a loss; of a percentage, two fewer."""

F1_DECIMALS = 2
"""Decimals that `stride-bilstm` prints of an F1."""

FASHION_MNIST_RUNS: Mapping[str, PublishedRun] = {
    "a": PublishedRun(
        accuracy=0.8795,
        loss=0.3276,
        train_accuracy=0.8775,
        validation_accuracy=0.8907,
        f1={"Shirt": 0.63, "Pullover": 0.82, "Coat": 0.80},
    ),
    "b": PublishedRun(
        accuracy=0.8999,
        loss=0.2712,
        train_accuracy=0.9014,
        validation_accuracy=0.9130,
        f1={"Shirt": 0.69, "Pullover": 0.85, "Coat": 0.84},
    ),
    "c": PublishedRun(
        accuracy=0.8297,
        loss=0.4687,
        train_accuracy=0.8235,
        validation_accuracy=0.8522,
        f1={"Shirt": 0.57, "Pullover": 0.74, "Coat": 0.73},
    ),
}
"""The three models of `stride-bilstm`."""


def percent(accuracy: float) -> float:
    """An accuracy in percent, to the digits that the sources print, without rounding errors of the product.

    >>> percent(0.5799), 100 * 0.5799
    (57.99, 57.989999999999995)
    """
    return round(100 * accuracy, ACCURACY_DECIMALS - 2)
