"""What to do in practice: advice that stands only as long as the ledger supports it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from study.judging import Verdict
from study.ledger.finding import Finding


@dataclass(frozen=True, kw_only=True)
class Ground:
    """An entry of the ledger, and what has to be found of it for an answer to stand.

    Attributes:
        claim: its id.
        verdict: which one it must have.
        conditions: of those that it covers, which must be true and which must not.
    """

    claim: str
    verdict: Verdict
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def stands(self, finding: Finding) -> bool:
        """Whether this is what was found.

        Raises:
            ValueError: for a condition that the claim does not cover.
        """
        if finding.verdict is not self.verdict:
            return False
        if unknown := set(self.conditions) - set(finding.conditions):
            raise ValueError(f"{self.claim} covers no condition {', '.join(sorted(unknown))}")
        return all(finding.conditions[name] is truth for name, truth in self.conditions.items())


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to do, if all of its grounds stand."""

    text: str
    grounds: tuple[Ground, ...]

    @property
    def claims(self) -> tuple[str, ...]:
        """The entries that it rests on."""
        return tuple(ground.claim for ground in self.grounds)

    def stands(self, findings: Mapping[str, Finding]) -> bool:
        """Whether every ground of it does."""
        return all(ground.stands(findings[ground.claim]) for ground in self.grounds)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A situation, and what to do in it, depending on what was found.

    Attributes:
        situation: completes a sentence that begins with "When".
        answers: each for other findings; the first that stands is given.
    """

    situation: str
    answers: tuple[Answer, ...]

    @property
    def claims(self) -> tuple[str, ...]:
        """The entries that its answers rest on."""
        return tuple(dict.fromkeys(claim for answer in self.answers for claim in answer.claims))

    def answer(self, findings: Mapping[str, Finding]) -> Answer | None:
        """What to do; None where the ledger leaves it open."""
        return next((answer for answer in self.answers if answer.stands(findings)), None)


def when(situation: str, *answers: Answer) -> Advice:
    """A situation, and the answers to it; of those that stand, the first is given."""
    return Advice(situation=situation, answers=answers)


def told(text: str, *grounds: Ground) -> Answer:
    """An answer and its grounds."""
    return Answer(text=text, grounds=grounds)


def holds(claim: str) -> Ground:
    """That a claim holds."""
    return Ground(claim=claim, verdict=Verdict.HOLDS)


def fails(claim: str) -> Ground:
    """That it fails."""
    return Ground(claim=claim, verdict=Verdict.FAILS)


def depends(claim: str, conditions: Mapping[str, bool]) -> Ground:
    """That it depends, and is true or not under these conditions."""
    return Ground(claim=claim, verdict=Verdict.DEPENDS, conditions=conditions)


def alike(claim: str) -> Ground:
    """That there is no difference that matters."""
    return Ground(claim=claim, verdict=Verdict.NO_DIFFERENCE)


def untold(claim: str) -> Ground:
    """That it cannot be told."""
    return Ground(claim=claim, verdict=Verdict.CANNOT_BE_TOLD)
