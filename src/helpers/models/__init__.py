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

__all__ = [
    "IMAGE_SIZE",
    "CNNBiLSTM",
    "LastStates",
    "MapToSequence",
    "NetworkPadding",
    "cnn",
    "fashion_cnn",
    "hybrid_cnn",
    "keras_init_",
    "layers_of",
    "mnist_cnn",
    "small_cnn",
]
