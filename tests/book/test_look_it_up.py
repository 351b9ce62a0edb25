"""The page of answers: addresses that stay, words that people type, eight lines each."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = nbformat.read(ROOT / "notebooks" / "look_it_up.ipynb", as_version=4)

# Others link to these: an address may be added, and none may go.
ADDRESSES = [
    "ask-solver",
    "ask-kernel-larger",
    "ask-mat1-mat2",
    "ask-sizes-must-match",
    "ask-same-strided",
    "ask-output-too-small",
    "ask-reflect-too-wide",
    "ask-pool-pad",
    "ask-output-padding-smaller",
    "ask-negative-dimension",
    "ask-dimension-zero",
    "ask-zero-or-negative",
    "ask-auto-pad",
    "ask-which-padding",
    "ask-x-5",
    "ask-one-pixel-short",
    "ask-output-padding",
    "ask-u-net-sizes",
    "ask-multiple-of-32",
    "ask-ceil-mode",
    "ask-first-linear",
    "ask-even-kernels",
    "ask-same-dilation",
    "ask-audio-frames",
    "ask-keras-same",
    "ask-other-numbers",
    "ask-stride-or-pooling",
    "ask-small-stem",
    "ask-valid-or-same",
    "ask-zeros-or-reflect",
    "ask-checkerboard",
    "ask-receptive-fields",
    "ask-my-receptive-field",
    "ask-whose-words",
]
# What people were found to ask, and where it is answered.
ASKED = {
    "which number goes into Linear": "ask-mat1-mat2",
    "how small may my image be": "ask-kernel-larger",
    "which sizes fit a skip connection": "ask-u-net-sizes",
    "why a multiple of 32": "ask-multiple-of-32",
    "why another stem for small images": "ask-small-stem",
    "same weights, other framework, other numbers": "ask-other-numbers",
    "PyTorch refuses same with stride": "ask-same-strided",
    "auto_pad with a dynamic shape": "ask-auto-pad",
    "which output_padding": "ask-output-padding",
    "ceil_mode": "ask-ceil-mode",
    "receptive field of my model": "ask-my-receptive-field",
    "zeros, reflect, replicate": "ask-zeros-or-reflect",
    "strided convolution or pooling": "ask-stride-or-pooling",
    "why odd kernels": "ask-even-kernels",
    "the formula gives x.5": "ask-x-5",
}
FOLDED = {"hide-input", "hide-cell", "remove-cell", "remove-input"}
SIDE_PAGES = {"ask-solver", "ask-whose-words"}  # no question with an answer


def entries():
    """The cells of each entry by its label, the heading taken off the first one."""
    found = {}
    for cell in PAGE.cells:
        if opened := re.match(r"\((ask-[\w-]+)\)=\n## (.+)\n", cell.source):
            label = opened[1]
            found[label] = {"heading": opened[2], "prose": [cell.source[opened.end() :]], "code": []}
        elif found:
            found[label]["prose" if cell.cell_type == "markdown" else "code"].append(cell)
    for entry in found.values():
        entry["prose"] = [getattr(each, "source", each) for each in entry["prose"]]
    return found


ENTRIES = entries()
QUESTIONS = [label for label in ENTRIES if label not in SIDE_PAGES]


def test_no_address_disappears():
    assert len(ADDRESSES) == len(set(ADDRESSES))
    assert sorted(ENTRIES) == sorted(ADDRESSES)


def test_the_list_on_top_leads_to_each():
    listed = re.findall(r"\{ref\}`[^`]+ <(ask-[\w-]+)>`", PAGE.cells[0].source)
    assert sorted(listed) == sorted(set(ADDRESSES) - {"ask-whose-words"})
    assert listed[:-1] == QUESTIONS, "in another order than the entries"


def test_every_question_that_people_ask_has_its_entry():
    assert len(ASKED) == 15
    assert set(ASKED.values()) <= set(QUESTIONS)


@pytest.mark.parametrize("label", QUESTIONS)
def test_an_answer_is_short_runs_and_leads_on(label):
    entry = ENTRIES[label]
    prose = [line for part in entry["prose"] for line in part.splitlines() if line.strip()]
    shown = [cell for cell in entry["code"] if not FOLDED & set(cell.metadata.get("tags", ()))]
    assert entry["code"], "no remedy that runs"
    assert len(prose) + sum(len(cell.source.splitlines()) for cell in shown) <= 8
    assert re.search(r"\{ref\}`", entry["prose"][-1]), "it leads nowhere"


@pytest.mark.parametrize("label", QUESTIONS)
def test_an_answer_shows_what_came_out(label):
    for cell in ENTRIES[label]["code"]:
        last = cell.source.splitlines()[-1]
        if "remove-cell" in cell.metadata.get("tags", ()):
            continue
        assert not re.match(r"[\w., ]+ = |assert |import |from ", last), "its last line shows nothing"


def test_a_message_of_torch_in_a_heading_is_provoked():
    (provoked,) = [cell.source for cell in PAGE.cells if "provoked = {" in cell.source]
    words = re.findall(r'^    "(.+?)": lambda', provoked, flags=re.MULTILINE)
    headings = [ENTRIES[label]["heading"] for label in ADDRESSES[1:9]]
    assert headings == [f"`{each}`" for each in words]


def test_the_front_page_leads_there_first():
    front = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", front)
    assert links[0] == "../notebooks/look_it_up.ipynb"
    assert front.index("front.svg") < front.index(links[0]) < front.index("<!-- explorer -->")


def test_known_networks_are_computed_and_many():
    source = "\n".join(cell.source for cell in PAGE.cells if cell.cell_type == "code")
    networks = re.search(r"NETWORKS = \[(.*?)\n\]", source, flags=re.DOTALL)[1]
    assert len(re.findall(r'"\w+"', networks)) >= 12
    assert "anatomy(nn.Sequential(*trunk)" in source
