"""What is kept of one training run: its settings and metrics, and how it does on the test images."""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.epoch import Epoch
from study.records.environment import Environment

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ConfidentError(NamedTuple):
    """A test image taken for something else: its index, true class, predicted class and its probability."""

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
        ValueError: if the bits and the confusion matrix do not describe the same predictions.
    """

    loss: float
    right: bytes
    confusion: tuple[tuple[int, ...], ...]
    errors: tuple[ConfidentError, ...]

    def __post_init__(self) -> None:
        hits = sum(byte.bit_count() for byte in self.right)
        diagonal = sum(row[index] for index, row in enumerate(self.confusion))
        if hits != diagonal or len(self.right) != -(-self.images // 8):
            raise ValueError(
                f"right has {hits} hits in {len(self.right)} bytes, but confusion {diagonal} of {self.images}"
            )

    @classmethod
    def measured(
        cls, truth: ArrayLike, probabilities: ArrayLike, *, loss: float, most_confident: int = 20
    ) -> "Outcome":
        """Sum up the predictions of a model.

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
        seed: of all that was drawn.
        settings: what else defines the run: data set, model, epochs, batch size, optimizer.
        environment: what ran it.
        tolerance: points of test accuracy by which the same run may differ on another machine.
        reason: why the run failed; empty for a finished one, which has all that follows.
        epochs: in order.
        test: predictions of the trained model on the test images.
        parameters: learned numbers of the model.
        macs: multiply-accumulates for one image, biases excluded.
        extra: what was measured besides, by name: accuracies and other shares from 0 to 1, logarithms.
        conv1: weights (filters, height, width) of the first convolution, kept for seed 0 only.

    Raises:
        ValueError: if a name is not of that form, the seed is negative, or a finished run lacks its results.
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
        if not self.reason and (self.test is None or not self.epochs):
            raise ValueError("a finished run needs its epochs and its test outcome; a failed one, its reason")

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
            raise ValueError(f"{self.name} has no outcome: {self.reason}")
        return self.test


def check_name(kind: str, name: str) -> None:
    """Raise ValueError unless `name` can name a folder and a command-line argument everywhere."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{kind} must be lower-case letters, digits and single hyphens, got {name!r}")
