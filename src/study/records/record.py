"""What is kept of one training run."""

import re
from dataclasses import dataclass, field
from typing import Any

from study.records.environment import Environment
from study.records.outcome import Outcome

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """One epoch: losses in nats, accuracies from 0 to 1.

    Attributes:
        epoch: 1 for the first.
        train_loss: running mean while the model learned, with dropout on, as Keras logs it.
        train_accuracy: likewise.
        validation_loss: after the epoch, in evaluation mode.
        validation_accuracy: likewise.
        seconds: time of training, without the evaluations.
        fitted_loss: after the epoch, in evaluation mode, on training images; None where not measured.
        fitted_accuracy: likewise.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    fitted_loss: float | None = None
    fitted_accuracy: float | None = None


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
    epochs: tuple[EpochMetrics, ...] = ()
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
