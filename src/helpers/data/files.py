"""The published files: find, verify, read and download them.

torchvision could do that, too, but to import it takes 0.2 GB in each process of a sweep.
"""

import contextlib
import gzip
import hashlib
import os
import shutil
import struct
import tempfile
import threading
import time
import urllib.request
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

VARIABLE = "STRIDE_BOOK_DATA"
FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
"""The folder of each data set, named as the class that torchvision has for it."""

MD5 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}
"""MD5 checksum of each published file, as torchvision has it."""

_PREFIX = {"train": "train-", "test": "t10k-"}
_LARGEST = 2**26  # bytes, more than any of the files has, packed or unpacked: no more is read


class DataUnavailable(RuntimeError):
    """The files of a data set are in none of the folders looked at, and could not be fetched."""

    def __init__(self, name: str, split: str, tried: tuple[str, ...]) -> None:
        super().__init__(name, split, tried)  # all of them, so that the error can be pickled
        self.name, self.split, self.tried = name, split, tried

    def __str__(self) -> str:
        tried = "".join(f"\n  - {folder}" for folder in self.tried)
        return (
            f"the {self.split} split of {self.name} could not be had. Tried:{tried}\n"
            f"What to do: set ${VARIABLE} (or pass root=) to a folder that holds "
            f"{FOLDERS[self.name]}/raw/*.gz, or connect to the network and load once; "
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
class DataFolder:
    """A folder laid out as torchvision's `root`, and its name in messages."""

    label: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.label}, {self.folder}"

    def absence(self, name: str, split: str) -> str | None:
        """Why the files are not here; None if they are."""
        if not self.folder.is_dir():
            return "there is no such folder"
        missing = [path for path, _ in self.files(name, split) if not path.is_file()]
        names = " and no ".join(path.relative_to(self.folder).as_posix() for path in missing)
        other = any(os.path.lexists(path) for path in missing)
        return f"has no {names}{', but something else of that name' if other else ''}" if missing else None

    def files(self, name: str, split: str) -> list[tuple[Path, str]]:
        """The file of the images and the file of the labels, each with its md5."""
        raw = self.folder / FOLDERS[name] / "raw"
        return [(raw / file, md5) for file, md5 in MD5[name].items() if file.startswith(_PREFIX[split])]

    def verify(self, name: str, split: str) -> None:
        """Raise CorruptData if a file that is here is not the published one."""
        for path, md5 in self.files(name, split):
            if path.is_file() and (found := _md5(path)) != md5:
                raise CorruptData(path, md5, found, _fault(path))

    def read(self, name: str, split: str) -> tuple[Tensor, Tensor]:
        """Images (N, 28, 28) of uint8 and labels (N,) of int64, from files that were verified."""
        images, labels = (_unpacked(path) for path, _ in self.files(name, split))
        return images, labels.to(torch.int64)


def pointed_at(root: str | os.PathLike[str] | None) -> list[DataFolder]:
    """The folders that the user named: `root` and $STRIDE_BOOK_DATA, as far as they are given.

    Raises:
        TypeError: if `root` is not a path.
        ValueError: if one of them is a file.
    """
    if not isinstance(root, str | os.PathLike | None):
        raise TypeError(f"root must be the path of a folder, got {root!r} of type {type(root).__name__}")
    named = {"root": root, f"${VARIABLE}": os.environ.get(VARIABLE) or None}
    folders = [
        DataFolder(label, Path(path).expanduser()) for label, path in named.items() if path is not None
    ]
    for each in folders:
        if each.folder.is_file():
            raise ValueError(
                f"{each.label} must be a folder that holds MNIST/raw, got the file {str(each.folder)!r}"
            )
    return folders


def cache_folder() -> DataFolder:
    """Where downloads are kept: the user's cache folder."""
    return DataFolder("the cache", platformdirs.user_cache_path("stride-and-padding"))


def _md5(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        return f"a file of {path.stat().st_size:,} bytes"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _unpacked(path: Path) -> Tensor:
    """The bytes of an idx file: two zeros, a type, the number of sizes, the sizes, the values row by row."""
    with gzip.open(path) as file:
        *_, rank = file.read(4)
        sizes = struct.unpack(f">{rank}I", file.read(4 * rank))
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).view(sizes)


def _fault(path: Path) -> str:
    try:
        with gzip.open(path) as file:
            while file.tell() <= _LARGEST and file.read(1 << 20):
                pass
    except EOFError:
        return "is cut short"
    except (OSError, zlib.error):
        return "is not a .gz file that can be unpacked"
    return "holds something else than the published file"


OFFLINE = "STRIDE_BOOK_OFFLINE"
TIMEOUT = 5.0  # seconds without an answer; a mirror has up to eight addresses, and each of them may be silent
PATIENCE = 900.0  # seconds for a data set, however slowly it comes
PARTIAL = ".partial-"
ABANDONED = 24 * 3600.0  # seconds after which an unfinished download belongs to a process that was killed

_one_at_a_time = threading.Lock()  # several threads would fetch the same


def fetch(name: str, *, folder: Path) -> str | None:
    """Download a data set into `folder`, laid out as torchvision's `root`; returns why that failed, or None.

    The files come from torchvision's mirrors into a temporary folder. Once all four are there, each of the
    right md5, they are moved to where `load` looks, each in one step, so that another process sees a whole
    file or none.
    """
    if os.environ.get(OFFLINE, "0") not in ("", "0"):
        return f"not tried, because ${OFFLINE} is set"
    from torchvision import datasets  # here, since hardly ever is anything to be downloaded

    mirrors = getattr(datasets, FOLDERS[name]).mirrors
    try:
        with _one_at_a_time:
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as scratch:
                raw = Path(scratch, FOLDERS[name], "raw")
                raw.mkdir(parents=True)
                deadline = time.monotonic() + PATIENCE
                for file, md5 in MD5[name].items():
                    (raw / file).write_bytes(_published(file, md5, mirrors, deadline))
                _move(name, Path(scratch), folder)
    except OSError as error:
        return f"failed: {' '.join(str(error).split())}"
    return None


def _published(file: str, md5: str, mirrors: list[str], deadline: float) -> bytes:
    """Download a file from the first mirror that has it; raise OSError with the reasons if none does."""
    faults = []
    for mirror in mirrors:
        try:
            content = _received(f"{mirror}{file}", deadline)
        except (OSError, HTTPException) as error:
            faults.append(f"{mirror}{file}: {error}")
            continue
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5:
            return content
        faults.append(f"{mirror}{file} is not the published file")
    raise OSError("; ".join(faults))


def _received(url: str, deadline: float) -> bytes:
    """Download from an address; raise OSError if the content is too large, or takes too long."""
    request = urllib.request.Request(url, headers={"User-Agent": "stride-and-padding"})
    content = bytearray()
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        # `read1` returns what has arrived: a slow sender could delay a full block for hours.
        while part := response.read1(1 << 16):
            content += part
            if len(content) > _LARGEST:
                raise OSError(f"it goes on after {_LARGEST:,} bytes, which no published file has")
            if time.monotonic() > deadline:
                raise OSError(f"only {len(content):,} bytes of it came in the {PATIENCE:.0f} s for all files")
    return bytes(content)


def _move(name: str, scratch: Path, folder: Path) -> None:
    raw = Path(FOLDERS[name], "raw")
    (folder / raw).mkdir(parents=True, exist_ok=True)
    for file in MD5[name]:
        (scratch / raw / file).replace(folder / raw / file)


def _sweep(folder: Path) -> None:
    """Remove what killed downloads left behind."""
    for leftover in folder.glob(f"{PARTIAL}*"):
        with contextlib.suppress(OSError):  # another process may be sweeping too
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                shutil.rmtree(leftover)
