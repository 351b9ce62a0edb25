"""Convolutions under an LSTM: model C, and what it should be compared with."""

from collections.abc import Sequence

from torch import nn

from helpers.models.cnn import with_classifier
from helpers.models.features import CHANNELS, Padding, features, map_shape
from helpers.models.sequences import LastStates, MapToSequence, Reading


def hybrid_cnn(
    *,
    strides: Sequence[int] = (1,),
    padding: Padding = "same",
    reading: Reading = "pixels",
    units: int = 64,
    bidirectional: bool = True,
    shuffled: bool = False,
    dropout: float = 0.5,
) -> nn.Sequential:
    """Build a network whose last map, each convolution pooled, is read as a sequence by an LSTM.

    The last state of each direction goes to the classifier. As it stands by default this is model C of
    `stride-bilstm`. Shapes: (N, 1, 28, 28) in, logits (N, 10) out.

    Args:
        strides: of each convolution, of 32 and then 64 channels; there are as many convolutions.
        padding: of the convolutions, "same", "valid" or "same-pytorch".
        reading: what one step of the sequence is: "pixels", "rows" or "columns" of the map.
        units: of the LSTM, in each direction.
        bidirectional: whether a second direction reads from the end.
        shuffled: whether the steps come in one fixed random order, the same in every network.
        dropout: share of the last states that is dropped in training.

    Raises:
        ValueError: if a word is unknown.

    >>> hybrid_cnn(reading="rows").lstm
    LastStates(448, 64, batch_first=True, bidirectional=True)
    """
    layers = features(strides=strides, padding=padding, channels=CHANNELS)
    channels, height, width = map_shape(layers)
    sequence = MapToSequence(reading, shuffled=shuffled)
    layers["sequence"] = sequence
    layers["lstm"] = LastStates(sequence.width(channels, height, width), units, bidirectional=bidirectional)
    return nn.Sequential(with_classifier(layers, (1 + bidirectional) * units, dropout))
