"""The published files: where they may lie, whether they are whole, what is in them. Only ever reads."""

import gzip
import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from torch import Tensor
from torchvision.datasets.mnist import read_image_file, read_label_file
from torchvision.datasets.utils import calculate_md5, check_integrity, extract_archive

from helpers.data.images import SOURCES

VARIABLE = "STRIDE_BOOK_DATA"
_PREFIX = {"train": "train-", "test": "t10k-"}


class DataUnavailable(RuntimeError):
    """The files of a data set are in none of the places looked at, and could not be fetched."""

    def __init__(self, name: str, split: str, tried: tuple[str, ...]) -> None:
        super().__init__(name, split, tried)  # all of them, so that the error can be pickled
        self.name, self.split, self.tried = name, split, tried

    def __str__(self) -> str:
        tried = "".join(f"\n  - {place}" for place in self.tried)
        return (
            f"the {self.split} split of {self.name} could not be had. Tried:{tried}\n"
            f"What to do: set ${VARIABLE} (or pass root=) to a folder that holds "
            f"{SOURCES[self.name].__name__}/raw/*.gz, or connect to the network and load once; "
            "helpers.data.load_or_draw draws a stand-in instead."
        )


class CorruptData(RuntimeError):
    """A file is there but it is not the published one."""

    def __init__(self, path: Path, expected: str, found: str, fault: str) -> None:
        super().__init__(path, expected, found, fault)
        self.path, self.expected, self.found, self.fault = path, expected, found, fault

    def __str__(self) -> str:
        return (
            f"{self.path} {self.fault}: expected md5 {self.expected}, found {self.found}. "
            "What to do: replace it by a fresh copy, or delete it; a file that is missing is looked for "
            "in the next place and in the end downloaded."
        )


@dataclass(frozen=True)
class Place:
    """A folder laid out as torchvision's `root`, and how the user knows it."""

    label: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.label}, {self.folder}"

    def absence(self, name: str, split: str) -> str | None:
        """Why the files are not here; None if they are."""
        if not self.folder.is_dir():
            return "there is no such folder"
        missing = [
            path.relative_to(self.folder).as_posix()
            for path, _ in self.files(name, split)
            if not path.is_file()
        ]
        return f"has no {' and no '.join(missing)}" if missing else None

    def files(self, name: str, split: str) -> list[tuple[Path, str]]:
        """The file of the images and the file of the labels, each with its md5."""
        raw = self.folder / SOURCES[name].__name__ / "raw"
        return [(raw / file, md5) for file, md5 in SOURCES[name].resources if file.startswith(_PREFIX[split])]

    def verify(self, name: str, split: str) -> None:
        """Raise CorruptData if a file that is here is not the published one."""
        for path, md5 in self.files(name, split):
            if path.is_file() and not check_integrity(path, md5):
                raise CorruptData(path, md5, calculate_md5(path), _fault(path))

    def read(self, name: str, split: str) -> tuple[Tensor, Tensor]:
        """Images (N, 28, 28) of uint8 and labels (N,) of int64, unpacked outside of this folder."""
        with tempfile.TemporaryDirectory() as scratch:
            images, labels = [extract_archive(path, scratch) for path, _ in self.files(name, split)]
            return read_image_file(images), read_label_file(labels)


def pointed_at(root: str | os.PathLike[str] | None) -> list[Place]:
    """The places that the user named: `root` and $STRIDE_BOOK_DATA, as far as they are given.

    Raises:
        TypeError: if `root` is not a path.
        ValueError: if one of them is a file.
    """
    if not isinstance(root, str | os.PathLike | None):
        raise TypeError(f"root={root!r}: must be the path of a folder, not {type(root).__name__}")
    named = {"root": root, f"${VARIABLE}": os.environ.get(VARIABLE) or None}
    places = [
        Place(label, Path(folder).expanduser()) for label, folder in named.items() if folder is not None
    ]
    for place in places:
        if place.folder.is_file():
            raise ValueError(
                f"{place.label}={str(place.folder)!r} is a file; must be a folder that holds MNIST/raw"
            )
    return places


def cache() -> Place:
    """Where downloads are kept: the user's cache folder."""
    return Place("the cache", platformdirs.user_cache_path("stride-and-padding"))


def _fault(path: Path) -> str:
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except EOFError:
        return "is cut short"
    except (OSError, zlib.error):
        return "is not a .gz file that can be unpacked"
    return "holds something else than the published file"
