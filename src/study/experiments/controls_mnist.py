"""The controls on MNIST: the set-up of `stride-padding-mnist`, with one thing changed at a time."""

from collections.abc import Callable
from functools import partial

from torch import nn

from helpers.models import cnn, mnist_cnn
from study.experiments.changes import Change, blanked, pushed, shuffled_labels
from study.experiments.evaluations import edge_response, initial_gradients, under_shifts
from study.experiments.plan import Experiment, Variant

_experiment = partial(Experiment, data="mnist", epochs=3, batch_size=64, tolerance=2.5)

_SETTINGS: dict[str, Callable[[], nn.Module]] = {
    "s1-same": partial(mnist_cnn, stride=1, padding="same"),
    "s1-valid": partial(mnist_cnn, stride=1, padding="valid"),
    "s2-same": partial(mnist_cnn, stride=2, padding="same"),
    "s2-valid": partial(mnist_cnn, stride=2, padding="valid"),
}
_UP_LEFT = partial(pushed, corner="up-left")
_DOWN_RIGHT = partial(pushed, corner="down-right")


def _variant(name: str, build: Callable[[], nn.Module], *changes: Change, seeds: int = 10) -> Variant:
    return Variant(name=name, build=build, seeds=seeds, changes=changes)


def _four(suffix: str, *changes: Change, seeds: int = 10) -> tuple[Variant, ...]:
    """The four settings of the source, on images that are changed."""
    return tuple(_variant(name + suffix, build, *changes, seeds=seeds) for name, build in _SETTINGS.items())


PIXELS = _experiment(
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

BORDER = _experiment(
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

SIZE = _experiment(
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

DOWNSAMPLING = _experiment(
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

DEPTH = _experiment(
    name="mnist-depth",
    question="Does same padding let more gradient through ten convolutions than valid padding?",
    variants=(
        _variant("same", partial(_deep, padding="same")),
        _variant("valid", partial(_deep, padding="valid")),
    ),
    evaluations=(partial(initial_gradients, images=1_000),),
)

LONG = _experiment(
    name="mnist-long",
    question="Do fifteen epochs change the ranking of the four settings, and by how much do they overfit?",
    variants=_four(""),
    epochs=15,
)

SHUFFLED = _experiment(
    name="mnist-shuffled",
    question="Is accuracy at chance where the labels tell nothing about the images?",
    variants=_four("", shuffled_labels, seeds=5),
    tolerance=10.0,
)

RESHUFFLED = _experiment(
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

MNIST_CONTROLS = (PIXELS, BORDER, SIZE, DOWNSAMPLING, DEPTH, LONG, SHUFFLED, RESHUFFLED)
