"""The experiments on claims of papers and courses: small networks, few images, many seeds.

They share only the data with the experiments of the write-ups. All channels are multiples of eight: with
fewer than eight, convolutions crash in the version of torch that ran them.
"""

from collections.abc import Callable
from functools import partial

from torch import nn

from helpers.models import cnn, residual_cnn
from study.experiments.measurements import position_read_out, under_shifts
from study.experiments.plan import Experiment, Variant
from study.experiments.preparation import first_images

_FEW = partial(first_images, train=10_000, validation=1_000)


def _variant(name: str, build: Callable[[], nn.Module], *, seeds: int = 20) -> Variant:
    return Variant(name=name, build=build, seeds=seeds, changes=(_FEW,))


_ten = partial(_variant, seeds=10)  # where a run takes longer


_few = partial(Experiment, epochs=3, batch_size=64, learning_rate=2e-3, validation=6_000, tolerance=5.0)
_on_fashion = partial(_few, data="fashion-mnist")
_on_mnist = partial(_few, data="mnist")

_same = partial(cnn, padding="same", units=32)
_halving = partial(_same, strides=(1, 2, 2), pools=(None, None, None))
_STRIDED = partial(_halving, channels=(8, 16, 32))
_SPACE_TO_DEPTH = partial(
    _same,
    strides=(1, 1, 1),
    channels=(8, 16, 32),
    pools=((2, 2), (2, 2), None),
    pooling="space-to-depth",
)

_SPACE_TO_DEPTH_FASHION = _on_fashion(
    name="small-space-to-depth",
    question="Is space-to-depth ahead of stride 2, and of the strided convolution that it is?",
    variants=(
        _variant("strided", _STRIDED),
        _variant("space-to-depth", _SPACE_TO_DEPTH),
        # The same layers, written as convolutions of stride 2.
        _variant("strided-six", partial(_STRIDED, kernel_sizes=(3, 6, 6))),
        # Six percent more MACs than with space-to-depth.
        _variant("strided-wide", partial(_halving, channels=(16, 32, 64))),
    ),
)

_SPACE_TO_DEPTH_MNIST = _on_mnist(
    name="small-space-to-depth-mnist",
    question="Is space-to-depth ahead of stride 2 on digits?",
    variants=(_variant("strided", _STRIDED), _variant("space-to-depth", _SPACE_TO_DEPTH)),
)

_ALL_CONVOLUTIONAL = _on_fashion(
    name="small-all-convolutional",
    question="Does a stride do what max-pooling does, in the layer before it, or in a layer of its own?",
    variants=(
        _variant("pooled", partial(_same, strides=(1, 1), channels=(8, 16))),
        _variant("strided", partial(_same, strides=(2, 2), channels=(8, 16), pools=(None, None))),
        _variant(
            "strided-layer",
            partial(_same, strides=(1, 2, 1, 2), channels=(8, 8, 16, 16), pools=(None,) * 4),
        ),
        # As many convolutions and parameters as the one above.
        _variant(
            "pooled-layer",
            partial(
                _same,
                strides=(1, 1, 1, 1),
                channels=(8, 8, 16, 16),
                pools=(None, (2, 2), None, (2, 2)),
            ),
        ),
    ),
)

_stages = partial(_same, pools=(None, None, (2, 2)))

_STAGES = _on_fashion(
    name="small-stages",
    question="Is a stride best in the first, middle or last of three convolutions, and at equal cost?",
    variants=(
        _variant("first", partial(_stages, strides=(2, 1, 1), channels=(8, 16, 16))),
        _variant("middle", partial(_stages, strides=(1, 2, 1), channels=(8, 16, 16))),
        _variant("last", partial(_stages, strides=(1, 1, 2), channels=(8, 16, 16))),
        # As many MACs as the last, to one percent.
        _variant("first-wide", partial(_stages, strides=(2, 1, 1), channels=(24, 16, 24))),
        _variant("middle-wide", partial(_stages, strides=(1, 2, 1), channels=(8, 24, 24))),
    ),
)

_padded = partial(_same, strides=(1, 2, 1, 2), channels=(8, 8, 16, 16), pools=(None,) * 4)

_PADDING = _on_fashion(
    name="small-padding",
    question="Which padding is most accurate, and which gives away where in the image a unit lies?",
    variants=(
        *(
            _variant(mode, partial(_padded, padding_mode=mode))
            for mode in ("zeros", "partial", "reflect", "replicate", "circular")
        ),
        _variant("valid", partial(_padded, padding="valid")),
    ),
    evaluations=(partial(position_read_out, images=500),),
)

_wrapped = partial(_same, channels=(8, 16, 32), padding_mode="circular", head="average")
_pooled = partial(_wrapped, strides=(1, 1, 1), pools=((2, 2), (2, 2), None))

_SHIFTS = _on_mnist(
    name="small-shifts",
    question="Which way to halve a map keeps the answers when a digit moves, and does it cost accuracy?",
    variants=(
        _ten("stride", partial(_wrapped, strides=(2, 2, 1), pools=(None, None, None))),
        _ten("polyphase", partial(_pooled, pooling="polyphase")),
        _ten("blur", partial(_pooled, pooling="blur")),
        _ten("max", partial(_pooled, pooling="max")),
    ),
    epochs=6,
    evaluations=(partial(under_shifts, pixels=(1, 2, 3)),),
)

_STEM = _on_fashion(
    name="small-stem",
    question="What does the stem of ResNet cost on small images, and at equal computation?",
    variants=(
        _ten("small", residual_cnn),
        _ten("large", partial(residual_cnn, stem=(7, 2), stem_pool=True)),
        # As many MACs as the first, to one percent.
        _ten("large-wide", partial(residual_cnn, stem=(7, 2), stem_pool=True, channels=(32, 48, 104))),
    ),
    epochs=12,
)

_PATCHES = _on_fashion(
    name="small-patches",
    question="Are smaller patches always better?",
    variants=tuple(
        _ten(f"patch-{side}", partial(residual_cnn, stem=(side, side), strides=(1, 1), channels=(16, 16)))
        for side in (7, 4, 2, 1)
    ),
    epochs=6,
)

SMALL_EXPERIMENTS = (
    _SPACE_TO_DEPTH_FASHION,
    _ALL_CONVOLUTIONAL,
    _STAGES,
    _PADDING,
    _SPACE_TO_DEPTH_MNIST,
    _SHIFTS,
    _STEM,
    _PATCHES,
)
"""The experiments, the most worth running first."""
