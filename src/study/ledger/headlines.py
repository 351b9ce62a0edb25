"""What the book has found, in a few sentences, each as long as the ledger supports it."""

from study.ledger.advice import Answer, alike, fails, holds, told, untold

HEADLINES: tuple[tuple[Answer, ...], ...] = (
    (
        told(
            "As the sources build their networks, those of stride 1 are more accurate than those of stride "
            "2, on MNIST and on Fashion-MNIST.",
            holds("M-03"),
            holds("F-01"),
        ),
        told(
            "As its source builds them, networks of stride 1 are more accurate on Fashion-MNIST than those "
            "of stride 2.",
            holds("F-01"),
        ),
    ),
    (
        told(
            "At stride 1, padding makes no difference on MNIST that matters, though the source ranks one "
            "above the other.",
            alike("M-01"),
            alike("M-02"),
        ),
    ),
    (
        told(
            "Whether stride 1 overfits more after eight epochs, as its source says, stays open: a training "
            "log with dropout on cannot show it, and the runs of this book do not settle it.",
            untold("F-03"),
        ),
        told("Stride 1 does not overfit by more than matters.", alike("F-03")),
        told("Stride 1 overfits more.", holds("F-03")),
        told("Stride 1 overfits less.", fails("F-03")),
    ),
    (
        told(
            "A stride widens the receptive field of the layers after its own, not of its own.", fails("G-02")
        ),
    ),
    (
        told(
            "Change the stride of a network, and its parameters, its receptive field and the pixels that it "
            "reads change with it.",
            fails("M-19"),
        ),
    ),
)
"""Each finding in its versions, for other verdicts; the first that stands is told, and none if none does."""
