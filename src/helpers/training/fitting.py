"""A whole training run: epochs, each followed by an evaluation."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from helpers.checks import whole_number
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
    on_device,
    train_one_epoch,
)
from helpers.training.streams import streams

FUSED_ADAM = partial(torch.optim.Adam, fused=True)  # updates all parameters in one kernel
FASTEST_LAYOUT = {"cpu": torch.channels_last, "cuda": torch.channels_last, "mps": torch.preserve_format}
"""The layout of feature maps in which convolution runs fastest, by kind of device."""


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
    optimizer: Callable[..., Optimizer] = FUSED_ADAM,
    augment: Augment | None = None,
    fitted_images: int = 0,
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] | None = None,
) -> History:
    """Train `model` in place with Adam on cross-entropy, and evaluate it after each epoch.

    On one machine's CPU and with one number of threads, the same seed gives the same numbers to the last bit.
    Torch's global generator has no part in it, and is left as it was. The weights are taken as they are: to
    seed them too, draw them from `streams(seed).initialization` first.

    Args:
        model: maps images (N, C, H, W) to logits (N, classes); moved to the device.
        train: the training images.
        validation: the images to evaluate on.
        epochs: passes over `train`.
        batch_size: images a step; the last step of an epoch takes what is left.
        seed: of order, dropout and augmentation.
        learning_rate: of the optimizer.
        epsilon: of Adam; 1e-7 is Keras's. (Keras adds it before the bias correction, torch after.)
        optimizer: called with the parameters, `lr` and `eps`, as `torch.optim.Adam` is.
        augment: changes a batch of float images; takes the batch and the generator to draw from.
        fitted_images: evaluate on this many of the first training images as well.
        device: "auto", "cpu", "cuda" or "mps".
        on_epoch: called with each epoch when it is over.

    Raises:
        TypeError: if a count or the seed is not an integer.
        ValueError: if one is too small, images and labels do not match, or the device is not there.
        TrainingDiverged: if a loss is not finite.
    """
    epochs = whole_number("epochs", epochs, at_least=1)
    fitted_images = whole_number("fitted_images", fitted_images, at_least=0)
    torch_device, generators = choose_device(device), streams(seed)
    train = on_device("train", train, torch_device)
    validation = on_device("validation", validation, torch_device)
    first_images = Examples(train.images[:fitted_images], train.labels[:fitted_images])
    model.to(torch_device).to(memory_format=FASTEST_LAYOUT[torch_device.type])
    adam = optimizer(model.parameters(), lr=learning_rate, eps=epsilon)
    history: list[Epoch] = []
    for number in range(1, epochs + 1):
        began = time.perf_counter()
        running = train_one_epoch(
            model, train, adam, batch_size=batch_size, streams=generators, augment=augment, epoch=number
        )
        seconds = time.perf_counter() - began
        after = evaluate(model, validation)
        if not math.isfinite(after.loss):  # the last step can diverge, and no later step would notice
            raise TrainingDiverged(number, step=math.ceil(len(train.images) / batch_size))
        fitted = evaluate(model, first_images) if fitted_images else None
        history.append(_metrics(number, running, after, fitted, seconds=seconds))
        if on_epoch is not None:
            on_epoch(history[-1])
    return History(tuple(history), torch_device.type)


def _metrics(
    number: int, running: Score, after: Evaluation, fitted: Evaluation | None, *, seconds: float
) -> Epoch:
    return Epoch(
        epoch=number,
        train_loss=running.loss,
        train_accuracy=running.accuracy,
        validation_loss=after.loss,
        validation_accuracy=after.accuracy,
        seconds=seconds,
        fitted_loss=fitted.loss if fitted else None,
        fitted_accuracy=fitted.accuracy if fitted else None,
    )
