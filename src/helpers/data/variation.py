"""Many images from few prototypes: each one moved, bent and shaded by chance, in batches of tensors."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.data.sketch import SIZE

BATCH = 2_000  # 25 MB of prototypes at a time


@dataclass(frozen=True)
class Variation:
    """How far an image may depart from its prototype, in each respect."""

    rotation: float  # degrees, standard deviation
    shear: float  # columns per row, standard deviation
    size: tuple[float, float]  # factor, drawn uniformly for each axis
    shift: float  # pixels, greatest
    bend: float  # pixels, standard deviation of a smooth displacement
    shading: float  # relative, standard deviation of a smooth change of brightness
    grain: float  # relative, standard deviation of the noise in each pixel


def vary(prototypes: Tensor, picks: Tensor, *, variation: Variation, generator: torch.Generator) -> Tensor:
    """Turn prototypes (P, 56, 56) in [0, 1] into images (N, 28, 28) of bytes, one for each index in `picks`.

    The background stays black: brightness and noise are factors on the ink.
    """
    starts = range(0, len(picks), BATCH)
    return torch.cat([_vary(prototypes[picks[at : at + BATCH]], variation, generator) for at in starts])


def _vary(batch: Tensor, variation: Variation, generator: torch.Generator) -> Tensor:
    count = len(batch)
    grid = F.affine_grid(_affine(count, variation, generator), [count, 1, SIZE, SIZE], align_corners=False)
    bend = _smooth(count, 2, generator) * (variation.bend * 2 / SIZE)  # the grid counts from -1 to 1
    grid = grid + bend.movedim(1, -1)
    images = F.grid_sample(batch.unsqueeze(1), grid, align_corners=False)  # (N, 1, 28, 28)
    images *= 1 + variation.shading * _smooth(count, 1, generator)
    images *= 1 + variation.grain * torch.randn(images.shape, generator=generator)
    return images.squeeze(1).mul(255).round().clamp(0, 255).to(torch.uint8)  # (N, 28, 28)


def _affine(count: int, variation: Variation, generator: torch.Generator) -> Tensor:
    """Random maps from the image to its prototype, as `affine_grid` takes them, shape (count, 2, 3)."""
    turn = torch.randn(count, generator=generator) * math.radians(variation.rotation)
    shear = torch.randn(count, generator=generator) * variation.shear
    low, high = variation.size
    enlargement = low + (high - low) * torch.rand(2, count, generator=generator)
    shift = (2 * torch.rand(2, count, generator=generator) - 1) * (variation.shift * 2 / SIZE)
    across = torch.stack([turn.cos(), shear - turn.sin(), shift[0]], dim=-1) / enlargement[0].unsqueeze(-1)
    down = torch.stack([turn.sin(), turn.cos(), shift[1]], dim=-1) / enlargement[1].unsqueeze(-1)
    return torch.stack([across, down], dim=1)


def _smooth(count: int, channels: int, generator: torch.Generator) -> Tensor:
    """Smooth random fields (count, channels, 28, 28): a few random values, interpolated."""
    coarse = torch.randn(count, channels, 5, 5, generator=generator)
    return F.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic", align_corners=True)
