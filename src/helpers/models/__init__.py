"""The networks of the sources and of the controls, with the initial weights that Keras would give them."""

from helpers.models.cnn import (
    IMAGE_SIZE,
    NetworkPadding,
    cnn,
    fashion_cnn,
    layers_of,
    mnist_cnn,
    small_cnn,
)
from helpers.models.hybrid import CNNBiLSTM, LastStates, MapToSequence, hybrid_cnn
from helpers.models.initialization import keras_init_
from helpers.models.proposed import PartialConv2d, PolyphasePool2d
from helpers.models.residual import ResidualBlock, residual_cnn

__all__ = [
    "IMAGE_SIZE",
    "CNNBiLSTM",
    "LastStates",
    "MapToSequence",
    "NetworkPadding",
    "PartialConv2d",
    "PolyphasePool2d",
    "ResidualBlock",
    "cnn",
    "fashion_cnn",
    "hybrid_cnn",
    "keras_init_",
    "layers_of",
    "mnist_cnn",
    "residual_cnn",
    "small_cnn",
]
