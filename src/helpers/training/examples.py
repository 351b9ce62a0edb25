"""What training takes: images and labels as two tensors, and the device that they are moved to."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


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
    """All of `examples` in the memory of `device`, the labels as int64; what is there already is not copied.

    Raises:
        ValueError: if there are no images, they have another rank, or the labels do not match.
    """
    images, labels = examples.images, examples.labels
    if images.dim() not in (3, 4) or len(images) == 0:
        raise ValueError(f"{name}.images must be (N, H, W) or (N, C, H, W), N > 0, got {tuple(images.shape)}")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"{name} has {len(images)} images, but labels of shape {tuple(labels.shape)}")
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
        raise ValueError(f"device must be one that this machine has, got {name!r}; use 'auto' or 'cpu'")
    return torch.device(name)
