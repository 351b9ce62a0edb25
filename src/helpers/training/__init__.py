"""Train and evaluate a classifier on tensors in memory; knows no model and no data set."""

from helpers.epoch import Epoch
from helpers.training.epochs import (
    Augment,
    Evaluation,
    Examples,
    Labeled,
    Optimizer,
    Score,
    TrainingDiverged,
    choose_device,
    evaluate,
    train_one_epoch,
)
from helpers.training.fitting import History, fit
from helpers.training.streams import Streams, streams

__all__ = [
    "Augment",
    "Epoch",
    "Evaluation",
    "Examples",
    "History",
    "Labeled",
    "Optimizer",
    "Score",
    "Streams",
    "TrainingDiverged",
    "choose_device",
    "evaluate",
    "fit",
    "streams",
    "train_one_epoch",
]
