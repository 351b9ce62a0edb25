"""The ledger: claims of write-ups and of the literature, what decides each, and the verdict with its numbers.

    for name, finding in judge_all().items():
        print(name, CLAIMS[name].statement, finding.state, finding.evidence)

A claim that computing decides *holds* where it is true under every condition that it covers, *fails* where it
is true under none, and otherwise *depends*. Vague words are given a tenth: "hardly", "rarely" and "similar"
mean less than that, "roughly" within it. A claim that experiments decide has its verdict from the rule of its
id, committed before the runs.

What the sources printed of their experiments is in `helpers.sources`.
"""

from collections.abc import Mapping

from study.judging import recorded_judgements
from study.ledger.answers import ANSWER_CLAIMS, mean_of
from study.ledger.claim import Claim, Computed, Kind, Measured, by_id
from study.ledger.fashion import FASHION_CLAIMS
from study.ledger.finding import Finding, Judgements, decided
from study.ledger.guide import GUIDE_CLAIMS
from study.ledger.literature import kind_of
from study.ledger.mnist import MNIST_CLAIMS
from study.ledger.papers import PAPER_CLAIMS
from study.ledger.same_padding import SAME_PADDING_CLAIMS
from study.ledger.signals import SIGNAL_CLAIMS, change_behind_a_blur
from study.ledger.worked_examples import WORKED_EXAMPLE_CLAIMS

CLAIMS: Mapping[str, Claim] = by_id(
    MNIST_CLAIMS,
    SAME_PADDING_CLAIMS,
    FASHION_CLAIMS,
    GUIDE_CLAIMS,
    WORKED_EXAMPLE_CLAIMS,
    PAPER_CLAIMS,
    SIGNAL_CLAIMS,
    ANSWER_CLAIMS,
)
"""Every claim, by its id."""


def judge_all(judgements: Judgements | None = None) -> dict[str, Finding]:
    """Judge every claim.

    Args:
        judgements: of the committed rules; by default those of the records that come with the book.

    Returns:
        What was found, by the ids of the claims.

    Raises:
        ValueError: if a claim's rule was not judged, since runs that it compares are not recorded.
    """
    if judgements is None:
        judgements = recorded_judgements()
    return {name: claim.judge(judgements) for name, claim in CLAIMS.items()}


__all__ = [
    "CLAIMS",
    "Claim",
    "Computed",
    "Finding",
    "Judgements",
    "Kind",
    "Measured",
    "change_behind_a_blur",
    "decided",
    "judge_all",
    "kind_of",
    "mean_of",
]
