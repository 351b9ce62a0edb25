"""The images that an experiment trains, validates and tests on, and changes of them.

A change of images or labels is made once, before training. Its random numbers have a seed of their own, so
that it is the same for every run.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.checks import choice, whole_number
from helpers.data import Images, excerpt, load, stand_in

# The seed that `stride-bilstm` prints for its split; which images it holds out is not published.
SPLIT_SEED = 42

Corner = Literal["up-left", "down-right"]


class Splits(NamedTuple):
    """The images that a run trains on, validates on after each epoch, and is tested on at the end."""

    train: Images
    validation: Images
    test: Images


Change = Callable[[Splits], Splits]


@lru_cache(maxsize=1)  # a worker runs the same experiment many times
def prepare(data: str, *, validation: int, drawn: int = 0) -> Splits:
    """Load the images of an experiment; the held-out ones are the same for every seed.

    Args:
        data: "mnist" or "fashion-mnist".
        validation: how many training images to hold out; with 0 the test images validate.
        drawn: 0 for the real data; else how many images of the stand-in to train on, with a quarter as many,
            at least one, to test on.

    Raises:
        ValueError: if no image would be left to train on.
        DataUnavailable, CorruptData: as `helpers.data.load` does.
    """
    to_test_on = max(1, drawn // 4) if drawn else 0
    train, test = _images(data, "train", drawn), _images(data, "test", to_test_on)
    if not validation:
        return Splits(train, test, test)
    kept, held_out = stratified_split(train.labels, held_out=validation)
    return Splits(train.select(kept), train.select(held_out), test)


def stratified_split(labels: Tensor, *, held_out: int, seed: int = SPLIT_SEED) -> tuple[Tensor, Tensor]:
    """Indices to keep and indices to hold out, each sorted, with each class held out in proportion.

    The images are shuffled, sorted by class, and then held out at even steps: shares are right to one image.

    Raises:
        ValueError: unless 0 < held_out < the number of labels.

    >>> kept, out = stratified_split(torch.tensor([0, 1, 0, 1, 0, 1]), held_out=2)
    >>> len(kept), len(out)
    (4, 2)
    """
    count = len(labels)
    if not 0 < held_out < count:
        raise ValueError(f"held_out must be from 1 to {count - 1}, to leave some images, got {held_out}")
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[torch.argsort(labels[shuffled], stable=True)]
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[by_class[torch.arange(held_out) * count // held_out]] = True
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def excerpted(splits: Splits, *, drawn: bool) -> Splits:
    """Take the few images that a web page trains on (`helpers.data.excerpt`); the test images validate.

    Args:
        splits: the splits, which name the data set.
        drawn: whether to take drawn images instead of real ones.
    """
    train, test = _excerpts(splits.train.name, drawn)
    return Splits(train, test, test)


@lru_cache(maxsize=1)  # a worker needs the same ones many times
def _excerpts(name: str, drawn: bool) -> tuple[Images, Images]:
    train, test = (excerpt(name, split=split, drawn=drawn) for split in ("train", "test"))
    return train, test


def pushed(splits: Splits, *, corner: Corner) -> Splits:
    """Shift every image of all splits into a corner, as far as no ink is lost.

    Raises:
        ValueError: if the corner is another.
    """
    choice("corner", corner, get_args(Corner))
    return _of_all(splits, lambda images: _push(images, to_end=corner == "down-right"))


def blanked(splits: Splits, *, rings: int) -> Splits:
    """Make the outermost rings of pixels black, in every image of all splits.

    Raises:
        ValueError: unless at least one ring is made black and a pixel is left.
    """
    size = splits.train.images.shape[-1]
    if not 0 < rings < size / 2:
        raise ValueError(f"rings must be from 1 to {(size - 1) // 2}, got {rings}")

    def blank(images: Tensor) -> Tensor:
        inside = slice(rings, size - rings)
        black = torch.zeros_like(images)
        black[:, inside, inside] = images[:, inside, inside]
        return black

    return _of_all(splits, blank)


def mislabeled(splits: Splits, *, share: float, seed: int = 0) -> Splits:
    """Give a share of the training images the label of another class, each with the same probability.

    Raises:
        ValueError: unless 0 < share <= 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0, and at most 1, got {share}")
    labels, random = splits.train.labels.clone(), torch.Generator().manual_seed(seed)
    classes = len(splits.train.classes)
    chosen = torch.randperm(len(labels), generator=random)[: round(share * len(labels))]
    labels[chosen] = (labels[chosen] + torch.randint(1, classes, chosen.shape, generator=random)) % classes
    return splits._replace(train=replace(splits.train, labels=labels))


def shuffled_labels(splits: Splits, *, seed: int = 0) -> Splits:
    """Permute the labels of the training images, so that they say nothing about the images."""
    order = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(seed))
    return splits._replace(train=replace(splits.train, labels=splits.train.labels[order]))


def first_images(splits: Splits, *, train: int, validation: int) -> Splits:
    """Keep the first `train` training and `validation` validation images, and all test images.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if it is below 1.
    """
    for name, number in (("train", train), ("validation", validation)):
        whole_number(name, number, at_least=1)
    return splits._replace(train=splits.train.first(train), validation=splits.validation.first(validation))


def moved_and_mirrored(images: Tensor, generator: torch.Generator, *, pixels: int) -> Tensor:
    """Augment a batch: shift each image randomly on both axes, and mirror about half of them.

    Shifted images are filled with black. Garments, unlike digits, may be mirrored.

    Args:
        images: float, shape (N, 1, H, W).
        generator: source of the random numbers.
        pixels: the largest shift; all whole numbers from -pixels to pixels have the same probability.
    """
    count, _, height, width = images.shape
    down, right = torch.randint(-pixels, pixels + 1, (2, count, 1), generator=generator).to(images.device)
    mirrored = torch.rand((count, 1), generator=generator).to(images.device) < 0.5
    rows = torch.arange(height, device=images.device) + pixels - down  # (N, H)
    columns = torch.arange(width, device=images.device) + pixels - right  # (N, W)
    columns = torch.where(mirrored, columns.flip(1), columns)
    framed = F.pad(images[:, 0], (pixels,) * 4)  # (N, H + 2 pixels, W + 2 pixels)
    return _picked(framed, rows, columns).unsqueeze(1)


def _images(data: str, split: str, drawn: int) -> Images:
    return stand_in(data, split=split, size=drawn) if drawn else load(data, split=split)


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
        # Only blank lines are rolled over the edge, so no ink is lost.
        lines.append((torch.arange(size) + blank.unsqueeze(1)) % size)  # (N, size)
    return _picked(images, *lines)


def _picked(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Select from each image (H, W) its own rows and columns: shape (N, rows, columns)."""
    which = torch.arange(len(images), device=images.device)[:, None, None]
    return images[which, rows.unsqueeze(2), columns.unsqueeze(1)]
