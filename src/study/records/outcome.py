"""How a trained model does on the test images, small enough to keep for every run."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
        diagonal = sum(row[place] for place, row in enumerate(self.confusion))
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
