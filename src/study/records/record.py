"""The record of one training run: its settings, its metrics, and its predictions on the test images."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.epoch import Epoch
from study.records.environment import Environment

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ConfidentError(NamedTuple):
    """A misclassified test image: its index, true class, predicted class and the probability of that one."""

    image: int
    truth: int
    prediction: int
    probability: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Predictions on the test images, without the images and without most of the probabilities.

    Attributes:
        loss: mean cross-entropy, in nats.
        right: one bit an image in the order of the data set, 1 where the prediction is right; 8 to a byte,
            the first in the highest bit, zeros after the last (NumPy's packbits).
        confusion: images of each true class (rows) by predicted class (columns).
        errors: the wrong predictions of highest probability, highest first.

    Raises:
        TypeError: if a field holds another kind of value than its type says.
        ValueError: if the bits and the confusion matrix do not describe the same predictions, or a number is
            out of range.
    """

    loss: float
    right: bytes
    confusion: tuple[tuple[int, ...], ...]
    errors: tuple[ConfidentError, ...]

    def __post_init__(self) -> None:
        check_types(self)
        if self.loss < 0 or any(count < 0 for row in self.confusion for count in row):
            raise ValueError(f"loss and confusion must be at least 0, got {self.loss} and {self.confusion}")
        classes = len(self.confusion)
        if any(len(row) != classes for row in self.confusion):
            lengths = [len(row) for row in self.confusion]
            raise ValueError(f"confusion must have {classes} columns, as many as rows, got rows of {lengths}")
        for error in self.errors:
            is_there = 0 <= error.image < self.images and 0 <= error.probability <= 1
            if not is_there or not {error.truth, error.prediction} <= set(range(classes)):
                raise ValueError(f"errors must be of these images and classes, got {error}")
        hits = int.from_bytes(self.right).bit_count()
        diagonal = sum(row[index] for index, row in enumerate(self.confusion))
        if hits != diagonal or len(self.right) != -(-self.images // 8):
            raise ValueError(
                f"right must have the {diagonal} hits of {self.images} images that confusion has, "
                f"got {hits} in {len(self.right)} bytes"
            )

    @classmethod
    def measured(
        cls, truth: ArrayLike, probabilities: ArrayLike, *, loss: float, most_confident: int = 20
    ) -> "Outcome":
        """Summarize the predictions of a model.

        Args:
            truth: class of each image, shape (images,).
            probabilities: of each class, shape (images, classes).
            loss: mean cross-entropy on these images.
            most_confident: how many errors to keep.

        Raises:
            ValueError: if the shapes do not match.
        """
        labels, shares = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
        if shares.ndim != 2 or labels.shape != shares.shape[:1]:
            raise ValueError(
                f"probabilities must be (images, classes) for {labels.shape} labels, got {shares.shape}"
            )
        predictions, confidence = shares.argmax(axis=1), shares.max(axis=1)
        confusion = np.zeros((shares.shape[1], shares.shape[1]), dtype=np.int64)
        np.add.at(confusion, (labels, predictions), 1)
        wrong = np.flatnonzero(labels != predictions)
        boldest = wrong[np.argsort(-confidence[wrong], kind="stable")][:most_confident]
        return cls(
            loss=loss,
            right=np.packbits(labels == predictions).tobytes(),
            confusion=tuple(map(tuple, confusion.tolist())),
            errors=tuple(
                ConfidentError(int(i), int(labels[i]), int(predictions[i]), round(float(confidence[i]), 6))
                for i in boldest
            ),
        )

    @property
    def images(self) -> int:
        """How many test images there are."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of right predictions, from 0 to 1."""
        return sum(byte.bit_count() for byte in self.right) / self.images

    def hits(self) -> NDArray[np.bool_]:
        """Whether each test image is predicted right, shape (images,)."""
        return np.unpackbits(np.frombuffer(self.right, np.uint8), count=self.images).astype(np.bool_)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run, finished or failed.

    Attributes:
        experiment: name, of lower-case letters, digits and hyphens.
        variant: likewise.
        seed: seed of all random numbers of the run.
        settings: what else defines the run: data set, model, epochs, batch size, optimizer.
        environment: versions, machine, commit and command.
        tolerance: points of test accuracy by which the same run may differ on another machine.
        reason: why the run failed; empty for a finished one, which has all attributes below.
        epochs: the metrics of each epoch, in order.
        test: predictions of the trained model on the test images.
        parameters: number of the model's parameters.
        macs: multiply-accumulates for one image, biases excluded.
        extra: further measurements by name: accuracies and other shares from 0 to 1, logarithms.
        conv1: weights (filters, height, width) of the first convolution, kept for seed 0 only.

    Raises:
        TypeError: if a field holds another kind of value than its type says.
        ValueError: if a name is not of that form, a number is out of range, or a finished run lacks results.
    """

    experiment: str
    variant: str
    seed: int
    settings: dict[str, Any]
    environment: Environment
    tolerance: float
    reason: str = ""
    epochs: tuple[Epoch, ...] = ()
    test: Outcome | None = None
    parameters: int = 0
    macs: int = 0
    extra: dict[str, float] = field(default_factory=dict)
    conv1: tuple[tuple[tuple[float, ...], ...], ...] | None = None

    def __post_init__(self) -> None:
        check_name("experiment", self.experiment)
        check_name("variant", self.variant)
        if type(self.seed) is not int or self.seed < 0:
            raise ValueError(f"seed must be a whole number from 0, got {self.seed!r}")
        for part in (self, self.environment, *self.epochs):
            check_types(part)
        self._check_ranges()
        if not self.reason and (self.test is None or not self.epochs):
            raise ValueError(
                "epochs and test must be given for a finished run, or reason for a failed one, "
                f"got no reason, {len(self.epochs)} epochs and {'a' if self.test else 'no'} test"
            )

    def _check_ranges(self) -> None:
        if min(self.tolerance, self.parameters, self.macs) < 0:
            found = f"{self.tolerance}, {self.parameters} and {self.macs}"
            raise ValueError(f"tolerance, parameters and macs must be at least 0, got {found}")
        for number, epoch in enumerate(self.epochs, start=1):
            if epoch.epoch != number:
                raise ValueError(f"epochs must be numbered from 1, got {epoch.epoch} for {number}")
            for name, value in vars(epoch).items():
                if value is not None and (value < 0 or (name.endswith("accuracy") and value > 1)):
                    limit = "from 0 to 1" if name.endswith("accuracy") else "at least 0"
                    raise ValueError(f"{name} of epoch {number} must be {limit}, got {value}")

    @property
    def name(self) -> str:
        """Such as "mnist/s1-same/0"."""
        return f"{self.experiment}/{self.variant}/{self.seed}"

    @property
    def failed(self) -> bool:
        """Whether the run ended without a result."""
        return bool(self.reason)

    @property
    def seconds(self) -> float:
        """Time of training, over all epochs."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def outcome(self) -> Outcome:
        """The test outcome of a finished run.

        Raises:
            ValueError: if the run failed; it says why.
        """
        if self.test is None:
            raise ValueError(f"run must be a finished one, got {self.name}, which failed: {self.reason}")
        return self.test


def check_name(kind: str, name: str) -> None:
    """Raise ValueError unless `name` can name a folder and a command-line argument everywhere."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{kind} must be lower-case letters, digits and single hyphens, got {name!r}")


def check_types(part: object) -> None:
    """Raise TypeError unless each field of a dataclass holds what its type says."""
    kind: Any = type(part)  # Any, since mypy takes no class for hashable
    for name, (hint, conforms) in _fields(kind).items():
        value = getattr(part, name)
        if not conforms(value):
            raise TypeError(f"{name} must be {getattr(hint, '__name__', hint)}, got {str(value)[:80]!r}")


@cache
def _fields(kind: type) -> dict[str, tuple[Any, Callable[[Any], bool]]]:
    """The fields of a class: the type of each, and its test."""
    return {name: (hint, _test(hint)) for name, hint in get_type_hints(kind).items()}


def _test(hint: Any) -> Callable[[Any], bool]:
    """What tells whether a value is of a type; a bool is no number, and a list is no tuple."""
    origin, parts = get_origin(hint), [_test(each) for each in get_args(hint) if each is not ...]
    if hint is Any:
        return lambda value: True
    if origin is UnionType:
        return lambda value: any(test(value) for test in parts)
    if origin is tuple:
        return lambda value: isinstance(value, tuple) and all(map(parts[0], value))
    if origin is dict:
        return lambda value: (
            isinstance(value, Mapping) and all(map(parts[0], value)) and all(map(parts[1], value.values()))
        )
    if hint is float:
        return lambda value: type(value) in (int, float)
    if hint is int:
        return lambda value: type(value) is int
    if issubclass(hint, tuple):  # a NamedTuple
        tests = [test for _, test in _fields(hint).values()]
        return lambda value: (
            isinstance(value, hint) and all(test(each) for test, each in zip(tests, value, strict=True))
        )
    return lambda value: isinstance(value, hint)
