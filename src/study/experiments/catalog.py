"""The experiments of the book, by name: those of the write-ups, then the controls, then the literature's."""

from collections.abc import Callable
from functools import partial

from torch import nn

from helpers.checks import choice
from helpers.models import CNNBiLSTM, cnn, fashion_cnn, hybrid_cnn, mnist_cnn, small_cnn
from helpers.sources import MNIST_SETTINGS
from helpers.training import Augment
from study.experiments.literature import SMALL_EXPERIMENTS
from study.experiments.measurements import (
    edge_response,
    fit_of_labels,
    initial_gradients,
    under_noise,
    under_shifts,
)
from study.experiments.plan import Experiment, Variant
from study.experiments.preparation import (
    Change,
    blanked,
    excerpted,
    mislabeled,
    moved_and_mirrored,
    pushed,
    shuffled_labels,
)


def _variant(
    name: str,
    build: Callable[[], nn.Module],
    *changes: Change,
    seeds: int = 10,
    augment: Augment | None = None,
) -> Variant:
    return Variant(name=name, build=build, seeds=seeds, changes=changes, augment=augment)


# MNIST: the set-up of `stride-padding-mnist`; in the controls one thing is changed at a time.

_on_mnist = partial(Experiment, data="mnist", epochs=3, batch_size=64, tolerance=2.5)

_SETTINGS: dict[str, Callable[[], nn.Module]] = {
    name: partial(mnist_cnn, **setting._asdict()) for name, setting in MNIST_SETTINGS.items()
}

MNIST = _on_mnist(
    name="mnist",
    question="What do stride and padding of both convolutions do to accuracy on MNIST?",
    variants=(
        *(_variant(name, build, seeds=60 if "s1" in name else 20) for name, build in _SETTINGS.items()),
        _variant("s2-same-pytorch", partial(mnist_cnn, stride=2, padding="same-pytorch"), seeds=20),
    ),
    tolerance=1.0,
)

_UP_LEFT = partial(pushed, corner="up-left")
_DOWN_RIGHT = partial(pushed, corner="down-right")


def _four(suffix: str, *changes: Change, seeds: int = 10) -> tuple[Variant, ...]:
    """The four networks of the source, on images with these changes."""
    return tuple(_variant(name + suffix, build, *changes, seeds=seeds) for name, build in _SETTINGS.items())


_MNIST_PIXELS = _on_mnist(
    name="mnist-pixels",
    question="How much of what stride 2 and valid padding lose are pixels that the network never reads?",
    variants=(
        *_four(""),
        _variant("s1-valid-all", partial(cnn, strides=(1, 1), border=(1, 1))),
        _variant("s2-valid-all", partial(cnn, strides=(2, 2), border=(4, 5))),
        _variant("s2-valid-uncollapsed", partial(cnn, strides=(2, 2), pools=((2, 2), None))),
        *_four("-up-left", _UP_LEFT),
        *_four("-down-right", _DOWN_RIGHT),
    ),
    evaluations=(edge_response,),
)

_same = partial(cnn, strides=(1, 1), padding="same")

_MNIST_BORDER = _on_mnist(
    name="mnist-border",
    question="What is the border worth: without its pixels, and padded with other values than zeros?",
    variants=(
        _variant("s1-same-blanked", _SETTINGS["s1-same"], partial(blanked, rings=1)),
        _variant("reflect-up-left", partial(_same, padding_mode="reflect"), _UP_LEFT),
        _variant("replicate-up-left", partial(_same, padding_mode="replicate"), _UP_LEFT),
        _variant("circular-up-left", partial(_same, padding_mode="circular"), _UP_LEFT),
    ),
    evaluations=(edge_response,),
)

_MNIST_SIZE = _on_mnist(
    name="mnist-size",
    question="Is stride 1 ahead at equal parameters, equal receptive field, or equal cost?",
    variants=(
        _variant("s1-same-average", partial(_same, head="average")),
        _variant("s1-valid-average", partial(cnn, strides=(1, 1), head="average")),
        _variant("s2-same-average", partial(cnn, strides=(2, 2), padding="same", head="average")),
        # Pooling takes the steps that the convolutions of (2, same) take: the same maps, weights and fields.
        _variant("s1-same-like-s2", partial(_same, pools=((3, 4), (3, 4)))),
        # As many MACs as (1, same) to a sixth of a percent.
        _variant("s2-same-wide", partial(cnn, strides=(2, 2), padding="same", channels=(117, 232))),
    ),
)

_MNIST_DOWNSAMPLING = _on_mnist(
    name="mnist-downsampling",
    question="Stride in place of pooling, a blur before either: accuracy, and answers under small shifts?",
    variants=(
        _variant("max", _SETTINGS["s1-same"]),
        _variant("stride", partial(cnn, strides=(2, 2), padding="same", pools=(None, None))),
        _variant("blur", partial(_same, pooling="blur")),
        _variant("max-blur", partial(_same, pooling="max-blur")),
    ),
    evaluations=(partial(under_shifts, pixels=(1, 2, 3)),),
)

_deep = partial(cnn, strides=(1,) * 10, channels=(8,) * 10, pools=(None,) * 10, head="average")

_MNIST_DEPTH = _on_mnist(
    name="mnist-depth",
    question="Does same padding let more gradient through ten convolutions than valid padding?",
    variants=(
        _variant("same", partial(_deep, padding="same")),
        _variant("valid", partial(_deep, padding="valid")),
    ),
    evaluations=(partial(initial_gradients, images=1_000),),
)

_MNIST_LONG = _on_mnist(
    name="mnist-long",
    question="Do fifteen epochs change the ranking of the four settings, and by how much do they overfit?",
    variants=_four(""),
    epochs=15,
)

_MNIST_SHUFFLED = _on_mnist(
    name="mnist-shuffled",
    question="Is accuracy at chance where the labels tell nothing about the images?",
    variants=_four("", shuffled_labels, seeds=5),
    tolerance=10.0,
)

_MNIST_RESHUFFLED = _on_mnist(
    name="mnist-reshuffled",
    question="Is it the chance of one shuffle that mnist-shuffled ends above chance, or does something leak?",
    variants=tuple(
        _variant(
            f"s2-valid-{shuffle}", _SETTINGS["s2-valid"], partial(shuffled_labels, seed=shuffle), seeds=1
        )
        for shuffle in range(1, 21)
    ),
    tolerance=10.0,
)

# Fashion-MNIST: the set-up of `stride-bilstm`, likewise.

_on_fashion = partial(
    Experiment, data="fashion-mnist", epochs=8, batch_size=128, validation=6_000, tolerance=2.5
)

_A, _B = partial(fashion_cnn, stride=2), partial(fashion_cnn, stride=1)
_A_PLAIN, _B_PLAIN = partial(cnn, strides=(2, 1)), partial(cnn, strides=(1, 1))  # without dropout
_like_a, _like_b = partial(_A_PLAIN, dropout=0.5), partial(_B_PLAIN, dropout=0.5)


FASHION = _on_fashion(
    name="fashion-mnist",
    question="What do the first stride and a BiLSTM do to accuracy on Fashion-MNIST?",
    variants=(
        _variant("a", _A, seeds=20),
        _variant("b", _B, seeds=20),
        _variant("c", CNNBiLSTM, seeds=10),
    ),
)

_FASHION_PIXELS = _on_fashion(
    name="fashion-pixels",
    question="Is stride 1 ahead where both networks read every pixel, and where the test images are noisy?",
    variants=(
        _variant("a", _A),
        _variant("b", _B),
        _variant("a-all", partial(_like_a, border=(2, 3))),
        _variant("b-all", partial(_like_b, border=(1, 1))),
    ),
    evaluations=(partial(under_noise, levels=(0.1, 0.2, 0.3)),),
)

_FASHION_SIZE = _on_fashion(
    name="fashion-size",
    question="Is stride 1 ahead at equal parameters, equal receptive field, or equal cost?",
    variants=(
        _variant("a-average", partial(_like_a, head="average")),
        _variant("b-average", partial(_like_b, head="average")),
        # Pooling takes the step that the convolution of A takes: the same maps, weights, fields and pixels.
        _variant("b-like-a", partial(_like_b, pools=((3, 4), (2, 2)))),
        # As many MACs as B to a fiftieth of a percent, and as A to 1.5 percent.
        _variant("a-wide", partial(_like_a, channels=(91, 183))),
        _variant("b-thin", partial(_like_b, channels=(10, 22))),
    ),
)

_FASHION_STRIDES = _on_fashion(
    name="fashion-strides",
    question="Does it help to mix strides, and does a stride do what the pooling after it does?",
    variants=(
        _variant("one-two", partial(cnn, strides=(1, 2), dropout=0.5)),
        _variant("two-two", partial(cnn, strides=(2, 2), dropout=0.5)),
        # The stride takes the place of B's first pooling: the same parameters.
        _variant("two-unpooled", partial(_like_a, pools=(None, (2, 2)))),
    ),
)

_noisy = partial(mislabeled, share=0.2)

_FASHION_NOISE = _on_fashion(
    name="fashion-noise",
    question="Which stride learns more of the wrong labels, when a fifth of them is wrong?",
    variants=(
        _variant("a", _A, _noisy),
        _variant("b", _B, _noisy),
        _variant("a-plain", _A_PLAIN, _noisy),
        _variant("b-plain", _B_PLAIN, _noisy),
    ),
    evaluations=(fit_of_labels,),
)

_FASHION_HYBRIDS = _on_fashion(
    name="fashion-hybrids",
    question="What explains the hybrid's loss: the sequence, its length or order, or one convolution less?",
    variants=(
        _variant(
            "c-dense", partial(cnn, strides=(1,), padding="same", pools=((4, 4),), units=32, dropout=0.5)
        ),
        _variant("c-dense-narrow", partial(cnn, strides=(1,), padding="same", units=8, dropout=0.5)),
        _variant("rows", partial(hybrid_cnn, reading="rows")),
        _variant("columns", partial(hybrid_cnn, reading="columns")),
        _variant("rows-small", partial(hybrid_cnn, reading="rows", units=14)),
        _variant("c-stride-2", partial(hybrid_cnn, strides=(2,))),
        _variant("b-lstm", partial(hybrid_cnn, strides=(1, 1), padding="valid")),
        _variant("c", CNNBiLSTM, seeds=5),
        # One direction of 96 units has 50,826 parameters, C has 51,274.
        _variant("c-forward", partial(hybrid_cnn, units=96, bidirectional=False), seeds=5),
        _variant("c-shuffled", partial(hybrid_cnn, shuffled=True), seeds=5),
    ),
)

_augment = partial(moved_and_mirrored, pixels=2)

_FASHION_LONG = _on_fashion(
    name="fashion-long",
    question="What do thirty epochs, dropout and augmentation do to accuracy, and to the gap to training?",
    variants=(
        _variant("a", _A),
        _variant("b", _B),
        _variant("a-plain", _A_PLAIN),
        _variant("b-plain", _B_PLAIN),
        _variant("a-augmented", _A, augment=_augment),
        _variant("b-augmented", _B, augment=_augment),
    ),
    epochs=30,
    test_every_epoch=True,
)

# What a web page trains: small networks, 2,000 images, seconds per run. It shows these runs beside the
# reader's.

_in_page = partial(Experiment, epochs=5, batch_size=32, learning_rate=5e-3, tolerance=5.0)
_real, _drawn = partial(excerpted, drawn=False), partial(excerpted, drawn=True)

_SMALL: dict[str, Callable[[], nn.Module]] = {
    "s1-same": partial(small_cnn, padding="same"),
    "s1-valid": small_cnn,
    "s2-same": partial(small_cnn, strides=(2, 2), padding="same"),
    "s2-valid": partial(small_cnn, strides=(2, 2)),
    "s2-valid-all": partial(small_cnn, strides=(2, 2), border=9),
}
_CORNERED = ("s2-valid", "s2-valid-all")

PAGE = _in_page(
    name="page",
    question="Between which accuracies does one more run in the page lie, at each of its settings?",
    data="mnist",
    variants=(
        *(_variant(name, build, _real, seeds=100) for name, build in _SMALL.items()),
        *(_variant(f"{name}-corner", _SMALL[name], _real, _DOWN_RIGHT, seeds=100) for name in _CORNERED),
        _variant("s1-same-shuffled", _SMALL["s1-same"], _real, shuffled_labels, seeds=100),
        *(_variant(f"{name}-drawn", build, _drawn, seeds=100) for name, build in _SMALL.items()),
    ),
)

PAGE_GARMENTS = _in_page(
    name="page-garments",
    question="The same for the strides of A and B, on drawn garments?",
    data="fashion-mnist",
    variants=(
        _variant("a", partial(small_cnn, strides=(2, 1)), _drawn, seeds=100),
        _variant("b", small_cnn, _drawn, seeds=100),
    ),
)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        MNIST,
        FASHION,
        _MNIST_PIXELS,
        _MNIST_BORDER,
        _MNIST_SIZE,
        _MNIST_DOWNSAMPLING,
        _MNIST_DEPTH,
        _MNIST_LONG,
        _MNIST_SHUFFLED,
        _MNIST_RESHUFFLED,
        _FASHION_PIXELS,
        _FASHION_SIZE,
        _FASHION_STRIDES,
        _FASHION_NOISE,
        _FASHION_HYBRIDS,
        _FASHION_LONG,
        *SMALL_EXPERIMENTS,
        PAGE,
        PAGE_GARMENTS,
    )
}


def find(name: str) -> Experiment:
    """Return the experiment of this name.

    Raises:
        ValueError: if there is none.
    """
    choice("experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name]
