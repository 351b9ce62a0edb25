"""What a reader takes away from an explorer: a link that sets it again, a page of its own, Python, code."""

import json
import os
import random
import re
from pathlib import Path
from urllib.parse import quote

import pytest
import stage
from explorer_page import (
    ROOT,
    explorer,
    fold,
    part,
    put,
    serve,
    slider,
    text,
    violations_in_both_themes,
)
from page_assets import bare_pages, explorer_scripts
from test_states import SCRIPT, plain, tampered
from traitlets import TraitError

import helpers.widgets
from helpers import drills
from helpers.arithmetic import Layer, output_size, resolve_padding, snippet
from helpers.arithmetic.snippets import FRAMEWORKS
from helpers.widgets import (
    ConvolutionExplorer,
    Drill,
    FeatureMapExplorer,
    ReceptiveFieldExplorer,
    SolverExplorer,
    base,
)

KINDS = {
    "convolution": ConvolutionExplorer,
    "feature_map": FeatureMapExplorer,
    "receptive_field": ReceptiveFieldExplorer,
    "solver": SolverExplorer,
    "drill": Drill,
}
FOLDER, BARE = "book/page.html", "explorer/{}.html"
PLACES = {
    "convolution": 0,
    "feature_map": 1,
    "receptive_field": 2,
    "solver": 3,
    "drill": 4,
    "convolution-2": 5,
}
LAST = len(PLACES) - 1
SNIPPETS = json.loads((ROOT / "tests" / "golden" / "snippets.json").read_text(encoding="utf-8"))["cases"]


def write_bare_pages(folder):
    """The page of each explorer alone, and what it loads but for images, as they lie in the book."""
    files = {
        Path("_static") / target.relative_to("site"): content for target, content in stage.explorers().items()
    }
    for name in ("widgets.js", "favicon.svg"):
        files[Path("_static") / name] = (ROOT / "site" / name).read_text(encoding="utf-8")
    for target, content in (
        files | {Path("explorer") / name: page for name, page in bare_pages().items()}
    ).items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(content, encoding="utf-8")


def write_book_page(folder, name, sections, *modules):
    """A page of the book's kind beside the bare pages: these sections, and the scripts of their explorers."""
    loads = "".join(
        f'<script defer src="../_static/{each}"></script>' for each in explorer_scripts(*sorted(modules))
    )
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="../_static/widgets.css">'
        f"{loads}<main><h1>Page</h1>{''.join(sections)}</main>",
        encoding="utf-8",
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A small book: a page of four explorers among its sections, and the bare pages."""
    folder = tmp_path_factory.mktemp("share")
    write_bare_pages(folder)
    widgets = [*(kind() for kind in KINDS.values()), ConvolutionExplorer(input_size=9)]
    sections = [
        f'<section id="{name}"><h2>{name}</h2>{each.static_html()}<p>text</p></section>'
        for name, each in zip(PLACES, widgets, strict=True)
    ]
    sections[LAST] = f"<details><summary>folded</summary>{sections[LAST]}</details>"
    write_book_page(folder, FOLDER, sections, *{each._module for each in widgets})
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def state(page, place=0):
    """The traits of an explorer, without the examples that it offers."""
    return explorer(page, place).evaluate(
        """(place, names) => Object.fromEntries(names.map((name) => [name, place.bookModel.get(name)]))""",
        [name for name in plain(kind_of(page, place)()) if name != "examples"],
    )


def kind_of(page, place=0):
    module = explorer(page, place).get_attribute("data-module")
    return KINDS[module.removesuffix("_explorer")]


def shared(page, place=0):
    """The link, the line that embeds, and the line of Python; what is not offered is not among them."""
    lines = fold(page, "Link to this setting", place).locator(".copy:not([hidden]) pre")
    return lines.all_inner_texts()


def follow(page, address):
    """Go to an address of the same page."""
    page.evaluate("(address) => { location.hash = address; }", address)
    page.wait_for_timeout(20)  # hashchange comes later


# Links


def test_a_link_sets_the_explorer_again(open_page):
    for origin in ("file", "http"):
        page = open_page(FOLDER, origin)
        slider(page, "stride").press("ArrowRight")
        part(page, "padding").select_option("sides")
        slider(page, "input_size").press("ArrowRight")
        link, *_ = shared(page)
        assert link.endswith("page.html#explorer=convolution&input_size=8&stride=2&padding=0,0/0,0")
        other = open_page(FOLDER + "#" + link.split("#")[1], origin)
        assert state(other) == state(page)
        assert text(other, "problem") == ""
        for place in range(1, LAST):
            assert state(other, place) == state(page, place), "the others stay"


def test_the_page_scrolls_to_what_the_address_names_and_unfolds_it(open_page):
    page = open_page(FOLDER + "#explorer=convolution-2&stride=2", viewport={"width": 800, "height": 500})
    assert state(page, LAST) == plain_without_examples(ConvolutionExplorer(stride=2))
    assert explorer(page, LAST).is_visible()
    top = explorer(page, LAST).evaluate("(place) => place.getBoundingClientRect().top")
    assert abs(top) < 20 or page.evaluate("innerHeight + scrollY >= document.body.scrollHeight - 1")
    page.keyboard.press("Tab")
    assert (
        page.evaluate("document.activeElement.closest('.book-widget').bookModel.page.key") == "convolution-2"
    )
    follow(page, "feature_map")  # a section
    assert page.locator("#feature_map").evaluate("(part) => Math.abs(part.getBoundingClientRect().top)") < 2
    assert [text(page, "problem", place) for place in PLACES.values()] == [""] * len(PLACES)


def plain_without_examples(widget):
    return {name: value for name, value in plain(widget).items() if name != "examples"}


def test_a_link_to_where_the_page_is_already_sets_the_explorer_back(open_page):
    page = open_page(FOLDER + "#explorer=convolution&stride=2")
    page.evaluate(
        """() => {
            document.querySelector("h1").innerHTML = `<a href="${location.hash}">a link</a>`;
        }"""
    )
    put(page, stride=1)
    page.get_by_text("a link").click()
    assert state(page)["stride"] == 2


def test_the_link_is_copied_and_put_into_the_address(open_page):
    page = open_page(FOLDER, "http", own=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    slider(page, "stride").press("ArrowRight")
    link, embed, python = shared(page)
    part_of = fold(page, "Link to this setting")
    part_of.get_by_role("button", name="Copy the link").press("Enter")
    part_of.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == link == page.url
    part_of.get_by_role("button", name="Copy the line that embeds it").click()
    part_of.get_by_text("Copied.").nth(1).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == embed
    assert python == "ConvolutionExplorer(stride=2)"


def test_where_the_clipboard_is_barred_the_lines_are_selected(open_page):
    page = open_page(FOLDER)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    link, *_ = shared(page)
    fold(page, "Link to this setting").get_by_role("button", name="Copy the link").click()
    assert page.evaluate("getSelection().toString()") == link
    assert "All is selected" in fold(page, "Link to this setting").inner_text()


def test_an_example_is_linked_by_its_name_if_that_is_shorter(open_page):
    page = open_page(FOLDER)
    part(page, "example", 2).select_option("VGG-16")
    link, _, python = shared(page, 2)
    assert link.endswith("#explorer=receptive_field&example=VGG-16")
    slider(page, "input_size", 2).press("ArrowRight")
    assert shared(page, 2)[0].endswith("&example=VGG-16&input_size=225")
    assert eval(python, vars(helpers.widgets)).rows[-1].receptive_field == 212
    other = open_page(FOLDER + "#explorer=receptive_field&example=VGG-16")
    assert len(state(other, 2)["layers"]) == 18


def test_what_is_the_pages_own_goes_by_its_name_and_is_not_embedded(open_page):
    page = open_page(FOLDER)
    assert len(shared(page, 1)) == 3
    put(page, 1, image=[[1, 2, 3]] * 3, layer="conv1", stride=1)
    link, python = shared(page, 1)
    assert link.endswith("#explorer=feature_map")
    assert python == 'FeatureMapExplorer(image=image, layer="conv1")'


def legal_states(kind, chance, count):
    """States that Python takes, each with a few values of its own."""
    values = {
        ConvolutionExplorer: {
            "input_size": [3, 8, [9, 12]],
            "kernel_size": [1, 2, [3, 1]],
            "stride": [2, 16, [1, 3]],
            "dilation": [1, 2],
            "padding": [1, [2, 0], [[0, 1], [2, 3]], "valid", "same", "full"],
            "convention": ["onnx-lower"],
            "padding_mode": ["replicate"],
            "kind": ["transposed", "max pooling"],
            "image": ["seven", "counting"],
            "kernel": ["mean", "identity"],
            "view": ["coverage"],
        },
        FeatureMapExplorer: {
            "filter": ["blur", "vertical edges"],
            "stride": [2, 8],
            "padding": [1, "same", "valid"],
            "relu": [True, False],
            "selected": [[0, 0], [2, 1]],
        },
        ReceptiveFieldExplorer: {
            "input_size": [64, 256],
            "in_channels": [3],
            "layers": [
                [{"kernel_size": 3, "name": "1,2/3:4;&=+ä~'(x)%"}],
                [
                    {"kernel_size": 3, "padding": [0, 1], "channels": 8, "name": "12"},
                    {"kernel_size": 2, "stride": 2, "name": "~none"},
                ],
                [{"kernel_size": 3, "depthwise": True, "bias": False, "padding": "same", "name": "none"}],
            ],
            "selected": [[0, 0], None],
        },
        SolverExplorer: {
            "question": ["stack"],
            "kind": ["pooling", "transposed"],
            "size": [None, [20, 30], 7],
            "output": [None, 3],
            "kernel_size": [3, [1, 4]],
            "ceil_mode": [True, False],
            "stack": ["conv3s2p0,1 pool2ceil*2", "conv3"],
            "sizes": [[5, 70]],
        },
        Drill: {
            "kinds": [[*drills.KINDS][-2:], [*drills.KINDS][-1:]],
            "kind": [[*drills.KINDS][-1]],
            "seed": [0, 17, 999_999],
            "level": [2, 4],
        },
    }[kind]
    for _ in range(count):
        names = chance.sample(sorted(values), chance.randint(1, len(values)))
        asked = {name: chance.choice(values[name]) for name in names}
        try:
            yield plain_without_examples(kind(**asked))
        except (ValueError, TraitError):
            continue


@pytest.mark.parametrize("name", KINDS)
def test_every_setting_comes_back_from_its_link_and_its_line_of_python(open_page, name):
    kind, place = KINDS[name], PLACES[name]
    page = open_page(FOLDER)
    chance = random.Random(name + os.environ.get("STRIDE_BOOK_SEED", ""))
    wanted = list(legal_states(kind, chance, 40))
    shared(page, place)
    found = explorer(page, place).evaluate(
        """(place, [states, start]) => states.map((state) => {
            place.bookModel.set(state);
            const [link, python] = ["", ":last-child "].map((which) =>
                place.querySelector(`.fold:last-of-type .copy${which} pre`).textContent);
            place.bookModel.set(start);
            history.replaceState(null, "", link);
            dispatchEvent(new HashChangeEvent("hashchange"));
            const names = Object.keys(state);
            const back = Object.fromEntries(names.map((name) => [name, place.bookModel.get(name)]));
            return [back, place.querySelector("[part=problem]").textContent, link.split("#")[1], python];
        })""",
        [wanted, plain_without_examples(kind())],
    )
    for expected, (back, problem, address, python) in zip(wanted, found, strict=True):
        assert (back, problem) == (expected, ""), address
        assert re.fullmatch(r"[\w.~%+&=,;:/-]+", address), address
        assert plain_without_examples(eval(python, vars(helpers.widgets))) == expected, python
    assert len(wanted) > 15


# Addresses that nobody's explorer made


@pytest.mark.parametrize(
    ("address", "place", "problem"),
    [
        (
            "explorer=convolution&stride=99",
            0,
            "stride must be a whole number from 1 to 16, or two, .*, got 99.",
        ),
        ("explorer=convolution&kernel_size=11", 0, "The kernel spans 11 pixels, but the input has 7, "),
        ("explorer=convolution&selected=9,9", 0, r"selected must be one that is there, got \[9,9\]."),
        ("explorer=convolution&size=7", 0, "this explorer has no “size”; it has .*input_size, "),
        ("explorer=convolution&examples=1", 0, "this explorer has no “examples”"),
        ("explorer=convolution&__proto__=1", 0, "this explorer has no “__proto__”"),
        ("explorer=convolution&example=toString", 0, "this explorer has no example “toString”."),
        ("explorer=convolution&stride=2&stride=3", 0, "stride stands twice in it."),
        ("explorer=convolution&stride=%E4%", 0, "its part stride=%E4% cannot be read."),
        ("explorer=convolution&controls=maybe", 0, 'controls must be on or off, got "maybe".'),
        ("explorer=convolution&image=" + "1" * 20_000, 0, "an address must have at most 20000 characters."),
        ("explorer=feature_map&filter=none+such", 1, 'filter must be one that is there, got "none such".'),
        ("explorer=feature_map&image=1,2/3,4", 1, "this explorer has no “image”"),
        ("explorer=receptive_field&selected=0,999", 2, r"selected must be one that is there, got \[0,999\]."),
        ("explorer=receptive_field&layers=conv3", 2, r"layers must be a list of 1 to .*, got \"conv3\"."),
        (
            "explorer=receptive_field&layers=kernel_size:3,color:red/",
            2,
            r"layers\[0\] must be of known settings, got “color”.",
        ),
        (
            "explorer=convolution-3&stride=2",
            0,
            "this page has no explorer “convolution-3”; it has convolution, ",
        ),
        ("explorer=solved", 0, "this page has no explorer “solved”; it has convolution, feature_map, "),
        ("explorer=", 0, "this page has no explorer “”"),
        ("stride=2&explorer=1,2", 0, r"this page has no explorer “\[1,2\]”"),
    ],
)
def test_an_address_that_is_not_followed_says_why(open_page, address, place, problem):
    page = open_page(FOLDER)
    before = [state(page, each) for each in PLACES.values()]
    follow(page, address)
    assert re.match(f"The address is not followed: {problem}", text(page, "problem", place))
    assert [state(page, each) for each in PLACES.values()] == before
    put(page, place, stride=2, input_size=27)
    assert text(page, "problem", place) == ""


@pytest.mark.parametrize("name", KINDS)
def test_whatever_the_address_says_no_script_runs_and_the_page_goes_on(open_page, name):
    page = open_page(BARE.format(name))
    kind = KINDS[name]
    chance = random.Random("address" + name + os.environ.get("STRIDE_BOOK_SEED", ""))
    default = state(page)
    hostile = [SCRIPT, quote(SCRIPT), "'\"><svg/onload=window.hacked=1>", "javascript:window.hacked=1"]
    signs = "&=,;:/+~%#?.-0123456789abc" + SCRIPT
    addresses = ["".join(chance.choices(signs, k=chance.randint(0, 60))) for _ in range(100)]
    addresses += [
        f"{key}={each}" for key in [*default, "example", "explorer", "controls", "x"] for each in hostile
    ]
    states = [tampered(chance, plain(kind())) for _ in range(100)]
    addresses += page.evaluate(
        "(all) => all.map((values) => window.BOOK_WIDGETS.share.writeAddress(JSON.parse(values)))",
        [json.dumps({key: changed[key] for key in names}) for changed, names in states],
    )
    addresses += [f"{chance.choice([*default])}={'/,;:'[turn % 4] * 9_000}" for turn in range(8)]
    addresses += ["controls=on"] * 5
    found = page.evaluate(
        """(addresses) => addresses.map((address) => {
            const place = document.querySelector(".book-widget");
            history.replaceState(null, "", "#" + address);
            dispatchEvent(new HashChangeEvent("hashchange"));
            const problem = place.querySelector("[part=problem]").textContent;
            const odd = place.innerHTML.match(/(NaN|undefined|Infinity|\\[object).{0,60}/)?.[0] ?? "";
            return [problem, odd, place.querySelectorAll("script, [onerror], [onload]").length];
        })""",
        addresses,
    )
    refused = sum(bool(problem) for problem, *_ in found)
    for address, (problem, odd, guests) in zip(addresses, found, strict=True):
        assert (odd, guests) == ("", 0), address
        assert not problem or problem.startswith("The address is not followed: "), (address, problem)
    assert len(addresses) / 3 < refused < len(addresses), "the cases lean to one side"
    assert page.evaluate("window.hacked") is None
    follow(page, f"explorer={name}")
    assert text(page, "problem") == ""
    assert state(page) == plain_without_examples(kind())


# Bare pages


def test_there_is_a_bare_page_of_every_explorer():
    modules = {*base.module_names()} - {*base.LIBRARIES, "frames"}
    assert {name.removesuffix(".html") for name in bare_pages()} == {
        module.removesuffix("_explorer") for module in modules
    }


@pytest.mark.parametrize("name", [name.removesuffix(".html") for name in bare_pages()])
def test_a_bare_page_is_for_everyone(open_page, name):
    for width in (390, 900):
        view = {"viewport": {"width": width, "height": 800}, "reduced_motion": "reduce"}
        page = open_page(BARE.format(name), "http", **view)
        module = explorer(page).get_attribute("data-module")
        assert module in (name, f"{name}_explorer")
        assert page.locator("h1").inner_text() == module.replace("_", " ").capitalize()
        for title in page.locator(".fold > summary").all_inner_texts():
            fold(page, title)
        assert "explorer=" in shared(page)[0]
        assert violations_in_both_themes(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_bare_page_is_as_dark_as_the_system(open_page):
    page = open_page(BARE.format("convolution"), color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(18, 18, 18)"
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{ground} === 'rgb(255, 255, 255)'")


def test_a_frame_shows_the_setting_without_controls(open_page):
    page = open_page(FOLDER, "http")
    put(page, stride=2, input_size=8)
    _, embed, _ = shared(page)
    assert 'title="convolution explorer" width="100%"' in embed
    line = embed.replace("#", "?controls=off#")
    page.evaluate("(line) => { document.querySelector('main').innerHTML = line; }", line)
    frame = page.frame_locator("iframe")
    assert frame.locator("[part=outputSize]").inner_text() == "Output 3 × 3"
    for hidden in (".settings", ".bar", ".fold >> nth=0"):
        assert not frame.locator(hidden).is_visible()
    page.set_viewport_size({"width": 900, "height": 1600})
    high, room = frame.locator("html").evaluate("(root) => [root.scrollHeight, innerHeight]")
    assert high <= room + 1
    frame.locator("svg[role=slider]").press("ArrowRight")
    assert "column 1" in frame.locator("[part=sum]").inner_text()


def test_a_bare_page_takes_its_setting_from_either_part_of_the_address(open_page):
    for address in ("?stride=2", "#stride=2", "?explorer=convolution#stride=2", "#controls=on&stride=2"):
        page = open_page(BARE.format("convolution") + address)
        assert (state(page)["stride"], text(page, "problem")) == (2, ""), address
        assert part(page, "settings").is_visible()
    page = open_page(BARE.format("convolution") + "#explorer=feature_map&stride=2")
    assert text(page, "problem") == (
        "The address is not followed: this page has no explorer “feature_map”; it has convolution."
    )


# Code


def axes(layers, sizes):
    """What the pages know of the axes, as helpers.arithmetic has it."""
    found = []
    for layer, size in zip(layers, sizes, strict=True):
        before, after = resolve_padding(size, **layer.window)
        count = output_size(size, **layer.window)
        spread = (size - 1) * layer.stride + layer.reach
        extra = count + before + after - spread if layer.grows else 0
        found.append(
            {
                "size": size,
                "taps": layer.kernel_size,
                "stride": layer.stride,
                "dilation": layer.dilation,
                "reach": layer.reach,
                "before": before,
                "after": after,
                "count": count,
                "extra": extra,
                "made": count if layer.grows else 0,
            }
        )
    return found


def asked(layers, sizes, inputs, outputs):
    first = layers[0]
    return {
        "kind": first.kind,
        "axes": axes(layers, sizes),
        "padding": first.padding if first.padding == layers[1].padding else None,
        "convention": first.convention,
        "ceil_mode": first.ceil_mode,
        "output_shape": first.output_shape,
        "inputs": inputs,
        "outputs": outputs,
    }


WRITE = """(cases) => cases.map(([name, layer]) => {
    const { snippet } = window.BOOK_WIDGETS.share;
    try { return snippet(name, layer).code; } catch ({ message }) { return [message]; }
})"""


def test_the_page_writes_the_lines_that_were_executed(open_page):
    page = open_page(BARE.format("convolution"))
    cases, expected = [], []
    for row in SNIPPETS:
        given = row["layer"] if isinstance(row["layer"], list) else [row["layer"]] * 2
        tuples = ({key: tuple(v) if isinstance(v, list) else v for key, v in each.items()} for each in given)
        layers = [Layer(**each) for each in tuples]
        sizes = row["size"] if isinstance(row["size"], list) else [row["size"]] * 2
        for framework in FRAMEWORKS:
            cases.append([framework, asked(layers, sizes, 2, 3)])
            expected.append(row["code"].get(framework))
    for case, wanted, made in zip(cases, expected, page.evaluate(WRITE, cases), strict=True):
        assert (made == wanted) if wanted else isinstance(made, list), (case, wanted, made)
    assert len(cases) > 1000


def test_the_page_writes_what_python_writes_for_any_layer(open_page):
    chance = random.Random("lines" + os.environ.get("STRIDE_BOOK_SEED", ""))
    cases, expected = [], []
    while len(cases) < 1500:
        kind = chance.choice(["convolution", "pooling", "transposed"])
        words = ["same", "valid"] if kind == "transposed" else ["same", "valid", "full"]
        word = chance.choice([None, *words])
        ceil_mode = kind == "pooling" and chance.choice([False, True, "bare"])
        convention = chance.choice(["tensorflow", "onnx-lower"])
        try:
            layers = tuple(
                Layer(
                    chance.randint(1, 5),
                    stride=chance.randint(1, 3),
                    dilation=chance.choice([1, 1, 2]),
                    padding=word or (chance.randint(0, 2), chance.randint(0, 2)),
                    convention=convention if word == "same" else "tensorflow",
                    ceil_mode=ceil_mode,
                    kind=kind,
                )
                for _ in "ab"
            )
            if chance.random() < 0.5:
                layers = (layers[0], layers[0])
            sizes = [chance.randint(4, 12), chance.randint(4, 12)]
            framework = chance.choice(FRAMEWORKS)
            case = [framework, asked(layers, sizes, 3, 16)]
        except ValueError:
            continue
        cases.append(case)
        try:
            expected.append(snippet(layers, framework, size=tuple(sizes)).code)
        except ValueError:
            expected.append(None)
    page = open_page(BARE.format("convolution"))
    for case, wanted, made in zip(cases, expected, page.evaluate(WRITE, cases), strict=True):
        assert (made == wanted) if wanted else isinstance(made, list), (case, wanted, made)
    assert 50 < expected.count(None) < 700, "the cases lean to one side"


def test_the_code_is_that_of_the_drawing(open_page):
    page = open_page(FOLDER)
    put(page, stride=2, padding="same", input_size=8)
    code = fold(page, "Code for this layer")
    lines, words = code.locator("pre"), code.locator("p")
    same = Layer(3, stride=2, padding="same")
    for framework in FRAMEWORKS:
        code.get_by_label("framework").select_option(framework)
        expected = snippet(same, framework, size=8, in_channels=1, out_channels=1)
        assert lines.inner_text() == expected.code
        for order in filter(None, expected[1:]):
            assert order in words.inner_text()
    slider(page, "input_size").press("ArrowRight")
    assert "pads=[1, 1, 1, 1]" in lines.inner_text()
    code.get_by_label("framework").select_option("pytorch")
    for kind, own, given in (
        (
            "transposed",
            {"stride": 2, "padding": [[1, 0], [0, 2]], "output_padding": 1},
            {"output_padding": 1},
        ),
        ("max pooling", {"stride": 2, "padding": [[1, 0], [0, 1]], "ceil_mode": True}, {"ceil_mode": True}),
    ):
        put(page, kind=kind, **own)
        layers = tuple(
            Layer(3, stride=2, padding=tuple(sides), kind=kind.removeprefix("max "), **given)
            for sides in own["padding"]
        )
        assert lines.inner_text() == snippet(layers, "pytorch", size=9, in_channels=1, out_channels=1).code
        put(page, output_padding=0, ceil_mode=False)
    put(page, kind="average pooling")
    assert words.inner_text() == "There are no lines for this kind of layer, average pooling."
    put(page, kind="convolution")
    code.get_by_label("framework").select_option("onnx")
    code = fold(page, "Code for this layer", 1)
    assert code.get_by_label("framework").input_value() == "onnx", "as chosen before"
    code.get_by_label("framework").select_option("pytorch")
    assert "nn.Conv2d(1, 7, kernel_size=3)" in code.locator("pre").inner_text()
    code = fold(page, "Code for this layer", 3)
    found = snippet(Layer(2, stride=2), "pytorch", size=28).code
    assert code.locator("pre").inner_text() == found
    put(page, 3, question="stack")
    assert code.locator("p").inner_text() == "Lines of code are written for one layer, not for a stack."


def test_a_layer_without_code_says_so(open_page):
    page = open_page(FOLDER)
    code = fold(page, "Code for this layer")
    put(page, padding=1, padding_mode="reflect")
    assert (
        code.locator("p").inner_text() == "There are no lines for padding “reflect”: they all pad with zeros."
    )
    assert not code.locator("pre").is_visible()
    put(page, padding_mode="zeros", stride=2, dilation=2)
    code.get_by_label("framework").select_option("keras")
    assert code.locator("p").inner_text() == "Keras 3 has no dilated convolution with a stride."
    found = page.evaluate(WRITE, [["jax", asked([Layer(3)] * 2, [7, 7], 1, 1) | {"kind": "average pooling"}]])
    assert found == [["There are no lines for this kind of layer, average pooling."]]


def test_a_live_explorer_offers_python_and_no_link(open_page):
    page = open_page(FOLDER)
    found = explorer(page).evaluate(
        """(place) => {
            const model = {};
            for (const name of ["get", "on"]) model[name] = (...all) => place.bookModel[name](...all);
            const el = document.createElement("div");
            document.body.append(el);
            window.BOOK_WIDGETS.convolution_explorer.render({ model, el });
            for (const fold of el.querySelectorAll("details")) fold.open = true;
            return new Promise((done) => setTimeout(() => done([
                [...el.querySelectorAll("summary")].map((each) => each.textContent),
                [...el.querySelectorAll(".copy:not([hidden]) pre")].slice(1).map((each) => each.textContent),
                el.querySelector(".pad p").textContent.endsWith(", and only Python gets it, as `image`."),
            ]), 50));
        }"""
    )
    titles = ["Your own picture", "Code for this layer", "This setting in Python"]
    assert found == [titles, ["ConvolutionExplorer()"], True]


def test_paper_leaves_the_folds_out(open_page):
    page = open_page(FOLDER)
    fold(page, "Code for this layer")
    page.emulate_media(media="print")
    assert page.locator(".fold:visible").count() == 0
