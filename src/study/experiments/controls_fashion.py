"""The controls on Fashion-MNIST: the set-up of `stride-bilstm`, with one thing changed at a time."""

from collections.abc import Callable
from functools import partial

from torch import nn

from helpers.models import CNNBiLSTM, cnn, fashion_cnn, hybrid_cnn
from helpers.training import Augment
from study.experiments.changes import Change, mislabeled, moved_and_mirrored
from study.experiments.evaluations import fit_of_labels, under_noise
from study.experiments.plan import Experiment, Variant

_experiment = partial(
    Experiment, data="fashion-mnist", epochs=8, batch_size=128, validation=6_000, tolerance=2.5
)

_A, _B = partial(fashion_cnn, stride=2), partial(fashion_cnn, stride=1)
_A_PLAIN, _B_PLAIN = partial(cnn, strides=(2, 1)), partial(cnn, strides=(1, 1))  # without dropout
_like_a, _like_b = partial(_A_PLAIN, dropout=0.5), partial(_B_PLAIN, dropout=0.5)


def _variant(
    name: str,
    build: Callable[[], nn.Module],
    *changes: Change,
    seeds: int = 10,
    augment: Augment | None = None,
) -> Variant:
    return Variant(name=name, build=build, seeds=seeds, changes=changes, augment=augment)


PIXELS = _experiment(
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

SIZE = _experiment(
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

STRIDES = _experiment(
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

NOISE = _experiment(
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

HYBRIDS = _experiment(
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

LONG = _experiment(
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

FASHION_CONTROLS = (PIXELS, SIZE, STRIDES, NOISE, HYBRIDS, LONG)
