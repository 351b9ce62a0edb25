"""The images an experiment trains, validates and tests on."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.data import Images, load, stand_in

SPLIT_SEED = (
    42  # the number that `stride-bilstm` gives its split; which images that holds out is not published
)


class Splits(NamedTuple):
    """What a run learns from, validates on after each epoch, and is tested on in the end."""

    train: Images
    validation: Images
    test: Images


@lru_cache(maxsize=1)  # a worker meets the same experiment again and again
def prepare(data: str, *, validation: int, drawn: int = 0) -> Splits:
    """Load the images of an experiment; the held-out ones are the same for every seed.

    Args:
        data: "mnist" or "fashion-mnist".
        validation: how many training images to hold out; with 0 the test images validate.
        drawn: 0 for the real data; else so many images of the stand-in to train on, and a quarter, at least
            one, to test on.

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
    """Indices to keep and indices to hold out, each sorted; every class gives its share, to within one image.

    The images are shuffled, sorted by class, and then held out at even steps.

    Raises:
        ValueError: unless 0 < held_out < the number of labels.

    >>> kept, out = stratified_split(torch.tensor([0, 1, 0, 1, 0, 1]), held_out=2)
    >>> len(kept), len(out)
    (4, 2)
    """
    count = len(labels)
    if not 0 < held_out < count:
        raise ValueError(f"held_out={held_out}: must be from 1 to {count - 1}, so that some images are left")
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[torch.argsort(labels[shuffled], stable=True)]
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[by_class[torch.arange(held_out) * count // held_out]] = True
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def _images(data: str, split: str, drawn: int) -> Images:
    return stand_in(data, split=split, size=drawn) if drawn else load(data, split=split)
