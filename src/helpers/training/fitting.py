"""A whole training run: epochs, each followed by an evaluation."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from helpers.checks import whole_number
from helpers.training.adam import Adam
from helpers.training.device import choose_device
from helpers.training.examples import Examples, Labeled, on_device
from helpers.training.memory import hand_back_freed_memory, keep_freed_memory
from helpers.training.passes import Augment, TrainingDiverged, evaluate, train_one_epoch
from helpers.training.streams import streams


@dataclass(frozen=True)
class Epoch:
    """What one epoch left behind; losses in nats, accuracies from 0 to 1.

    Attributes:
        epoch: 1 for the first.
        train_loss: running mean while the model learned, with dropout on, as Keras logs it.
        train_accuracy: likewise.
        validation_loss: after the epoch, in evaluation mode.
        validation_accuracy: likewise.
        seconds: time of training, without the evaluations.
        fitted_loss: after the epoch, in evaluation mode, on training images; None if not asked for.
        fitted_accuracy: likewise.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    fitted_loss: float | None = None
    fitted_accuracy: float | None = None


@dataclass(frozen=True)
class History:
    """A training run: its epochs in order, and the kind of device that ran it ("cpu", "cuda" or "mps")."""

    epochs: tuple[Epoch, ...]
    device: str


def fit(
    model: nn.Module,
    train: Labeled,
    validation: Labeled,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    learning_rate: float = 1e-3,
    epsilon: float = 1e-7,
    augment: Augment | None = None,
    fitted_images: int = 0,
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] | None = None,
) -> History:
    """Train `model` in place with Adam on cross-entropy, and evaluate it after each epoch.

    On one machine's CPU and with one number of threads, the same seed gives the same numbers to the last bit.
    Torch's global stream has no part in it, and is left as it was. The weights are taken as they are: to seed
    them too, draw them from `streams(seed).initialization` first.

    Args:
        model: maps images (N, C, H, W) to logits (N, classes); moved to the device.
        train: what to learn.
        validation: what to evaluate on.
        epochs: passes over `train`.
        batch_size: images a step; the last step of an epoch takes what is left.
        seed: of order, dropout and augmentation.
        learning_rate: of Adam.
        epsilon: of Adam; 1e-7 is Keras's. (Keras adds it before the bias correction, torch after.)
        augment: changes a batch of float images, with a generator that it draws from.
        fitted_images: evaluate on this many of the first training images as well.
        device: "auto", "cpu", "cuda" or "mps".
        on_epoch: called with each epoch when it is over.

    Raises:
        TypeError: if a count or the seed is not an integer.
        ValueError: if one is too small, images and labels do not match, or the device is not there.
        TrainingDiverged: if a loss is not finite.
    """
    epochs = whole_number("epochs", epochs, at_least=1)
    count = whole_number("fitted_images", fitted_images, at_least=0)
    place, draws = choose_device(device), streams(seed)
    train, validation = on_device("train", train, place), on_device("validation", validation, place)
    _prepare(model, place)
    optimizer = Adam(model.parameters(), lr=learning_rate, eps=epsilon)
    history: list[Epoch] = []
    for epoch in range(1, epochs + 1):
        hand_back_freed_memory()  # else blocks that no longer fit pile up, epoch by epoch
        began = time.perf_counter()
        score = train_one_epoch(
            model, train, optimizer, batch_size=batch_size, streams=draws, augment=augment, epoch=epoch
        )
        seconds = time.perf_counter() - began
        after = evaluate(model, validation)
        if not math.isfinite(after.loss):  # the last step can do this, when no later step is there to tell
            raise TrainingDiverged(epoch, step=math.ceil(len(train.images) / batch_size))
        history.append(Epoch(epoch, *score, after.loss, after.accuracy, seconds))
        if count:
            again = evaluate(model, Examples(train.images[:count], train.labels[:count]))
            history[-1] = replace(history[-1], fitted_loss=again.loss, fitted_accuracy=again.accuracy)
        if on_epoch is not None:
            on_epoch(history[-1])
    return History(tuple(history), place.type)


def _prepare(model: nn.Module, device: torch.device) -> None:
    model.to(device)
    if device.type != "mps":
        model.to(memory_format=torch.channels_last)  # the layout that the convolution kernels run fastest in
    if device.type == "cpu":
        keep_freed_memory()
