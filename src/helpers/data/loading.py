"""Load a data set: `load` the real one or fail, `load_or_draw` the real one or else draw one."""

import os
import zlib
from dataclasses import replace

import numpy as np
import torch

from helpers.checks import choice
from helpers.data.drawing import stand_in
from helpers.data.files import DataFolder, DataUnavailable, cache_folder, fetch, pointed_at
from helpers.data.images import CLASSES, SIZES, Images, require_known

Root = str | os.PathLike[str] | None

EXCERPT = {"train": 2_000, "test": 1_000}
"""How many images of each split `excerpt` takes."""
_GRAYS = 4


def load(name: str, *, split: str, root: Root = None, download: bool = True) -> Images:
    """Load MNIST or Fashion-MNIST from the published files, their md5 verified.

    Looks in `root`, then in the folder that the environment variable STRIDE_BOOK_DATA names, then in the
    user's cache folder, each laid out as torchvision's `root` (MNIST/raw/*.gz, FashionMNIST/raw/*.gz); last,
    torchvision downloads them into the cache. Wherever they are found, they are the same bytes. No folder is
    written to but the cache.

    Args:
        name: "mnist" or "fashion-mnist".
        split: "train" (60,000 images) or "test" (10,000).
        root: a folder to look in first.
        download: whether the network may be used; STRIDE_BOOK_OFFLINE=1 in the environment forbids it too.

    Raises:
        ValueError: for an unknown name or split, or a root that is a file.
        TypeError: for a root that is no path.
        DataUnavailable: if the files are nowhere; it names every folder tried and what to do.
        CorruptData: if a file is there but is not the published one.
    """
    images, labels = _locate(name, split=split, root=root, download=download).read(name, split)
    return Images(images, labels, CLASSES[name], is_stand_in=False, name=name, split=split)


def load_or_draw(name: str, *, split: str, root: Root = None, download: bool = True) -> Images:
    """Load as `load` does; where the real data cannot be had, draw the stand-in instead.

    A page that uses this shows `stand_in_notice` at its top. Corrupt data is an error here as well: it would
    otherwise be taken for no data.
    """
    try:
        return load(name, split=split, root=root, download=download)
    except DataUnavailable:
        return stand_in(name, split=split)


def excerpt(name: str, *, split: str, drawn: bool) -> Images:
    """The images that fit into a web page: the first 2,000 for training, the first 1,000 for testing.

    They have four grays from black to white, which packs 3,000 images into a quarter of a megabyte.
    `TrainingExplorer` trains on them.

    Args:
        name: "mnist" or "fashion-mnist".
        split: "train" or "test".
        drawn: whether to draw them, as `stand_in` does, instead of loading the real ones.

    Raises:
        DataUnavailable, CorruptData, ValueError: as `load` does.

    >>> excerpt("mnist", split="test", drawn=True).images.unique().tolist()
    [0, 85, 170, 255]
    """
    require_known(name, split)
    size = EXCERPT[split]
    whole = stand_in(name, split=split, size=size) if drawn else load(name, split=split).first(size)
    step = 255 // (_GRAYS - 1)
    coarse = (whole.images.to(torch.int16) + step // 2) // step * step
    return replace(whole, images=coarse.to(torch.uint8))


def packed_excerpt(name: str) -> bytes:
    """Both splits of `excerpt` as bytes for a web page: labels, then four pixels a byte, compressed by zlib.

    Args:
        name: "mnist" for the real ones; "digits" or "garments" for drawn ones.

    Raises:
        ValueError: for another name.
        DataUnavailable, CorruptData: as `load` does, for "mnist".

    >>> len(packed_excerpt("digits")) < 200_000
    True
    """
    choice("name", name, ("mnist", "digits", "garments"))
    data, drawn = "fashion-mnist" if name == "garments" else "mnist", name != "mnist"
    splits = [excerpt(data, split=split, drawn=drawn) for split in EXCERPT]
    labels = torch.cat([each.labels for each in splits]).to(torch.uint8).numpy()
    grays = torch.cat([each.images for each in splits]).numpy().reshape(-1, 4) // (255 // (_GRAYS - 1))
    shifted = grays << np.array([6, 4, 2, 0], np.uint8)
    return zlib.compress(labels.tobytes() + np.bitwise_or.reduce(shifted, axis=1).tobytes(), 9)


def describe(name: str, *, root: Root = None, download: bool = True) -> str:
    """Say in words what `load_or_draw` returns: "real, from ..." or "stand-in, because ...".

    The files are verified, and downloaded if need be, but not unpacked.

    Raises:
        CorruptData, TypeError, ValueError: as `load` does.
    """
    try:
        folders = [_locate(name, split=split, root=root, download=download) for split in SIZES]
    except DataUnavailable as error:
        return f"stand-in, because the files are not to be had: {'; '.join(error.tried)}"
    return f"real, from {' and '.join(dict.fromkeys(map(str, folders)))}"


def _locate(name: str, *, split: str, root: Root, download: bool) -> DataFolder:
    """The first folder that holds the split, verified."""
    require_known(name, split)
    tried = []
    kept = cache_folder()
    for folder in [*pointed_at(root), kept]:
        absence = _verified(folder, name, split)
        if absence is None:
            return folder
        tried.append(f"{folder}: {absence}")
    failure = fetch(name, folder=kept.folder) if download else "not tried, because download=False"
    if failure is None:
        failure = _verified(kept, name, split)
    if failure is None:
        return kept
    raise DataUnavailable(name, split, (*tried, f"download: {failure}"))


def _verified(folder: DataFolder, name: str, split: str) -> str | None:
    """Why the split cannot be loaded from this folder; None if it can, and its files are as published."""
    try:
        folder.verify(name, split)
        return folder.absence(name, split)
    except OSError as error:
        return f"cannot be read ({error})"
