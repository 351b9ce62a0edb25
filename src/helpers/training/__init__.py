"""Train and evaluate a classifier on tensors in memory; knows no model and no data set."""

from helpers.training.adam import Adam, Optimizer
from helpers.training.device import choose_device
from helpers.training.examples import Examples, Labeled
from helpers.training.fitting import Epoch, History, fit
from helpers.training.memory import hand_back_freed_memory, keep_freed_memory, large_pages
from helpers.training.passes import Augment, Evaluation, Score, TrainingDiverged, evaluate, train_one_epoch
from helpers.training.streams import Streams, streams

__all__ = [
    "Adam",
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
    "hand_back_freed_memory",
    "keep_freed_memory",
    "large_pages",
    "streams",
    "train_one_epoch",
]
