"""The experiments of the book, as data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from helpers.models import CNNBiLSTM, fashion_cnn, mnist_cnn


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network of an experiment.

    Attributes:
        name: what follows the slash in "mnist/s1-same".
        build: makes the untrained network; a function of a module, or a `partial` of one, so that it travels
            to other processes.
        seeds: how many runs are recorded, seeds 0 to seeds - 1.
    """

    name: str
    build: Callable[[], nn.Module]
    seeds: int

    @property
    def settings(self) -> dict[str, Any]:
        """The network's name and its arguments, for the record."""
        if isinstance(self.build, partial):
            return {"model": self.build.func.__name__, **self.build.keywords}
        return {"model": self.build.__name__}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Networks trained alike on one data set, over seeds.

    The same seed gives every variant the same order of images, the same initial draws and the same dropout.

    Attributes:
        name: what precedes the slash in "mnist/s1-same".
        question: what it is to answer, in a line.
        data: "mnist" or "fashion-mnist".
        variants: what is compared.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: Adam's.
        epsilon: Adam's; Keras's default, where torch's is 1e-8.
        validation: how many training images are held out to validate on, the same for every seed; with 0 the
            test images validate.
        tolerance: points of test accuracy by which a run on another machine may differ from the recorded one.
            Rounding differs there, and a trained network is no closer to itself than to another seed.
    """

    name: str
    question: str
    data: str
    variants: tuple[Variant, ...]
    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    epsilon: float = 1e-7
    validation: int = 0
    tolerance: float

    def variant(self, name: str) -> Variant:
        """Return the variant of this name.

        Raises:
            ValueError: if there is none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        known = ", ".join(variant.name for variant in self.variants)
        raise ValueError(f"experiment {self.name!r} has no variant {name!r}; it has {known}")


MNIST = Experiment(
    name="mnist",
    question="What do stride and padding of both convolutions do to accuracy on MNIST?",
    data="mnist",
    variants=(
        Variant(name="s1-same", seeds=60, build=partial(mnist_cnn, stride=1, padding="same")),
        Variant(name="s1-valid", seeds=60, build=partial(mnist_cnn, stride=1, padding="valid")),
        Variant(name="s2-same", seeds=20, build=partial(mnist_cnn, stride=2, padding="same")),
        Variant(name="s2-valid", seeds=20, build=partial(mnist_cnn, stride=2, padding="valid")),
        Variant(name="s2-same-pytorch", seeds=20, build=partial(mnist_cnn, stride=2, padding="same-pytorch")),
    ),
    epochs=3,
    batch_size=64,
    tolerance=1.0,
)

FASHION_MNIST = Experiment(
    name="fashion-mnist",
    question="What do the first stride and a BiLSTM do to accuracy on Fashion-MNIST?",
    data="fashion-mnist",
    variants=(
        Variant(name="a", seeds=20, build=partial(fashion_cnn, stride=2)),
        Variant(name="b", seeds=20, build=partial(fashion_cnn, stride=1)),
        Variant(name="c", seeds=10, build=CNNBiLSTM),
    ),
    epochs=8,
    batch_size=128,
    validation=6_000,
    tolerance=2.5,
)

EXPERIMENTS = {experiment.name: experiment for experiment in (MNIST, FASHION_MNIST)}


def find(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        ValueError: if there is none.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
