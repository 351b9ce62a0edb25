"""The stand-in: a labeled data set of the same shape, drawn where the real one cannot be had.

Digits are set in the fonts that matplotlib brings along, garments are drawn from outlines (`garments`). These
are the prototypes; every image is one of them, randomly moved, bent and shaded.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from helpers.checks import whole_number
from helpers.data.garments import FINENESS, SCALE, SIDE, draw_garment
from helpers.data.images import CLASSES, SIZES, Images, require_known

PROTOTYPES = 100  # drawings per class; every image is a variation of one of them
BATCH = 2_000  # 25 MB of prototypes at a time
BOX = 20  # MNIST scales each digit into a box of 20 x 20 pixels
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "cmr10",
    "cmb10",
    "cmss10",
    "cmtt10",
    "cmti10",
    "cmmi10",
)


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


def stand_in(name: str, *, split: str, size: int | None = None, seed: int = 0) -> Images:
    """Draw a data set of the shape, the classes and the size of the real one.

    Digits are set in the fonts that matplotlib brings along, garments are drawn from outlines; each image is
    a drawing, randomly moved and bent, with noise. The classes are balanced, their order is shuffled. The
    same arguments give the same images (with the same versions of the packages); the two splits share no
    image.

    Args:
        name: "mnist" or "fashion-mnist".
        split: "train" or "test".
        size: how many images; those of the real split (60,000 or 10,000) if not given.
        seed: another seed gives other images, any integer from 0.

    Raises:
        ValueError: for an unknown name or split, a size below 1, a seed below 0.
        TypeError: for a size or a seed that is no int.

    >>> stand_in("mnist", split="test", size=20)
    <Images mnist, test: 20, drawn stand-in>
    """
    require_known(name, split)
    size = SIZES[split] if size is None else size
    size, seed = whole_number("size", size, at_least=1), whole_number("seed", seed, at_least=0)
    random = np.random.default_rng([seed, list(SIZES).index(split), list(CLASSES).index(name)])
    generator = torch.Generator().manual_seed(int(random.integers(2**63)))
    labels = (torch.arange(size) % len(CLASSES[name]))[torch.randperm(size, generator=generator)]
    images = _drawn(name, labels, random=random, generator=generator)
    return Images(images, labels, CLASSES[name], is_stand_in=True, name=name, split=split)


def draw_digit(label: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw one digit as MNIST prepares them, shape (56, 56), values in [0, 1].

    The ink fits a box of 20 x 20 pixels and its center of mass is the center of the image.
    Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", on the preparation.
    """
    glyph = _glyph(str(label), font=str(random.choice(FONTS)), thicker=int(random.integers(0, 5)))
    enlargement = BOX * SCALE / max(glyph.size)
    size = round(glyph.width * enlargement), round(glyph.height * enlargement)
    return _centered(np.asarray(glyph.resize(size), dtype=np.float32) / np.float32(255))


def _glyph(character: str, *, font: str, thicker: int) -> Image.Image:
    import matplotlib  # here, since a process that has the real images draws none

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf")
    side = SIDE * SCALE
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text(
        (side / 2, side / 2),
        character,
        font=ImageFont.truetype(path, size=BOX * SCALE),
        fill=255,
        anchor="mm",
        stroke_width=thicker,
    )
    return canvas.crop(canvas.getbbox())


def _centered(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = np.indices(ink.shape)
    row, column = np.average(rows, weights=ink), np.average(columns, weights=ink)
    middle = SIDE * SCALE / 2
    page = Image.new("F", (SIDE * SCALE, SIDE * SCALE))
    page.paste(Image.fromarray(ink), (round(middle - column), round(middle - row)))
    return np.asarray(page.reduce(SCALE // FINENESS), dtype=np.float32)


def vary(prototypes: Tensor, picks: Tensor, *, variation: Variation, generator: torch.Generator) -> Tensor:
    """Turn prototypes (P, 56, 56) in [0, 1] into images (N, 28, 28) of bytes, one for each index in `picks`.

    The background stays black: brightness and noise are factors on the ink.
    """
    starts = range(0, len(picks), BATCH)
    return torch.cat([_vary(prototypes[picks[at : at + BATCH]], variation, generator) for at in starts])


def _vary(batch: Tensor, variation: Variation, generator: torch.Generator) -> Tensor:
    count = len(batch)
    grid = F.affine_grid(_affine(count, variation, generator), [count, 1, SIDE, SIDE], align_corners=False)
    bend = _smooth(count, 2, generator) * (variation.bend * 2 / SIDE)  # the grid counts from -1 to 1
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
    shift = (2 * torch.rand(2, count, generator=generator) - 1) * (variation.shift * 2 / SIDE)
    across = torch.stack([turn.cos(), shear - turn.sin(), shift[0]], dim=-1) / enlargement[0].unsqueeze(-1)
    down = torch.stack([turn.sin(), turn.cos(), shift[1]], dim=-1) / enlargement[1].unsqueeze(-1)
    return torch.stack([across, down], dim=1)


def _smooth(count: int, channels: int, generator: torch.Generator) -> Tensor:
    """Smooth random fields (count, channels, 28, 28): a few random values, interpolated."""
    coarse = torch.randn(count, channels, 5, 5, generator=generator)
    return F.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic", align_corners=True)


def _drawn(name: str, labels: Tensor, *, random: np.random.Generator, generator: torch.Generator) -> Tensor:
    kinds = len(CLASSES[name])
    each = min(PROTOTYPES, -(-len(labels) // kinds))
    drawings = [_DRAW[name](label, random) for label in range(kinds) for _ in range(each)]
    picks = labels * each + torch.randint(each, labels.shape, generator=generator)
    return vary(torch.from_numpy(np.stack(drawings)), picks, variation=_VARIATION[name], generator=generator)


_DRAW: dict[str, Callable[[int, np.random.Generator], NDArray[np.float32]]] = {
    "mnist": draw_digit,
    "fashion-mnist": draw_garment,
}
_VARIATION = {
    "mnist": Variation(
        rotation=10, shear=0.18, size=(0.78, 1.05), shift=0.4, bend=0.95, shading=0.0, grain=0.08
    ),
    "fashion-mnist": Variation(
        rotation=2, shear=0.02, size=(0.92, 1.06), shift=1.0, bend=0.45, shading=0.08, grain=0.04
    ),
}
