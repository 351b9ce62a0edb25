"""The solver explorer in a page without a kernel: what is fixed, what is found, arithmetic, access."""

import os
import random

import pytest
from explorer_page import (
    explorer,
    heard_outside,
    listeners,
    part,
    put,
    serve,
    text,
    trait,
    violations,
    write_assets,
    write_page,
)
from traitlets import TraitError

from helpers.arithmetic import parse_stack, solve, stack_sizes
from helpers.widgets import SolverExplorer
from helpers.widgets.solver_explorer import SOLVER_EXAMPLES

KERNEL_TOO_LARGE = SOLVER_EXAMPLES["a kernel larger than its map"]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site with both questions, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("solver")
    write_assets(folder)
    write_page(folder, "index.html", SolverExplorer(), SolverExplorer(**KERNEL_TOO_LARGE))
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def rows(page, place=0):
    """The cells of the table, row by row."""
    return part(page, "rows", place).evaluate(
        "body => [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )


# What is fixed, by every means


def test_numbers_are_typed(either):
    assert rows(either)[:2] == [["2", "2", "0", "nothing"], ["4", "2", "1", "nothing"]]
    assert text(either, "words").startswith("11 settings turn 28 into 14. ")
    part(either, "kernel_size").focus()
    either.keyboard.type("3")
    assert trait(either, "kernel_size") == 3
    assert rows(either) == [["3", "2", "1", "1 cell of padding unread"]]
    assert text(either, "words").strip() == "1 setting turns 28 into 14."
    part(either, "output").press("Control+a")
    part(either, "output").press("Delete")
    assert trait(either, "output") is None
    found = solve(28, None, kernel_size=3, stride=2)
    assert [row[0] for row in rows(either)] == [str(each.output) for each in found.fit]
    part(either, "padding").fill("1 - 2")
    assert trait(either, "padding") == [1, 2]
    assert part(either, "padding").input_value() == "1 - 2", "the text stays as it is typed"
    assert [row[0] for row in rows(either)] == ["14", "15"]


def test_a_finger_asks(open_page):
    page = open_page(has_touch=True, viewport={"width": 390, "height": 844})
    part(page, "kernel_size").tap()
    page.keyboard.type("4")
    assert [row[0] for row in rows(page)] == ["4"]
    part(page, "ceil_mode").wait_for(state="hidden")
    part(page, "kind").select_option("pooling")
    part(page, "ceil_mode").tap()
    assert trait(page, "ceil_mode") is True
    part(page, "kernel_size").fill("")
    part(page, "output").fill("")
    assert len(rows(page)) == 12
    part(page, "more").tap()
    assert len(rows(page)) > 12


@pytest.mark.parametrize("name", SOLVER_EXAMPLES)
def test_an_example_asks_its_question(page, name):
    put(page, question="stack", kernel_size=2, kind="pooling", ceil_mode=True, sizes=[2, 3])
    part(page, "example").select_option(name)
    assert part(page, "example").input_value() == name
    python = SolverExplorer(**SOLVER_EXAMPLES[name])
    if python.question == "layer":
        found = python.solutions
        assert len(rows(page)) == min(12, len(found.fit) or len(found.nearest))
    else:
        assert f"The smallest image is {python.stack_sizes.smallest} × " in text(page, "words")
    assert text(page, "problem") == ""


def test_more_rows_are_shown_when_asked(page):
    put(page, output=None)
    count = len(SolverExplorer(output=None).solutions.fit)
    assert len(rows(page)) == 12 < count
    part(page, "more").focus()
    page.keyboard.press("Enter")
    assert len(rows(page)) == count
    assert part(page, "more").is_hidden()
    assert page.evaluate("document.activeElement.ariaLabel") == "Answers", "the focus is not lost"
    part(page, "stride").fill("2-3")
    assert len(rows(page)) == 12


def test_columns_are_what_is_open(page):
    def heads():
        return part(page, "head").locator("th").all_inner_texts()

    assert heads() == ["kernel", "stride", "padding", "wasted"]
    put(page, size=[20, 40], output=None, dilation=[1, 2], kernel_size=3)
    assert heads() == ["input", "output", "kernel", "stride", "padding", "dilation", "wasted"]
    put(page, kind="transposed")
    assert heads()[-2:] == ["output padding", "wasted"]
    assert part(page, "output_padding").is_visible()


# Where nothing fits


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"output": 28, "stride": 1, "kernel_size": 4},
            "28 into 28 here. With one cell more after than before, 1 setting would.",
        ),
        ({"output": 28, "stride": 5, "kernel_size": 4}, "turns 28 into 28. The nearest make 8."),
        ({"size": 2, "kernel_size": 9, "padding": 0}, "turns 2 into 14: none leaves a pixel."),
        (
            {"kind": "transposed", "output_padding": 5, "kernel_size": 3},
            "turns 28 into 14: none leaves a pixel.",
        ),
    ],
)
def test_no_solution_is_said_with_what_is_near(page, changes, words):
    put(page, **changes)
    assert text(page, "words").endswith(words)
    near = SolverExplorer(**changes).solutions.nearest
    assert len(rows(page)) == min(12, len(near))


def test_what_is_wasted_is_said(page):
    put(page, size=9, output=None, kernel_size=1, stride=[4, 5], padding=[0, 4])
    wasted = [row[-1] for row in rows(page)]
    assert "6 pixels unread" in wasted[0]
    assert any("outputs of padding alone" in each for each in wasted)
    put(page, kind="transposed", size=7, output=14, kernel_size=3, stride=2, padding=1)
    assert rows(page) == [["3", "2", "1", "1", "draws a checkerboard"]]


@pytest.mark.parametrize(
    ("name", "typed", "problem"),
    [
        ("size", "x", "size must be a number such as 3, a range such as 1-7, or nothing, got “x”."),
        ("stride", "2-", "stride must be a number such as 3, a range such as 1-7, or nothing, got “2-”."),
        ("size", "0", "size must be a whole number from 1 to 65536, two, (first, last), or nothing, got 0."),
        ("padding", "3-1", "padding must be a whole number from 0 to 1024, two, (first, last), or nothing"),
        ("kernel_size", "1-1000", "kernel_size must be bounded so that at most 20,000 settings are tried"),
    ],
)
def test_a_bad_wish_says_why_and_keeps_the_answer(page, name, typed, problem):
    if name == "kernel_size":
        put(page, stride=None)
    before = text(page, "words"), rows(page)
    part(page, name).fill(typed)
    assert text(page, "problem").startswith(problem)
    assert (text(page, "words"), rows(page)) == before
    assert part(page, name).input_value() == typed
    part(page, name).fill("2")
    assert text(page, "problem") == ""


# Stacks


def test_a_stack_says_which_sizes_work_and_which_layer_fails(page):
    assert text(page, "words", 1) == (
        "The smallest image is 32 × 32. Of 1 to 64 these work: 32 to 64. "
        "These lose no pixel: 32, 36 and so on to 64, one in 4. "
        "28 × 28 is too small: conv5, layer 5 of 5, spans 5 pixels, but its map has 4, padding included."
    )
    assert rows(page, 1)[-1] == ["conv5", "–", "fails"]
    part(page, "input_size", 1).fill("33")
    assert text(page, "words", 1).endswith(
        "33 × 33 ends as 1 × 1, times 120 channels: 120 numbers for the first dense layer."
    )
    assert [row[1] for row in rows(page, 1)] == ["33", "29", "14", "10", "5", "1"]
    assert [row[2] for row in rows(page, 1)][2:4] == ["1 pixel unread", "nothing"]
    put(page, 1, sizes=[1, 9])
    assert "Of 1 to 9 none works." in text(page, "words", 1)


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("conv3 pol2", "got 'pol2' at character 7: a layer starts with conv, pool, up or resize"),
        ("conv3p9x", "got 'conv3p9x' at character 8: a setting is such as s2"),
        ("conv3 pool2s2s1", "got 'pool2s2s1' at character 14: stride is there twice"),
        ("conv3p1ceil", "at character 1: ceil_mode must be of a pooling"),
        ("", "stack must hold a layer such as conv3s2p1."),
        ("conv3*200", "stack must hold at most 100 layers"),
    ],
)
def test_a_stack_that_does_not_parse_says_where(page, typed, problem):
    part(page, "stack", 1).fill(typed)
    assert problem in text(page, "problem", 1)
    assert rows(page, 1)[-1] == ["conv5", "–", "fails"]
    with pytest.raises(TraitError):
        SolverExplorer(stack=typed)


# Arithmetic


def random_layer_question(chance):
    """A question with few settings, so that thousands of them can be asked."""

    def bound(low, high, is_open):
        first = chance.randint(low, high)
        kind = chance.random()
        return None if kind < is_open else first if kind < 0.8 else [first, min(high, first + 2)]

    return {
        "kind": chance.choice(["convolution", "pooling", "transposed"]),
        "size": chance.choice([chance.randint(1, 40), [3, chance.randint(4, 7)]]),
        "output": chance.choice([None, chance.randint(1, 20), [2, 9]]),
        "kernel_size": bound(1, 9, 0.05),
        "stride": bound(1, 6, 0.05),
        "padding": bound(0, 5, 0.1),
        "dilation": bound(1, 4, 0.05),
        "output_padding": bound(0, 2, 0.6),
        "ceil_mode": chance.random() < 0.4,
    }


def settings_of(found):
    layer = found.layer
    setting = [layer.kernel_size, layer.stride, layer.dilation, list(layer.padding), layer.output_padding]
    return [*setting, found.size, found.output, found.unread, list(found.unused), found.empty]


def test_the_browser_finds_the_settings_that_python_finds(open_page):
    chance = random.Random(os.environ.get("STRIDE_BOOK_SEED", "solver"))  # `make soak` asks for other cases
    asked, expected = [], []
    explorer = SolverExplorer()
    while len(asked) < 1000:
        question = random_layer_question(chance)
        try:
            explorer.set_state(question)
        except TraitError:  # too many settings
            continue
        found = explorer.solutions
        asked.append(question)
        expected.append([[settings_of(each) for each in part] for part in found])
    answers = open_page(origin="http").evaluate(
        """async (asked) => {
            const { solve, DEFAULTS } = await import("./solver_explorer.mjs");
            const told = ({ layer: { taps, stride, dilation, padding, extra }, ...found }) => [
                taps, stride, dilation, padding, extra,
                found.size, found.output, found.unread, found.unused, found.empty,
            ];
            return asked.map((each) => {
                const { fit, nearest } = solve({ ...DEFAULTS, ...each });
                return [fit.map(told), nearest.map(told)];
            });
        }""",
        asked,
    )
    for question, answer, found in zip(asked, answers, expected, strict=True):
        assert answer == found, question
    assert sum(len(fit) + len(nearest) for fit, nearest in expected) > 5_000


def random_layer(chance):
    """A layer as text, most of which parse."""
    kind = chance.choice(["conv", "conv", "conv", "pool", "pool", "up", "resize"])
    word = f"{kind}{chance.randint(1, 5)}"
    words = ["same", "same_lower", "valid", "full", "causal"]
    settings = [
        (0.5, f"s{chance.randint(1, 4)}"),
        (0.4, f"p{chance.choice(['0', '1', '2', '1,2', '0,3', *words])}"),
        (0.2, f"d{chance.randint(1, 3)}"),
        (0.3 * (kind == "pool"), "ceil"),
        (0.2 * (kind == "up"), "o1"),
    ]
    given = [setting for share, setting in settings if kind != "resize" and chance.random() < share]
    chance.shuffle(given)
    return word + "".join(given) + "*2" * (chance.random() < 0.1)


def test_the_browser_takes_the_stacks_and_sizes_that_python_takes(open_page):
    chance = random.Random(os.environ.get("STRIDE_BOOK_SEED", "stacks"))
    asked = [" ".join(random_layer(chance) for _ in range(chance.randint(1, 6))) for _ in range(1000)]
    expected = []
    for stack in asked:
        try:
            found = stack_sizes(parse_stack(stack), range(1, 31))
        except ValueError:
            expected.append(None)
        else:
            expected.append([found.smallest, list(found.works), list(found.lossless)])
    answers = open_page(origin="http").evaluate(
        """async (asked) => {
            const { parse, stackSizes } = await import("./solver_explorer.mjs");
            return asked.map((text) => {
                let layers;
                try {
                    layers = parse(text);
                } catch {
                    return null;
                }
                const { smallest, works, lossless } = stackSizes(layers, [1, 30]);
                return [smallest, works, lossless];
            });
        }""",
        asked,
    )
    for stack, answer, found in zip(asked, answers, expected, strict=True):
        assert answer == found, stack
    assert 100 < expected.count(None) < 700, "the cases lean to one side"


def test_what_takes_too_long_is_not_guessed(page):
    put(page, 1, stack="conv33s2d9p200*3", sizes=[20_000, 21_000])
    assert "Which of them lose no pixel would take too long" in text(page, "words", 1)
    assert "The smallest image is " in text(page, "words", 1)


# For everyone


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, theme):
    page = open_page(origin="http", color_scheme=theme, reduced_motion="reduce")
    put(page, kind="transposed", size=None, kernel_size=3)
    part(page, "size").fill("x")
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 640])
def test_nothing_sticks_out_of_a_small_window(open_page, width):
    page = open_page(viewport={"width": width, "height": 800})
    for changes in (
        {},
        {"size": [20, 40], "output": None, "dilation": [1, 2], "kernel_size": 3},
        {"kind": "transposed"},
    ):
        put(page, **changes)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, changes


def test_print_keeps_the_answer_and_leaves_the_controls(page):
    page.emulate_media(media="print")
    assert part(page, "more").is_hidden()
    assert "11 settings turn 28 into 14" in text(page, "words")
    assert part(page, "rows").is_visible()


@pytest.mark.parametrize(
    ("key", "is_kept"), [("ArrowRight", True), ("a", True), ("Escape", False), ("Tab", False)]
)
def test_keys_stay_inside(page, key, is_kept):
    assert heard_outside(page, part(page, "size"), key) == (None if is_kept else key)


def test_a_view_that_is_gone_listens_no_more(page):
    assert listeners(page, "solver_explorer") == [1, 0]


def test_two_explorers_mind_their_own_business(page):
    part(page, "kernel_size").fill("3")
    assert rows(page, 1)[0] == ["image", "28", "–"]
    put(page, 1, question="layer")
    assert len(rows(page, 1)) == 11
    assert len(rows(page)) == 1


def test_a_reader_without_scripts_gets_the_first_answers(open_page):
    page = open_page(java_script_enabled=False)
    assert "11 settings fit." in page.locator("main").inner_text()
    assert page.locator("table").first.locator("tr").nth(2).inner_text().split()[:3] == ["28", "14", "4"]
    assert explorer(page).count() == 0
