"""The pages' exercises: held to Python's, letter by letter; the addresses to the explorers that they open."""

import json
import random
import shutil

import pytest
from explorer_page import ROOT, serve
from record_drills import LEVELS, compact

from helpers.drills import KINDS, diagnose, exercise, sheet
from helpers.widgets import ConvolutionExplorer, ReceptiveFieldExplorer, SolverExplorer, base

GOLDEN = json.loads((ROOT / "tests" / "golden" / "drills.json").read_text(encoding="utf-8"))
EXPLORERS = {
    "convolution": ConvolutionExplorer,
    "receptive_field": ReceptiveFieldExplorer,
    "solver": SolverExplorer,
}

# As record_drills.py types and hashes.
CASES = """
    const { exercise, diagnose } = await import("./drills.mjs");
    const typedAt = (drill) => {
        const answers = [drill.answer, ...drill.mistakes.map(({ answer }) => answer)];
        const another = (place) => typed[(some * drill.seed + place) % typed.length];
        const others = [...Array(some).keys()].map(another);
        if (drill.form === "choice") return [...answers.map(([place]) => drill.choices[place]), ...others];
        drill.answer.forEach((_, moved) => {
            const near = (by) => drill.answer.map((number, place) => number + by * (place === moved));
            answers.push(...[1, -1, 3].map(near));
        });
        const halves = drill.answer.map((number) => `${number}.5`).join(", ");
        return [...answers.map((answer) => answer.join(", ")), halves, ...others];
    };
    const caseOf = (kind, seed, level) => {
        const drill = exercise(kind, seed, level);
        return [drill, typedAt(drill).map((text) => diagnose(drill, text))];
    };
"""
DIGESTS = f"""async ([typed, some, block, wanted]) => {{
    {CASES}
    const digestOf = async (kind, level, from) => {{
        const lineOf = (more) => JSON.stringify(caseOf(kind, from + more, level));
        const text = new TextEncoder().encode([...Array(block).keys()].map(lineOf).join("\\n"));
        const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).slice(0, 8);
        return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }};
    const found = {{}};
    for (const [kind, levels] of Object.entries(wanted)) {{
        found[kind] = await Promise.all(levels.map((blocks, level) =>
            Promise.all(blocks.map((_, place) => digestOf(kind, level + 1, place * block)))));
    }}
    return found;
}}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page that can load the modules."""
    folder = tmp_path_factory.mktemp("drills")
    for path in [*base.MODULE_FOLDER.glob("*.mjs"), *base.MODULE_FOLDER.parent.glob("*.json")]:
        shutil.copy(path, folder)  # above the root of a server is its root
    (folder / "index.html").write_text("<!doctype html><title>Drills</title><link rel=icon href=data:,>")
    with serve(folder) as address:
        yield {"http": address}


def test_the_pages_ask_and_say_what_python_does(open_page):
    inputs = [GOLDEN["typed"], GOLDEN["some"], GOLDEN["block"], GOLDEN["digests"]]
    assert open_page(origin="http").evaluate(DIGESTS, inputs) == GOLDEN["digests"]


def test_a_whole_case_of_each_kind_is_the_same(open_page):
    """Says what differs, where a digest says only that something does."""
    cases = "return kinds.map((kind) => caseOf(kind, 2 ** 32 - 1, 3));"
    script = f"async ([typed, some, kinds]) => {{ {CASES} {cases} }}"
    found = open_page(origin="http").evaluate(script, [GOLDEN["typed"], GOLDEN["some"], list(KINDS)])
    for ours, theirs in zip(GOLDEN["cases"], found, strict=True):
        assert ours == theirs


def test_whatever_is_typed_is_judged_alike(open_page):
    chance = random.Random(3)
    signs = "0123456789 ,;.-+/()[]\t\u00a0−１，eE" + "abcé٣\U0001f600"
    texts = ["".join(chance.choices(signs, k=chance.randint(0, 9))) for _ in range(400)]
    numbers, pairs = exercise("output-size", seed=4, level=2), exercise("cost", seed=4)
    script = """async (texts) => {
        const { exercise, diagnose } = await import("./drills.mjs");
        const drills = [exercise("output-size", 4, 2), exercise("cost", 4, 1)];
        return texts.map((text) => JSON.stringify(drills.map((drill) => diagnose(drill, text))));
    }"""
    for text, said in zip(texts, open_page(origin="http").evaluate(script, texts), strict=True):
        ours = [diagnose(drill, text) for drill in (numbers, pairs)]
        names = ("outcome", "misconception", "says", "step")
        assert compact([{name: getattr(each, name) for name in names} for each in ours]) == said, repr(text)


def test_a_sheet_is_the_same(open_page):
    script = """async (sheets) => {
        const { sheet } = await import("./drills.mjs");
        return sheets.map((given) => sheet(...given).map(({ question }) => question));
    }"""
    asked = [[None, 7, 12, None], [["cost", "u-net"], 2**32 - 1, 5, 4]]
    for (kinds, seed, count, level), found in zip(
        asked, open_page(origin="http").evaluate(script, asked), strict=True
    ):
        assert [each.question for each in sheet(kinds, seed=seed, count=count, level=level)] == found


def test_every_address_is_one_that_its_explorer_takes(open_page):
    drills = [
        exercise(kind, seed=seed, level=level) for kind in KINDS for level in LEVELS for seed in range(3)
    ]
    addresses = [each.opens[1:] for each in drills if each.opens]
    script = """async (addresses) => {
        const { readAddress } = await import("./share.mjs");
        return addresses.map((address) => Object.fromEntries(readAddress(address)));
    }"""
    for values in open_page(origin="http").evaluate(script, addresses):
        EXPLORERS[values.pop("explorer")](**values)  # raises what the pages would say
