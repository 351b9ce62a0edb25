"""The log of the experiments says of each rule what the recorded runs say today."""

import json
import re
from pathlib import Path

import pytest
from scipy.stats import mannwhitneyu

from helpers.statistics import smallest_found
from study.comparisons import accuracies
from study.judging import recorded_judgements
from study.judging.rules import rules

ROOT = Path(__file__).resolve().parents[2]
LOG = (ROOT / "study" / "LOG.md").read_text()
RESULTS = re.findall(r"\*\*Result\.\*\*(.+?)(?=\*\*Changed|\n#|\Z)", LOG, re.DOTALL)
MIRRORED = "F-04"  # the opposite of F-01, whose numbers stand for both


@pytest.fixture(scope="module")
def judgements():
    return recorded_judgements()


def passages():
    """What the results say of each rule: from its name to the next one; "M-01 and M-02" share it."""
    found = {}
    for result in RESULTS:
        text = re.split(r"Without a rule|\(no rule\)|without a rule", " ".join(result.split()))[0]
        rule = r"\b([MFGQL]-\d\d)\b"
        for pair, name, passage in re.findall(rf"(?:{rule} and )?{rule}(.*?)(?=\b[MFGQL]-\d\d\b|$)", text):
            for each in filter(None, (pair, name)):
                found[each] = found.get(each, "") + passage
    return found


def matches(printed, value):
    """Whether a number is the value, but for its sign, to the decimals that it has."""
    decimals = len(printed.partition(".")[2])
    return abs(abs(float(printed)) - abs(value)) < 0.51 * 10.0**-decimals


@pytest.mark.parametrize("name", rules())
def test_the_log_asks_what_a_rule_decides_and_says_whether_it_ran(name, judgements):
    entries = [entry for entry in LOG.split("\n## ") if "**Rules.**" in entry]
    asking = [entry for entry in entries if name in entry.split("**Rules.**")[1].split("**Run.**")[0]]
    assert asking
    assert name in judgements or any("**Result.** Not run yet" in entry for entry in asking)


@pytest.mark.parametrize("name", rules())
def test_the_log_says_what_the_runs_say(name, judgements):
    if name not in judgements:  # its runs are not all recorded yet
        assert name not in passages()
        return
    passage = passages()[name]
    judgement = judgements[name]
    assert str(judgement.verdict) in passage
    numbers = re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)", passage)
    effects = [judgement.effect, *judgement.conditions]
    for value in (effects[0].estimate, *effects[0].interval()):
        assert any(matches(number, value) for number in numbers) or name == MIRRORED, value
    for ends in re.findall(r"(-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)[,);]", passage):
        intervals = [each.interval() for each in effects]
        assert any(all(map(matches, pair, each)) for each in intervals for pair in (ends, ends[::-1])), ends


@pytest.mark.parametrize(
    ("scatter", "images", "seeds", "alone", "first"),
    [
        (0.9, 0.2, 20, 0.84, 1.22),
        (0.9, 0.2, 10, 1.10, 1.75),
        (0.4, 0.08, 20, 0.35, 0.52),
        (0.4, 0.08, 10, 0.47, 0.75),
        (0.6, 0.0, 10, 0.60, 0.95),
    ],
)
def test_the_power_that_the_log_names_is_that_of_its_assumptions(scatter, images, seeds, alone, first):
    error = (scatter**2 / seeds + images**2) ** 0.5
    for alpha, printed in ((0.05, alone), (0.05 / 16, first)):
        found = smallest_found(error, degrees_of_freedom=seeds - 1, alpha=alpha)
        assert found == pytest.approx(printed, abs=0.011)
    assert f"{alone:.2f} points ({first:.2f})" in LOG or f"{alone:.2f} ({first:.2f})" in LOG


def test_as_many_rules_of_the_literature_as_the_log_corrects_for():
    assert sum(rule.family == "literature" for rule in rules().values()) == 16


def test_the_log_says_whether_the_engine_of_the_page_is_told_from_torch():
    engine = json.loads((ROOT / "tests" / "golden" / "engine_runs.json").read_text())
    found = {}
    for setting, shares in engine.items():
        recorded = accuracies(f"page/{setting}-drawn") / 100
        assert (len(shares), len(recorded)) == (20, 100)
        found[setting] = mannwhitneyu(shares, recorded).pvalue
    [result] = re.findall(r"# What a page trains.*?\*\*Result\.\*\*(.*?)\*\*Changed", LOG, re.DOTALL)
    assert (2 * min(found.values()) <= 0.05) == ("faulty until shown otherwise" in result)
    for each in found.values():
        assert f"p = {each:.2f}" in result
