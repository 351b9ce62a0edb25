"""Measurements of a trained network besides its accuracy on the test images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint_sequential

from helpers.training import Examples, evaluate
from study.experiments.preparation import Splits


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished run, as measurements take it.

    Attributes:
        model: the trained network, on its device.
        untrained: function that makes the network with its initial weights.
        splits: the images of the run.
        unchanged: the images before the variant's changes.
    """

    model: nn.Module
    untrained: Callable[[], nn.Module]
    splits: Splits
    unchanged: Splits


Measurement = Callable[[Trained], Mapping[str, float]]


def under_noise(trained: Trained, *, levels: Sequence[float], seed: int = 0) -> dict[str, float]:
    """Accuracy when Gaussian noise is added to the test images, the same for every network.

    Args:
        trained: the run.
        levels: standard deviations of the noise, with black 0 and white 1; sums are clipped to that range.
        seed: seed of the noise.
    """
    clean = trained.splits.test.as_float()  # (N, 1, H, W)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    return {
        f"accuracy-noise-{level}": _accuracy(trained, (clean + level * noise).clamp_(0, 1))
        for level in levels
    }


def under_shifts(trained: Trained, *, pixels: Sequence[int]) -> dict[str, float]:
    """Accuracy, and share of unchanged predictions, when the test images are shifted and filled with black.

    Both are means over the four directions. Consistent is not correct: a network that always makes the same
    wrong prediction is consistent.

    Args:
        trained: the run.
        pixels: distances of the shifts; each is measured for itself.
    """
    test = trained.splits.test
    still = evaluate(trained.model, test).predictions
    measured = {}
    for distance in pixels:
        moved = [
            evaluate(trained.model, Examples(shifted(test.images, *direction), test.labels))
            for direction in ((distance, 0), (-distance, 0), (0, distance), (0, -distance))
        ]
        same = [(answer.predictions == still).double().mean().item() for answer in moved]
        measured[f"accuracy-shift-{distance}"] = fmean(answer.accuracy for answer in moved)
        measured[f"consistency-shift-{distance}"] = fmean(same)
    return measured


def shifted(images: Tensor, down: int, right: int) -> Tensor:
    """The images (N, H, W) shifted by whole pixels and filled with black."""
    return F.pad(images, (right, -right, down, -down))


def fit_of_labels(trained: Trained) -> dict[str, float]:
    """Shares of the mislabeled training images that are predicted as their wrong and as their true label."""
    given, true = trained.splits.train.labels, trained.unchanged.train.labels
    wrong = (given != true).nonzero().flatten()
    images = trained.splits.train.images[wrong]
    return {
        f"mislabeled-as-{name}": evaluate(trained.model, Examples(images, labels[wrong])).accuracy
        for name, labels in (("given", given), ("true", true))
    }


def edge_response(trained: Trained) -> dict[str, float]:
    """How far the response of the last convolution at its border differs from its center, on a white image.

    Nothing differs along a white image, so any difference comes from the padding. It is the mean over
    channels and the outermost ring of the absolute difference from the center, as a share of the mean
    absolute response there; before the ReLU.
    """
    white = torch.ones(1, 1, *trained.splits.test.images.shape[1:])
    (response,) = _last_maps(trained.model, white)  # (C, H, W)
    height, width = response.shape[1:]
    center = response[:, height // 2, width // 2]  # (C,)
    difference = (response - center[:, None, None]).abs().mean(0)  # (H, W)
    ring = torch.ones(height, width, dtype=torch.bool, device=response.device)
    ring[1:-1, 1:-1] = False
    return {"edge-response": (difference[ring].mean() / center.abs().mean()).item()}


def initial_gradients(trained: Trained, *, images: int) -> dict[str, float]:
    """The gradient at the first convolution of the untrained network, compared with that at the last.

    It is the decimal logarithm of the ratio of their root mean squares: 0 if both are the same.

    Args:
        trained: the run; its network is an `nn.Sequential`.
        images: how many of the first training images the loss is taken on.
    """
    model, train = trained.untrained().eval(), trained.splits.train
    batch = train.first(min(images, len(train)))
    # Checkpointing keeps the maps of a fifth of the layers at a time, and gives the same gradient to the bit.
    logits = checkpoint_sequential(model, 5, batch.as_float(), use_reentrant=False)  # type: ignore[no-untyped-call]
    loss = F.cross_entropy(logits, batch.labels)
    convolutions = _convolutions(model)
    ends = convolutions[0].weight, convolutions[-1].weight
    first, last = (gradient.square().mean().sqrt().item() for gradient in torch.autograd.grad(loss, ends))
    return {"gradient-ratio": log10(first / last)}


def position_read_out(trained: Trained, *, images: int, seed: int = 0) -> dict[str, float]:
    """How well a linear model of the last convolution's channels predicts the position of a unit in its map.

    The network is shown noise, which is alike everywhere, so only padding can make positions differ. Row and
    column of each unit are predicted from the unit's channels by least squares, fitted on the first half of
    the images. The result is R-squared on the second half, the mean of both axes: 1 if the position is known
    exactly, about 0 if nothing is known of it.

    Args:
        trained: the run.
        images: number of noise images, at least 2, uniform from black to white.
        seed: seed of the noise, the same for every network.
    """
    shape = (images, 1, *trained.splits.test.images.shape[1:])
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    maps = _last_maps(trained.model, noise)  # (N, C, h, w)
    units = maps.permute(0, 2, 3, 1)  # (N, h, w, C)
    units = torch.cat((units, torch.ones_like(units[..., :1])), dim=-1)
    places = torch.cartesian_prod(*(torch.arange(size).double() for size in maps.shape[2:]))  # (h * w, 2)
    places = places - places.mean(dim=0)
    fitted, held_out = units.flatten(1, 2).tensor_split(2)
    weights = torch.linalg.lstsq(fitted.flatten(0, 1), places.repeat(len(fitted), 1), driver="gelsd").solution
    wrong = (held_out.flatten(0, 1) @ weights - places.repeat(len(held_out), 1)).square().mean(dim=0)
    return {"position": (1 - wrong / places.square().mean(dim=0)).mean().item()}


def _accuracy(trained: Trained, images: Tensor) -> float:
    return evaluate(trained.model, Examples(images, trained.splits.test.labels)).accuracy


def _last_maps(model: nn.Module, images: Tensor) -> Tensor:
    """The output of the last convolution for the images, before the ReLU: (N, C, H, W), float64."""
    maps: list[Tensor] = []
    convolution = _convolutions(model)[-1]
    hook = convolution.register_forward_hook(lambda _, __, output: maps.append(output.double()))
    with torch.inference_mode():
        model.eval()(images.to(convolution.weight.device))
    hook.remove()
    return maps[0].cpu()


def _convolutions(model: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
