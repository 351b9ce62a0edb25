"""The networks of the sources and of the controls, with the initial weights that Keras would give them."""

from helpers.models.cnn import CLASSES, cnn
from helpers.models.features import IMAGE_SIZE
from helpers.models.features import Padding as MnistPadding
from helpers.models.hybrid import hybrid_cnn
from helpers.models.initialization import keras_init_
from helpers.models.sequences import LastStates, MapToSequence
from helpers.models.sources import CNNBiLSTM, fashion_cnn, mnist_cnn

__all__ = [
    "CLASSES",
    "IMAGE_SIZE",
    "CNNBiLSTM",
    "LastStates",
    "MapToSequence",
    "MnistPadding",
    "cnn",
    "fashion_cnn",
    "hybrid_cnn",
    "keras_init_",
    "mnist_cnn",
]
