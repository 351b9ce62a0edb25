"""What a claim is, and what is found of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from study.ledger.finding import Finding, both
from study.ledger.measured import Judgements, recorded, rule_finding, rule_text

Kind = Literal["arithmetic", "measured", "arithmetic and measured"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What decides a claim, or one half of it.

    Attributes:
        by: what decides, in words.
        check: computes the finding.
        about: which half of the claim; empty where it is the whole.
    """

    by: str
    check: Callable[[], Finding]
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A claim, or one half of it, that the committed rule of the claim's id decides.

    Attributes:
        about: which half of the claim; empty where it is the whole.
    """

    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a source; see `study.ledger` for how it is judged.

    Attributes:
        id: such as "M-05".
        source: its key in the book's bibliography.
        statement: what it says, in our words.
        parts: what decides it; a claim of two halves holds only if both do.
        link: label of the chapter or section that treats it; empty where there is none.
        note: the setting it was made in, what is right about it, and what the check does not cover.
    """

    id: str
    source: str
    statement: str
    parts: tuple[Part | Measured, ...] = field(default=(Measured(),))
    link: str = ""
    note: str = ""

    @property
    def kind(self) -> Kind:
        """Whether computing decides, recorded experiments, or each a half."""
        measured = [isinstance(part, Measured) for part in self.parts]
        if all(measured):
            return "measured"
        return "arithmetic and measured" if any(measured) else "arithmetic"

    @property
    def decided_by(self) -> str:
        """What decides it, half by half."""
        texts = [rule_text(self.id) if isinstance(part, Measured) else part.by for part in self.parts]
        return "; ".join(_about(part, text) for part, text in zip(self.parts, texts, strict=True))

    def judge(self, judgements: Judgements | None = None) -> Finding:
        """Judge it.

        Args:
            judgements: of the committed rules; by default those of the records that come with the book.

        Returns:
            What was found. Its verdict is None where a run or the data that it needs are not there.
        """
        if judgements is None:
            judgements = {} if self.kind == "arithmetic" else recorded()
        found = {part.about: self._of(part, judgements) for part in self.parts}
        return both(found) if len(found) > 1 else next(iter(found.values()))

    def _of(self, part: Part | Measured, judgements: Judgements) -> Finding:
        return rule_finding(self.id, judgements) if isinstance(part, Measured) else part.check()


def computed(check: Callable[[], Finding], by: str) -> tuple[Part, ...]:
    """The parts of a claim that computing alone decides."""
    return (Part(by=by, check=check),)


def by_id(*groups: tuple[Claim, ...]) -> Mapping[str, Claim]:
    """The claims of all groups by their ids, source by source.

    Raises:
        ValueError: if two have the same id.
    """
    claims = [claim for group in groups for claim in group]
    ids = [claim.id for claim in claims]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ValueError(f"more than one claim is called {', '.join(sorted(twice))}")
    sources = [claim.source for claim in claims]
    ordered = sorted(claims, key=lambda claim: (sources.index(claim.source), claim.id))
    return {claim.id: claim for claim in ordered}


def _about(part: Part | Measured, text: str) -> str:
    return f"{part.about}: {text}" if part.about else text
