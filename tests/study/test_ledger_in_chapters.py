"""Chapters and ledger agree: ids, verdict words, and the numbers that the sources printed."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from helpers import sources
from helpers.sources import WORKED_5X5
from study.judging import Verdict
from study.ledger import CLAIMS

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WORDS = [str(verdict) for verdict in Verdict]

TEACHES_THE_WORDS = "09_training_and_telling"  # with invented differences

# Verdicts that a chapter writes out, in the order of the page, by the claims that they are about.
WRITTEN_OUT = {"15_architectures": ("M-11", "M-18", "M-14", "G-08")}


def cells(path, kind):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def printed_numbers():
    """What the sources printed, as a page would type it, where it is not easily something else."""
    accuracies = [value for row in sources.MNIST_ACCURACY.values() for value in row if value is not None]
    losses = []
    for run in sources.FASHION_MNIST_RUNS.values():
        accuracies += [run.accuracy, run.train_accuracy, run.validation_accuracy]
        losses.append(run.loss)
    fractions = {f"{value:.4f}" for value in (*accuracies, *losses)}
    percentages = {f"{100 * value:.2f}" for value in accuracies}
    right = {f"{value:.2f}" for example in WORKED_5X5 for value in example.output.flat}
    wrong = {f"{value:.2f}" for example in WORKED_5X5 for value in example.published.flat}
    return fractions | percentages | (wrong - right)


def typed_in(text):
    return {
        number for number in printed_numbers() if re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", text)
    }


def emphasized(text):
    return re.findall(rf"(?<!\*)\*{{1,2}}({'|'.join(WORDS)})\*{{1,2}}(?!\*)", text)


def typed_verdicts(path):
    """The verdict words that a chapter writes out; where all five stand together, they are being listed."""
    found = [emphasized(text) for text in cells(path, "markdown")]
    return [word for words in found if set(words) != set(WORDS) for word in words]


def test_what_is_looked_for_is_found():
    assert typed_in("reaches 98.89% here") == {"98.89"}
    assert typed_in('{"a": 0.8795}, 0.3276') == {"0.8795", "0.3276"}
    assert typed_in("198.89 and 0.88, 98.891") == set()
    assert emphasized("that **holds**, this *fails*, it holds, *cannot be told*") == [
        "holds",
        "fails",
        "cannot be told",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_number_of_a_source_is_typed(path):
    found = set().union(*(typed_in(text) for kind in ("markdown", "code") for text in cells(path, kind)))
    assert found == set(), "take it from helpers.sources"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_claim_that_is_named_is_in_the_ledger(path):
    text = "\n".join([*cells(path, "markdown"), *cells(path, "code")])
    assert set(re.findall(r"\b[MFGBP]-\d\d\b", text)) <= set(CLAIMS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_verdicts_that_are_written_out_are_those_of_the_ledger(path):
    about = WRITTEN_OUT.get(path.stem, ())
    assert typed_verdicts(path) == [CLAIMS[name].judge().state for name in about]


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.stem != TEACHES_THE_WORDS], ids=lambda path: path.stem
)
def test_code_types_no_verdict(path):
    nodes = [node for text in cells(path, "code") for node in ast.walk(ast.parse(text))]
    assert [node.value for node in nodes if isinstance(node, ast.Constant) and node.value in WORDS] == []
