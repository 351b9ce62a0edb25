"""What is done to images and labels before a network learns from them; what is random has its own seed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from helpers.data import Images
from study.experiments.preparation import Splits

Change = Callable[[Splits], Splits]
Corner = Literal["up-left", "down-right"]


def pushed(splits: Splits, *, corner: Corner) -> Splits:
    """Move every image of all splits as far into a corner as its ink goes; no ink is lost.

    Raises:
        ValueError: if the corner is another.
    """
    if corner not in ("up-left", "down-right"):
        raise ValueError(f"corner={corner!r}: must be 'up-left' or 'down-right'")
    return _of_all(splits, lambda images: _push(images, to_end=corner == "down-right"))


def blanked(splits: Splits, *, rings: int) -> Splits:
    """Make the outermost rings of pixels black, in every image of all splits.

    Raises:
        ValueError: unless at least one ring is made black and a pixel is left.
    """
    size = splits.train.images.shape[-1]
    if not 0 < rings < size / 2:
        raise ValueError(f"rings={rings}: must be from 1 to {(size - 1) // 2}")

    def blank(images: Tensor) -> Tensor:
        inside = slice(rings, size - rings)
        black = torch.zeros_like(images)
        black[:, inside, inside] = images[:, inside, inside]
        return black

    return _of_all(splits, blank)


def mislabeled(splits: Splits, *, share: float, seed: int = 0) -> Splits:
    """Give this share of the training images the label of another class, any with the same chance.

    Raises:
        ValueError: unless 0 < share <= 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: must be above 0, and 1 at most")
    labels, random = splits.train.labels.clone(), torch.Generator().manual_seed(seed)
    classes = len(splits.train.classes)
    chosen = torch.randperm(len(labels), generator=random)[: round(share * len(labels))]
    labels[chosen] = (labels[chosen] + torch.randint(1, classes, chosen.shape, generator=random)) % classes
    return splits._replace(train=replace(splits.train, labels=labels))


def shuffled_labels(splits: Splits, *, seed: int = 0) -> Splits:
    """Deal the labels of the training images out anew, so that they tell nothing about the images."""
    order = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(seed))
    return splits._replace(train=replace(splits.train, labels=splits.train.labels[order]))


def moved_and_mirrored(images: Tensor, generator: torch.Generator, *, pixels: int) -> Tensor:
    """Augment a batch: move each image up to so many pixels on both axes, and mirror half of them.

    What is moved in is black. Garments, unlike digits, are as good mirrored.

    Args:
        images: float, shape (N, 1, H, W).
        generator: what is drawn from.
        pixels: at most; every whole number up to it has the same chance, in each direction.
    """
    count, _, height, width = images.shape
    down, right = torch.randint(-pixels, pixels + 1, (2, count, 1), generator=generator).to(images.device)
    mirrored = torch.rand((count, 1), generator=generator).to(images.device) < 0.5
    rows = torch.arange(height, device=images.device) + pixels - down  # (N, H)
    columns = torch.arange(width, device=images.device) + pixels - right  # (N, W)
    columns = torch.where(mirrored, columns.flip(1), columns)
    framed = torch.nn.functional.pad(images[:, 0], (pixels,) * 4)  # (N, H + 2 pixels, W + 2 pixels)
    return _picked(framed, rows, columns).unsqueeze(1)


def _of_all(splits: Splits, change: Callable[[Tensor], Tensor]) -> Splits:
    train, test = (_changed(images, change) for images in (splits.train, splits.test))
    if splits.validation is splits.test:
        return Splits(train, test, test)
    return Splits(train, _changed(splits.validation, change), test)


def _changed(images: Images, change: Callable[[Tensor], Tensor]) -> Images:
    return replace(images, images=change(images.images))


def _push(images: Tensor, *, to_end: bool) -> Tensor:
    size = images.shape[-1]
    ink = images > 0
    lines = []
    for across in (2, 1):  # rows have ink across the columns, and the other way round
        occupied = ink.any(across).to(torch.uint8)  # (N, size)
        blank = -occupied.flip(1).argmax(1) if to_end else occupied.argmax(1)
        # What is rolled over the edge is blank, so rolling loses nothing.
        lines.append((torch.arange(size) + blank.unsqueeze(1)) % size)  # (N, size)
    return _picked(images, *lines)


def _picked(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Of each image (H, W) its own rows and columns, shape (N, rows, columns)."""
    which = torch.arange(len(images), device=images.device)[:, None, None]
    return images[which, rows.unsqueeze(2), columns.unsqueeze(1)]
