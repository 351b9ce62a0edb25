"""The networks of the sources."""

from collections import OrderedDict

from torch import nn

from helpers.checks import choice
from helpers.models.cnn import cnn
from helpers.models.features import Padding
from helpers.models.hybrid import hybrid_cnn


def mnist_cnn(*, stride: int, padding: Padding) -> nn.Sequential:
    """The network of `stride-padding-mnist`: two convolutions, each pooled, and two dense layers.

    Stride and padding apply to both convolutions. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        stride: 1 or 2.
        padding: "valid" for none; "same" as TensorFlow pads, the odd pixel after; "same-pytorch" for one
            pixel on each side, which at stride 2 gives maps of the same size but of other samples.

    Raises:
        ValueError: if the stride or the padding is another.

    >>> mnist_cnn(stride=2, padding="valid").fc1
    Linear(in_features=64, out_features=128, bias=True)
    """
    choice("stride", stride, (1, 2))
    return cnn(strides=(stride, stride), padding=padding)


def fashion_cnn(*, stride: int) -> nn.Sequential:
    """Model A (stride 2) or B (stride 1) of `stride-bilstm`; only the first convolution's stride differs.

    Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Raises:
        ValueError: if the stride is not 1 or 2.

    >>> fashion_cnn(stride=2).fc1
    Linear(in_features=256, out_features=128, bias=True)
    """
    choice("stride", stride, (1, 2))
    return cnn(strides=(stride, 1), dropout=0.5)


class CNNBiLSTM(nn.Sequential):
    """Model C of `stride-bilstm`: one convolution, its map read row by row by an LSTM in both directions.

    The pooled map of 14 x 14 x 32 becomes a sequence of 196 steps of 32 features; the last state of each
    direction, 64 features, goes to the classifier. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.
    """

    def __init__(self) -> None:
        super().__init__(OrderedDict(hybrid_cnn().named_children()))
