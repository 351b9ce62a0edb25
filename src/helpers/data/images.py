"""A data set: its name, its classes, its images; and the notice that images are drawn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from helpers.checks import choice

TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
SIZES = {"train": 60_000, "test": 10_000}


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """One split of a data set.

    Attributes:
        images: grey values from 0 (black) to 255 (white), uint8, shape (N, 28, 28).
        labels: index into `classes` for each image, int64, shape (N,).
        classes: what each label stands for.
        is_stand_in: True where the images were drawn because the real ones could not be had.
        name: "mnist" or "fashion-mnist".
        split: "train" or "test".
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    is_stand_in: bool
    name: str
    split: str

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        origin = "drawn stand-in" if self.is_stand_in else "real"
        return f"<Images {self.name}, {self.split}: {len(self):,}, {origin}>"

    def as_float(self) -> Tensor:
        """The images as a network takes them: float32 in [0, 1], shape (N, 1, 28, 28).

        Each call makes a new tensor, four times the size of `images` (188 MB for 60,000): keep it, or call
        `first` or `select` before.
        """
        return self.images.unsqueeze(1).to(torch.float32).div_(255)  # (N, 1, 28, 28)

    def select(self, indices: Tensor | Sequence[int]) -> "Images":
        """The images at these indices, in their order.

        Raises:
            IndexError: if an index lies outside the data set.
        """
        chosen = torch.as_tensor(indices)
        return self._with(self.images[chosen], self.labels[chosen])

    def first(self, count: int) -> "Images":
        """The first `count` images; they share memory with this data set.

        Raises:
            ValueError: if there are fewer.
        """
        if not 0 < count <= len(self):
            raise ValueError(f"count must be from 1 to {len(self)}, the size of the data set, got {count}")
        return self._with(self.images[:count], self.labels[:count])

    def _with(self, images: Tensor, labels: Tensor) -> "Images":
        return Images(images, labels, self.classes, self.is_stand_in, self.name, self.split)


def require_known(name: str, split: str) -> None:
    """Raise ValueError unless there is a data set of this name with such a split."""
    choice("name", name, CLASSES)
    choice("split", split, SIZES)


class Notice:
    """A warning that a notebook shows as a box and a terminal as text."""

    def __init__(self, titles: tuple[str, ...]) -> None:
        names = " and ".join(titles)
        self.title = f"Drawn images, not {names}"
        self.text = (
            f"The files of {names} could not be had, so this page was computed on images that the package "
            "drew, and the numbers computed here are not those of the real data (recorded results are). "
            "To see the real ones, set `STRIDE_BOOK_DATA` to a folder that holds the files, or connect to "
            "the network, and run the page again; `python -m helpers.data` says what is missing."
        )

    def __repr__(self) -> str:
        return f"{self.title}. {self.text}"

    def _repr_html_(self) -> str:
        text = re.sub("`(.+?)`", r"<code>\1</code>", self.text)
        return (
            '<div class="admonition warning" role="note">'
            f'<p class="admonition-title"><strong>{self.title}</strong></p><p>{text}</p></div>'
        )


def stand_in_notice(*images: Images) -> Notice | None:
    """A warning for the top of a page if any of these images were drawn; else None.

    It is meant as the last line of a notebook cell, where None shows nothing.

    >>> from helpers.data import stand_in
    >>> print(stand_in_notice(stand_in("mnist", split="test", size=10)).title)
    Drawn images, not MNIST
    """
    titles = tuple(dict.fromkeys(TITLES[each.name] for each in images if each.is_stand_in))
    return Notice(titles) if titles else None
