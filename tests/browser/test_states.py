"""States that no explorer made: each is drawn or refused in a sentence, runs no script and hangs no page."""

import base64
import copy
import gzip
import html
import json
import os
import random
import re

import pytest
from explorer_page import explorer, part, put, serve, text, write_assets, write_page
from test_explorers import Picture
from traitlets import TraitError

from helpers.widgets import (
    ConvolutionExplorer,
    Drill,
    FeatureMapExplorer,
    Frames,
    ReceptiveFieldExplorer,
    SolverExplorer,
    TrainingExplorer,
)
from helpers.widgets.traits import MOST_LETTERS

SCRIPT = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
DEEP = json.loads("[" * 500 + "]" * 500)
VALUES = [
    *(None, True, False, -1, 0, 1, 2, 3, 33, 257, 0.5, 10**9, -(10**9), 10**308, -(10**308), 1e-320),
    *("", "valid", "same", "full", "1", "__proto__", "constructor", "toString", SCRIPT, "a" * 10**5),
    *(
        [],
        [[]],
        [1, 2],
        [2, 1],
        [0, 0],
        [-1, 0],
        [10**9, 10**9],
        [[1, 2], [3, 4]],
        [[1], [2, 3]],
        [1, [2, 3]],
    ),
    *([SCRIPT, 1], [1, SCRIPT], [None], [[None] * 3] * 3, [[1e99] * 3] * 3, [[10**200] * 3] * 3, DEEP),
    *({}, {"length": 10**9}, {"length": 3, "0": 1}, {SCRIPT: SCRIPT}, {"__proto__": {"stride": 0}}),
    *([1] * 10**5, [[1] * 3] * 10**5, [[1] * 10**5] * 3, {str(number): {} for number in range(10**4)}),
]
FITTING = {"drill": [2, 3, 4, "unread", ["unread", "output-size"], []] * 8}  # others are mostly refused
KINDS = {
    "convolution": ConvolutionExplorer,
    "feature_map": FeatureMapExplorer,
    "receptive_field": ReceptiveFieldExplorer,
    "solver": SolverExplorer,
    "training": TrainingExplorer,
    "drill": Drill,
}
SIZES = dict.fromkeys(KINDS, "rows")
SIZES |= {"convolution": "outputSize", "feature_map": "mapSize", "drill": "question"}
DRAWN = ", ".join(f"[part={part}]" for part in sorted(set(SIZES.values())))
FILTERS = [{"name": "a", "weights": [[1]], "bias": 0}, {"name": "b", "weights": [[1, 2]], "bias": 0}]
ONE_SHAPE = "filters must be of one shape, each of another name; 2 have {} names."
LAYER = {"kernel_size": 1, "depthwise": True, "channels": 2}
CONVOLUTION = {"kernel_size": 1, "channels": 2}
GROWN = CONVOLUTION | {"kind": "transposed", "stride": 2}
ROUNDED = "ceil_mode must be false but in a pooling."
RESIZED = "layers[0]: a resize must have its factor alone: no channels, padding, dilation or other stride."
LARGER = "Output padding must be below 2, the larger of stride and dilation, got 2."
CAUSAL = "layers[0]: padding “causal” is for a convolution of Keras."
TOO_WIDE = "The kernel spans 8 pixels, but the input has 7, padding included."
LENIENT = {"selected", "filter", "layer"}  # the page moves them to what there is, Python refuses what is not


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site with one explorer of each kind, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("states")
    write_assets(folder)
    frames = Frames.of("word", values=["one", "two"], draw=Picture)
    for page in ("index.html", "policy.html"):
        write_page(folder, page, *(kind() for kind in KINDS.values()), frames)
    strict = (folder / "policy.html").read_text(encoding="utf-8")
    strict = re.sub("<script>.*?</script>", "", strict)  # the test page's own, for its theme
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\"><title>"
    (folder / "policy.html").write_text(strict.replace("<title>", policy, 1), encoding="utf-8")
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def plain(widget):
    """Its state as JSON has it."""
    return json.loads(json.dumps(widget.static_state()))


def paths(value, here=()):
    """Where something stands in a state: each key, and the first and last of each list."""
    if here:
        yield here
    inner = value.items() if isinstance(value, dict) else []
    if isinstance(value, list) and value:
        inner = [(index, value[index]) for index in sorted({0, len(value) - 1})]
    for key, each in inner:
        yield from paths(each, (*here, key))


def with_value(state, path, value):
    """The state with another value in one place."""
    if not path:
        return value
    first, *rest = path
    changed = copy.copy(state)
    changed[first] = with_value(state[first], rest, value)
    return changed


def tampered(chance, state, values=VALUES):
    """The state with one to three values out of place, and the names of the traits that they are in."""
    names = set()
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        path = chance.choice(
            [each for each in paths(state) if chance.random() < 1 / len(each)] or [*paths(state)]
        )
        state = with_value(state, path, chance.choice(values))
        names.add(path[0])
    return state, names


def draw(page, module, states):
    """Put a placeholder for each state, as JSON or any text, on the page; what became of each."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in states]
    page.evaluate(
        """([module, texts]) => {
            document.querySelector("main").replaceChildren(...texts.map((state) => {
                const place = document.createElement("div");
                place.className = "book-widget";
                Object.assign(place.dataset, { module, state });
                place.innerHTML = "<p>A sentence for readers without scripts.</p>";
                return place;
            }));
            const shim = document.createElement("script");
            shim.src = "widgets.js";
            document.head.append(shim);
        }""",
        [module, texts],
    )
    page.wait_for_function(
        """() => [...document.querySelectorAll(".book-widget")].every(
            (place) => "ready" in place.dataset || place.querySelector(":scope > [role=alert]"))"""
    )
    page.wait_for_timeout(50)  # an image that does not load says so later
    return page.evaluate(
        """(drawn) => [...document.querySelectorAll(".book-widget")].map((place) => ({
            drawn: "ready" in place.dataset,
            problem: place.querySelector("[role=alert]")?.textContent ?? "",
            size: place.querySelector(drawn)?.textContent,
            odd: place.innerHTML.match(/(NaN|undefined|Infinity|\\[object).{0,60}/)?.[0] ?? "",
            guests: place.querySelectorAll("main script, [onerror], img:not(.book-figure img)").length,
        }))""",
        DRAWN,
    )


def quiet(page):
    """The console's errors are those that widgets.js reports for whoever wrote the state."""
    page.evaluate("console.error = () => {}")
    return page


def taken(kind, state):
    """What Python makes of a state, as JSON has it; None if it refuses it."""
    given = {name: value for name, value in state.items() if name not in ("examples", *LENIENT)}
    try:
        return plain(kind(**given))
    except (TraitError, TypeError, ValueError):
        return None


def legal(kind, state):
    return taken(kind, state) is not None


@pytest.mark.parametrize("name", KINDS)
def test_a_tampered_state_is_drawn_or_refused_as_in_python(open_page, name):
    kind = KINDS[name]
    page = quiet(open_page())
    seed = os.environ.get("STRIDE_BOOK_SEED", "")  # `make soak` asks for other cases
    module, chance = kind._module, random.Random(name + seed)
    [default] = draw(page, module, [plain(kind())])
    assert (default["drawn"], default["problem"]) == (True, "")
    states = [tampered(chance, plain(kind()), VALUES + FITTING.get(name, [])) for _ in range(160)]
    refused = 0
    for start in range(0, len(states), 40):
        batch = states[start : start + 40]
        for (state, names), found in zip(
            batch, draw(page, module, [state for state, _ in batch]), strict=True
        ):
            said = {trait: json.dumps(state[trait])[:80] for trait in names}, found
            assert (found["drawn"], found["odd"], found["guests"]) == (True, "", 0), said
            if found["problem"]:
                assert found["problem"].endswith(" The drawing shows its default."), said
                assert found["size"] == default["size"], said
                refused += 1
            if not names & {*LENIENT, "examples"}:
                written = taken(kind, state)
                assert written or found["problem"], said
                # What Python would write in another form never stands in a page: it may draw it or refuse it.
                is_as_written = written and all(
                    json.dumps(written[trait]) == json.dumps(state[trait]) for trait in names
                )
                assert not (is_as_written and found["problem"]), said
    assert page.evaluate("window.hacked") is None
    assert seed or 40 < refused < 150, "the cases lean to one side"


@pytest.mark.parametrize("name", KINDS)
def test_each_trait_is_checked(open_page, name):
    kind, module = KINDS[name], KINDS[name]._module
    state = plain(kind())
    page = quiet(open_page())
    values = (SCRIPT * 9, [[SCRIPT]], 10**9, {"a": 1})
    bad = [(trait, with_value(state, (trait,), value)) for trait in state for value in values]
    for (trait, _), found in zip(bad, draw(page, module, [each for _, each in bad]), strict=True):
        assert re.match(rf"{trait}\b.* must be ", found["problem"]), (trait, found)
    missing = [{key: each for key, each in state.items() if key != trait} for trait in state]
    optional = {"selected"} if name == "receptive_field" else set()
    for trait, found in zip(state, draw(page, module, missing), strict=True):
        assert found["problem"].startswith(f"{trait} must be ") != (trait in optional), trait
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("name", KINDS)
def test_the_page_has_the_limits_and_defaults_of_python(open_page, name):
    kind = KINDS[name]
    found = open_page(origin="http").evaluate(
        """async (module) => {
            const { RULES, LAYER_RULES, DEFAULTS } = await import(`./${module}.mjs`);
            const ends = (rules = {}) => Object.fromEntries(
                Object.entries(rules)
                    .filter(([, { high }]) => high !== undefined)
                    .map(([name, { low, high }]) => [name, [low, high]]),
            );
            const [traits, layer] = [Object.keys(RULES), ends(LAYER_RULES)];
            return { traits, ends: ends(RULES), layer, defaults: DEFAULTS };
        }""",
        kind._module,
    )
    state = plain(kind())
    assert {each for each in found["traits"] if not each.startswith("_")} == set(state)
    settings = {key: value for key, value in found["defaults"].items() if key not in ("layer", "_live")}
    assert plain(kind(**settings)) == state
    traits = {key: kind.class_traits()[key] for key in state}
    ours = {key: [each.low, each.high] for key, each in traits.items() if hasattr(each, "low")}
    assert {key: ends for key, ends in found["ends"].items() if key not in ("editing", "selected")} == ours
    for key, (low, high) in found["layer"].items():
        for value, is_legal in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
            layer = {"kernel_size": 1, "padding": "same", key: value}
            if key == "output_padding":
                layer |= {"kind": "transposed", "stride": 16, "padding": 0}
            assert legal(kind, {"input_size": 256, "layers": [layer]}) == is_legal, layer


def test_numbers_and_names_have_the_same_ends_in_python(open_page):
    page = quiet(open_page())
    number, name = 1e100, "a" * MOST_LETTERS
    for wide, long, is_legal in (
        (number, name, True),
        (number * 10, name, False),
        (number, name + "a", False),
    ):
        state = plain(FeatureMapExplorer())
        state |= {"filters": [{"name": long, "weights": [[wide]], "bias": -number}], "filter": long}
        [found] = draw(page, "feature_map_explorer", [state])
        assert (legal(FeatureMapExplorer, state), not found["problem"], found["odd"]) == (
            is_legal,
            is_legal,
            "",
        )
        stack = plain(ReceptiveFieldExplorer()) | {"layers": [{"kernel_size": 1, "name": long}]}
        [found] = draw(page, "receptive_field_explorer", [stack])
        assert legal(ReceptiveFieldExplorer, stack) == (not found["problem"]) == (long == name)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("convolution", {"kernel": [[1]]}, "kernel_size must be that of kernel, 1 by 1."),
        ("convolution", {"image": [[1] * 7] * 6}, "input_size must be that of image, 6 by 7."),
        ("convolution", {"kernel_size": [8, 1]}, TOO_WIDE),
        ("feature_map", {"filters": FILTERS}, ONE_SHAPE.format(2)),
        ("feature_map", {"filters": FILTERS[:1] * 2}, ONE_SHAPE.format(1)),
        ("receptive_field", {"editing": 4}, "editing must be a layer from 0 to 3, got 4."),
        (
            "receptive_field",
            {"layers": [LAYER]},
            "layers[0]: a depthwise layer must have no channels of its own.",
        ),
        ("receptive_field", {"layers": [CONVOLUTION | {"ceil_mode": True}]}, f"layers[0]: {ROUNDED}"),
        ("receptive_field", {"layers": [GROWN | {"ceil_mode": True}]}, f"layers[0]: {ROUNDED}"),
        (
            "receptive_field",
            {"layers": [CONVOLUTION | {"output_padding": 1}]},
            "layers[0]: output_padding must be 0 but in a transposed convolution.",
        ),
        (
            "receptive_field",
            {"layers": [GROWN | {"depthwise": True, "channels": None}]},
            "layers[0]: a layer that grows must not be depthwise.",
        ),
        *[
            ("receptive_field", {"layers": [{"kernel_size": 2, "kind": "resize"} | changes]}, RESIZED)
            for changes in ({"channels": 2}, {"padding": [0, 1]}, {"dilation": 2}, {"stride": 3})
        ],
        *[
            ("receptive_field", {"layers": [CONVOLUTION | {"padding": "causal"} | changes]}, CAUSAL)
            for changes in ({"convention": "onnx-lower"}, {"kind": "transposed"})
        ],
        (
            "receptive_field",
            {"layers": [GROWN | {"output_padding": 2}]},
            f"layer 1, number 1 of 1: {LARGER}",
        ),
        (
            "receptive_field",
            {"layers": [{"kernel_size": 16, "kind": "resize"}] * 2},
            "layer 2, number 2 of 2: Its map must have at most 4096 units to be drawn, got 7168.",
        ),
        (
            "receptive_field",
            {"layers": [{"kernel_size": 16, "kind": "resize"}, {"kernel_size": 16, "stride": 16}] * 4},
            "layer 7, number 7 of 8: Layers that grow must multiply to at most 4096, got 65536.",
        ),
        (
            "convolution",
            {"ceil_mode": True},
            "ceil_mode must be false with kind convolution, which has none.",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(open_page, name, changes, reason):
    state = plain(KINDS[name]()) | changes
    [found] = draw(quiet(open_page()), f"{name}_explorer", [state])
    assert found["problem"] == f"{reason} The drawing shows its default."
    assert not legal(KINDS[name], state)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("", "its state must be JSON."),
        ("{'stride': 2}", "its state must be JSON."),
        ('{"stride": 2', "its state must be JSON."),
        ("undefined", "its state must be JSON."),
        ("[" * 10**5, "its state must be JSON."),
        ("null", "its state must be an object."),
        ("[1]", "its state must be an object."),
        (html.escape(SCRIPT), "its state must be JSON."),
        (SCRIPT, "its state must be JSON."),
    ],
)
def test_what_is_no_state_ends_in_a_sentence_above_the_fallback(open_page, state, reason):
    page = quiet(open_page())
    [found] = draw(page, "convolution_explorer", [state])
    assert (found["drawn"], found["problem"]) == (False, f"This explorer cannot be drawn: {reason}")
    assert "A sentence for readers without scripts." in page.locator("main").inner_text()
    assert page.locator("main [role=alert]").is_visible()
    assert page.evaluate("window.hacked") is None


def test_a_module_that_is_not_there_ends_in_a_sentence(open_page):
    page = quiet(open_page())
    for module in ("nothing", "constructor", "__proto__"):
        [found] = draw(page, module, [{}])
        assert found["problem"] == "This explorer cannot be drawn: the page lacks its module."


def test_a_bad_value_that_comes_later_is_refused_and_the_drawing_stays(open_page):
    page = open_page()
    for place, (name, bad) in enumerate({"stride": SCRIPT, "padding": 10**9, "layers": [{}] * 10**5}.items()):
        size = list(SIZES.values())[place]
        before = text(page, size, place)
        put(page, place, **{name: bad})
        assert text(page, "problem", place).startswith(f"{name} must be ")
        assert text(page, "problem", place).endswith(" The drawing shows the last setting that fits.")
        assert text(page, size, place) == before
    put(page, 0, stride=2)
    assert (text(page, "problem"), text(page, "outputSize")) == ("", "Output 3 × 3")
    assert page.evaluate("window.hacked") is None


def test_an_example_is_checked_when_it_is_chosen(open_page):
    page = open_page()
    bad = {
        "input_size": 10**9,
        "image": {},
        "stride": SCRIPT,
        "kernel": [[]],
        "padding": [1, [2, 3]],
        "view": "none",
    }
    examples = {SCRIPT: {"stride": 3}} | {name: {name: value} for name, value in bad.items()}
    state = json.dumps(plain(ConvolutionExplorer()) | {"examples": examples})
    [found] = draw(page, "convolution_explorer", [state])
    assert (found["drawn"], found["problem"]) == (True, "")
    for name in bad:
        part(page, "example").select_option(name)
        assert text(page, "problem").startswith(f"{name} must be "), name
        assert text(page, "outputSize") == "Output 5 × 5"
    part(page, "example").select_option(SCRIPT)
    assert (text(page, "problem"), text(page, "outputSize")) == ("", "Output 2 × 2")
    assert page.evaluate("window.hacked") is None


def packed(frames):
    return base64.b64encode(gzip.compress(json.dumps(frames).encode())).decode()


def test_tampered_frames_keep_the_fallback(open_page):
    page = quiet(open_page())
    widget = Frames.of("word", values=["one", "two"], draw=Picture)
    state, frames = plain(widget), json.loads(json.dumps(widget.frames))
    chance = random.Random(1)
    ours = [path for path in paths(frames) if path[-1] != "narrow"]
    inner = [with_value(frames, path, chance.choice(VALUES)) for path in ours * 8]
    states = [state | {"packed": packed(each)} for each in inner]
    states += [state | {name: value} for name in state for value in VALUES[:40]]
    states += [state | {"packed": packed(frames)[:40]}]
    elsewhere = {"source": "https://example.org/a.png", "width": 9, "height": 9}
    states += [state | {"packed": packed([{"alt": "a", "wide": elsewhere, "narrow": None}] * 2)}]
    refused = 0
    for start in range(0, len(states), 50):
        for found in draw(page, "frames", states[start : start + 50]):
            assert (found["odd"], found["guests"]) == ("", 0), found
            assert found["drawn"] == (not found["problem"])
            assert not found["problem"] or found["problem"].startswith("This explorer cannot be drawn: "), (
                found
            )
            refused += not found["drawn"]
    assert 100 < refused < len(states), "the cases lean to one side"
    assert page.evaluate("window.hacked") is None
    bomb = base64.b64encode(gzip.compress(b"0" * 150_000_000, 1)).decode()
    [found] = draw(page, "frames", [state | {"packed": bomb}])
    assert found["problem"].endswith("packed must hold at most 100000000 bytes."), (
        "a few bytes may be very many"
    )
    draw(page, "frames", [state])
    put(page, index=SCRIPT)
    assert explorer(page).locator("output").inner_text() == "index must be a whole number from 0 to 1."
    put(page, index=1)
    assert explorer(page).locator("output").inner_text() == "two"


def test_explorers_need_no_script_but_those_of_their_own_site(open_page):
    """A policy that allows none inline; what it would stop, the console would say, and fail the test."""
    page = open_page("policy.html", "http")
    explorer(page, len(KINDS)).wait_for(state="attached")
    assert page.locator(".book-widget").count() == len(KINDS) + 1
    slider = explorer(page).locator("input[type=range]").first
    before = slider.input_value()
    slider.press("ArrowRight")
    assert slider.input_value() != before


def test_the_policy_stops_an_inline_script(chromium, site):
    page = chromium.new_page()
    page.goto(site["http"] + "policy.html")
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.head.append(script);
        }"""
    )
    assert page.evaluate("window.ran") is None
    page.close()
