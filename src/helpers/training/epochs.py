"""Labeled images, one epoch of training on them, and one evaluation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.checks import whole_number
from helpers.training.streams import Streams, global_stream


class Labeled(Protocol):
    """Anything with `images` and `labels`, such as `helpers.data.Images`.

    Images are (N, H, W) or (N, C, H, W), uint8 from 0 to 255, or float as the model takes them; labels (N,).
    """

    @property
    def images(self) -> Tensor:
        """The images."""

    @property
    def labels(self) -> Tensor:
        """The class of each image."""


class Examples(NamedTuple):
    """Two plain tensors as `Labeled`."""

    images: Tensor
    labels: Tensor


def on_device(name: str, examples: Labeled, device: torch.device) -> Examples:
    """All of `examples` on `device`, the labels as int64; tensors that are there already are not copied.

    Raises:
        ValueError: if there are no images, they have another rank, or the labels do not match.
    """
    images, labels = examples.images, examples.labels
    if images.dim() not in (3, 4) or len(images) == 0:
        raise ValueError(f"{name}.images must be (N, H, W) or (N, C, H, W), N > 0, got {tuple(images.shape)}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{name}.labels must have shape ({len(images)},), got {tuple(labels.shape)}")
    return Examples(images.to(device), labels.to(device, torch.int64))


def as_input(images: Tensor) -> Tensor:
    """A batch as a model takes it, (N, C, H, W): uint8 becomes float32 from 0 to 1, float stays as it is."""
    if images.dim() == 3:
        images = images.unsqueeze(1)  # (N, 1, H, W)
    return images.to(torch.float32).div_(255) if images.dtype == torch.uint8 else images


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of this name; "auto" takes a GPU where there is one.

    Raises:
        ValueError: if the name is not "auto", "cpu", "cuda" or "mps", or this machine has no such device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, is_here in available.items() if is_here)
    if name not in available:
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda' or 'mps', got {name!r}")
    if not available[name]:
        raise ValueError(f"device must be one that this machine has, got {name!r}: use 'auto' or 'cpu'")
    return torch.device(name)


Augment = Callable[[Tensor, torch.Generator], Tensor]  # a batch and a generator to a changed batch


class Optimizer(Protocol):
    """What a step of training needs; every optimizer of `torch.optim` has it."""

    def zero_grad(self) -> None:
        """Set the gradients of all parameters to None."""

    def step(self) -> object:
        """Update the parameters by their gradients."""


class Score(NamedTuple):
    """Mean cross-entropy in nats, and accuracy from 0 to 1."""

    loss: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model evaluated on N images: loss and accuracy as in `Score`, probabilities (N, classes)."""

    loss: float
    accuracy: float
    probabilities: Tensor

    @property
    def predictions(self) -> Tensor:
        """The most probable class of each image, (N,)."""
        return self.probabilities.argmax(dim=1)


class TrainingDiverged(RuntimeError):
    """The loss became infinite or not a number; `epoch` and `step` count from 1."""

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__(epoch, step)  # as arguments, so that the error can be pickled
        self.epoch, self.step = epoch, step

    def __str__(self) -> str:
        return f"the loss is not finite at epoch {self.epoch}, step {self.step}"


def train_one_epoch(
    model: nn.Module,
    train: Labeled,
    optimizer: Optimizer,
    *,
    batch_size: int,
    streams: Streams,
    augment: Augment | None = None,
    epoch: int = 1,
) -> Score:
    """Train for one epoch: one step of the optimizer for each batch of `train`, in a new random order.

    The score is the running one that Keras logs: each batch is scored by the model just before the step that
    learns from it, with dropout on.

    Args:
        model: maps images (N, C, H, W) to logits (N, classes); left in training mode.
        train: the training images.
        optimizer: of the model's parameters.
        batch_size: images a step; the last step takes what is left.
        streams: the run's generators; order, dropout and augmentation are drawn from them.
        augment: changes a batch of float images; takes the batch and the generator to draw from.
        epoch: number of this epoch in an error.

    Raises:
        TypeError: if `batch_size` is not an integer.
        ValueError: if it is below 1.
        TrainingDiverged: at the end of the epoch, if a loss in it was not finite.
    """
    model.train()
    device, count = _device(model), len(train.images)
    order = torch.randperm(count, generator=streams.order).to(train.images.device)
    batches = torch.split(order, whole_number("batch_size", batch_size, at_least=1))
    losses, hits = torch.empty(len(batches), device=device), torch.zeros((), dtype=torch.int64, device=device)
    with global_stream(streams.dropout, device):
        for step, batch in enumerate(batches):
            images = as_input(train.images.index_select(0, batch).to(device))  # (batch, C, H, W)
            labels = train.labels[batch].to(device)
            if augment is not None:
                images = augment(images, streams.augmentation)
            logits = model(images)  # (batch, classes)
            loss = F.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            # Read back once an epoch: on a GPU, each `.item()` here would wait for the step to end.
            losses[step] = loss.detach()
            hits += (logits.argmax(dim=1) == labels).sum()
    _check_finite(losses, epoch)
    sizes = torch.tensor([len(batch) for batch in batches], device=device)
    return Score((losses.double() @ sizes.double()).item() / count, hits.item() / count)


@torch.inference_mode()
def evaluate(model: nn.Module, examples: Labeled, *, batch_size: int = 100) -> Evaluation:
    """Compute loss, accuracy and probabilities on all of `examples`; the model is left in evaluation mode.

    Batches are small so that the feature maps of a layer fit in the processor's cache.

    Raises:
        TypeError: if `batch_size` is not an integer.
        ValueError: if it is below 1.
    """
    model.eval()
    batches = torch.split(examples.images, whole_number("batch_size", batch_size, at_least=1))
    device = _device(model)
    logits = torch.cat([model(as_input(batch.to(device))) for batch in batches]).cpu()  # (N, classes)
    labels = examples.labels.cpu()
    hits = int((logits.argmax(dim=1) == labels).sum())
    return Evaluation(F.cross_entropy(logits, labels).item(), hits / len(labels), logits.softmax(dim=1))


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _check_finite(losses: Tensor, epoch: int) -> None:
    diverged = (~losses.isfinite()).nonzero()
    if len(diverged):
        raise TrainingDiverged(epoch, step=int(diverged[0]) + 1)
