"""The stand-in: a labeled data set of the same shape, drawn where the real one cannot be had."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from helpers.data.digits import draw_digit
from helpers.data.garments import draw_garment
from helpers.data.images import CLASSES, SIZES, Images, require_known
from helpers.data.variation import Variation, vary

PROTOTYPES = 100  # drawings per class; every image is a variation of one of them

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


def stand_in(name: str, *, split: str, size: int | None = None, seed: int = 0) -> Images:
    """Draw a data set of the shape, the classes and the size of the real one.

    Digits are set in the fonts that matplotlib brings along, garments are drawn from outlines; each image is
    a drawing moved, bent and grained by chance. The classes are balanced, their order is shuffled. The same
    arguments give the same images (with the same versions of the packages); the two splits share no image.

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
    for argument, value, least in [("size", size, 1), ("seed", seed, 0)]:
        if not isinstance(value, int):
            raise TypeError(f"{argument}={value!r}: must be an int, not {type(value).__name__}")
        if value < least:
            raise ValueError(f"{argument}={value}: must be at least {least}")
    random = np.random.default_rng([seed, list(SIZES).index(split), list(CLASSES).index(name)])
    generator = torch.Generator().manual_seed(int(random.integers(2**63)))
    labels = (torch.arange(size) % len(CLASSES[name]))[torch.randperm(size, generator=generator)]
    images = _drawn(name, labels, random=random, generator=generator)
    return Images(images, labels, CLASSES[name], is_stand_in=True, name=name, split=split)


def _drawn(name: str, labels: Tensor, *, random: np.random.Generator, generator: torch.Generator) -> Tensor:
    kinds = len(CLASSES[name])
    each = min(PROTOTYPES, -(-len(labels) // kinds))
    drawings = [_DRAW[name](label, random) for label in range(kinds) for _ in range(each)]
    picks = labels * each + torch.randint(each, labels.shape, generator=generator)
    return vary(torch.from_numpy(np.stack(drawings)), picks, variation=_VARIATION[name], generator=generator)
