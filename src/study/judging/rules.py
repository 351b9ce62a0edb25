"""The rules that decide claims, as data: written down and committed before the runs they judge."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from helpers.checks import choice, whole_number
from helpers.statistics.effect import RESAMPLES

MARGINS = {"mnist": 0.2, "fashion-mnist": 0.5}  # points of accuracy, by data set: less does not matter
SECONDS_MARGIN = 1.0  # seconds per epoch

_CHECKOUT = Path(__file__).resolve().parents[3] / "study" / "rules.json"
_INSTALLED = Path(__file__).resolve().parents[1] / "rules.json"  # where a wheel holds it

RULES = _INSTALLED if _INSTALLED.is_file() else _CHECKOUT
"""The file of the committed rules."""

Direction = Literal["above", "below", "equal"]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One variant minus another.

    Attributes:
        first: "experiment/variant", such as "mnist/s1-same".
        second: the one that is subtracted.
    """

    first: str
    second: str

    def __post_init__(self) -> None:
        for name in ("first", "second"):
            value = getattr(self, name)
            if value.count("/") != 1 or not all(value.split("/")):
                raise ValueError(f"{name} must read experiment/variant, as in mnist/s1-same, got {value!r}")
        if self.first == self.second:
            raise ValueError(f"first and second must be two variants, got {self.first!r} for both")

    @property
    def experiments(self) -> set[str]:
        """The experiments whose runs it compares."""
        return {variant.split("/")[0] for variant in (self.first, self.second)}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How one claim is decided.

    Attributes:
        claim: the id in the ledger, such as "M-03"; those of our own questions begin with Q, those of the
            literature with L.
        contrast: the one primary contrast.
        direction: what the claim says of first minus second: above zero, below zero, or within the margin.
        margin: differences of this size or less do not matter, in the unit of the measure.
        seeds: number of runs of each variant, of seeds 0 to seeds - 1.
        measure: the measure that is compared, a name of `measures.MEASURES`.
        alpha: level of the tests, for a difference and for equivalence.
        conditions: the same contrast under other conditions; opposite effects beyond the margin give
            "depends".
        resamples: draws of the bootstrap.
        seed: of the bootstrap.
    """

    claim: str
    contrast: Contrast
    direction: Direction
    margin: float
    seeds: int
    measure: str = "accuracy"
    alpha: float = 0.05
    conditions: tuple[Contrast, ...] = ()
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        choice("direction", self.direction, get_args(Direction))
        if not self.margin > 0:
            raise ValueError(f"margin must be above zero, got {self.margin}")
        if not 0 < self.alpha < 0.5:
            raise ValueError(f"alpha must lie between 0 and 0.5, as in 0.05, got {self.alpha}")
        whole_number("seeds", self.seeds, at_least=2)  # one run shows nothing of chance

    @property
    def family(self) -> str:
        """The family of rules with which its p-values are corrected: "write-ups", "own" or "literature"."""
        return {"Q": "own", "L": "literature"}.get(self.claim[0], "write-ups")

    @property
    def experiments(self) -> set[str]:
        """The experiments whose runs it judges."""
        return set().union(*(contrast.experiments for contrast in (self.contrast, *self.conditions)))

    @property
    def variants(self) -> list[str]:
        """The variants it compares, in its contrast and its conditions, as "experiment/variant"."""
        contrasts = (self.contrast, *self.conditions)
        return sorted({name for contrast in contrasts for name in (contrast.first, contrast.second)})

    @property
    def digest(self) -> str:
        """SHA-256 of the rule as canonical JSON: it changes with the rule."""
        return digest_of(asdict(self))


def digest_of(rule: dict[str, Any]) -> str:
    """SHA-256 of a rule's canonical JSON, in hexadecimal: keys sorted, no spaces.

    >>> digest_of({"margin": 0.2, "claim": "M-01"}) == digest_of({"claim": "M-01", "margin": 0.2})
    True
    """
    canonical = json.dumps(rule, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_rules(path: Path) -> dict[str, Rule]:
    """Read a file of rules: each by the id of the claim that it decides.

    Raises:
        ValueError: for a file that is not a JSON list of rules, or that has two rules for one claim.
    """
    try:
        found = [_from_json(entry) for entry in json.loads(path.read_text())]
    except (TypeError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"path must lead to a JSON list of rules, got {path} ({error})") from error
    claims = [rule.claim for rule in found]
    if twice := {claim for claim in claims if claims.count(claim) > 1}:
        raise ValueError(f"path must have one rule a claim, got two for {', '.join(sorted(twice))} in {path}")
    return dict(zip(claims, found, strict=True))


@cache
def rules() -> Mapping[str, Rule]:
    """The committed rules, by the id of the claim that each decides; read once."""
    return read_rules(RULES)


def _from_json(entry: dict[str, Any]) -> Rule:
    known = {field.name for field in fields(Rule)}
    if unknown := set(entry) - known:
        raise TypeError(f"unknown entries {sorted(unknown)}; a rule has {sorted(known)}")
    contrast = Contrast(**entry["contrast"])
    conditions = tuple(Contrast(**condition) for condition in entry.get("conditions", ()))
    return Rule(**{**entry, "contrast": contrast, "conditions": conditions})
