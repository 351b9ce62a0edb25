"""The experiments of the book, by name: those of the sources, then the controls that they lack."""

from functools import partial

from helpers.models import CNNBiLSTM, fashion_cnn, mnist_cnn
from study.experiments.controls_fashion import FASHION_CONTROLS
from study.experiments.controls_mnist import MNIST_CONTROLS
from study.experiments.plan import Experiment, Variant

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

EXPERIMENTS = {
    experiment.name: experiment for experiment in (MNIST, FASHION_MNIST, *MNIST_CONTROLS, *FASHION_CONTROLS)
}


def find(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        ValueError: if there is none.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]
