"""A claim of a source: its statement, what decides it, and how it is judged."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from study.judging import recorded_judgements
from study.ledger.finding import Finding, Judgements, both, rule_finding, rule_text, waiting

Kind = Literal["arithmetic", "measured", "arithmetic and measured"]


@dataclass(frozen=True)
class Computed:
    """A claim, or one half of it, that is decided by computing.

    Attributes:
        check: function that computes the finding.
        by: what the check uses, in words, such as "arithmetic.output_size".
        about: which half of the claim; empty if it is the whole.
    """

    check: Callable[[], Finding]
    _: KW_ONLY
    by: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A claim, or one half of it, that is decided by recorded runs and the committed rule of the claim's id.

    Attributes:
        about: which half of the claim; empty if it is the whole.
        is_run: False as long as the runs of its rule are not all recorded; a test fails when they are.
    """

    about: str = ""
    is_run: bool = True


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a source; see `study.ledger` for how it is judged.

    Attributes:
        id: such as "M-05".
        source: key of its source in the book's bibliography.
        statement: what the source says, in our words.
        parts: what decides it; a claim of two halves holds only if both do.
        link: label of the chapter or section that treats it; empty if there is none.
        note: the setting it was made in, what is right about it, and what the check does not cover.
    """

    id: str
    source: str
    statement: str
    parts: tuple[Computed | Measured, ...] = (Measured(),)
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
        """What decides it, in words; for two halves, one after the other."""
        texts = [rule_text(self.id) if isinstance(part, Measured) else part.by for part in self.parts]
        return "; ".join(_about(part, text) for part, text in zip(self.parts, texts, strict=True))

    def judge(self, judgements: Judgements | None = None) -> Finding:
        """Judge it.

        Args:
            judgements: of the committed rules; by default those of the records that come with the book.

        Returns:
            What was found. Its verdict is None where it counts images and these are not there, or waits for
            runs.

        Raises:
            ValueError: if its rule was not judged, since runs that it compares are not recorded; unless the
                claim says so.
        """
        if judgements is None:
            judgements = {} if self.kind == "arithmetic" else recorded_judgements()
        found = {part.about: self._of(part, judgements) for part in self.parts}
        return both(found) if len(found) > 1 else next(iter(found.values()))

    def _of(self, part: Computed | Measured, judgements: Judgements) -> Finding:
        if isinstance(part, Computed):
            return part.check()
        return rule_finding(self.id, judgements) if part.is_run else waiting(self.id)


def by_id(*groups: tuple[Claim, ...]) -> Mapping[str, Claim]:
    """The claims of all groups by their ids, in the order of sources and ids.

    Raises:
        ValueError: if two have the same id.
    """
    claims = [claim for group in groups for claim in group]
    ids = [claim.id for claim in claims]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ValueError(f"groups must have one claim an id, got two of {', '.join(sorted(twice))}")
    sources = [claim.source for claim in claims]
    ordered = sorted(claims, key=lambda claim: (sources.index(claim.source), claim.id))
    return {claim.id: claim for claim in ordered}


def _about(part: Computed | Measured, text: str) -> str:
    return f"{part.about}: {text}" if part.about else text
