"""The metrics of one epoch, as training measures and records keep them; imports no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One epoch of training: losses in nats, accuracies from 0 to 1.

    Attributes:
        epoch: 1 for the first.
        train_loss: running mean while the model learned, with dropout on, as Keras logs it.
        train_accuracy: likewise.
        validation_loss: after the epoch, in evaluation mode.
        validation_accuracy: likewise.
        seconds: time of training, without the evaluations.
        fitted_loss: after the epoch, in evaluation mode, on the first training images, as many as were asked
            for (10,000 in the records of the book); None where not measured.
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
