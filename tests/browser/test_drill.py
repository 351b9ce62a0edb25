"""The drill in a page without a kernel: what it asks, says of answers, keeps, and prints."""

import itertools
import json
import re

import pytest
from explorer_page import (
    HOSTILE,
    explorer,
    fold,
    heard_outside,
    listeners,
    part,
    put,
    serve,
    text,
    trait,
    violations_in_both_themes,
)
from test_share import write_bare_pages, write_book_page

from helpers.drills import KINDS, diagnose, exercise, sheet
from helpers.widgets import ConvolutionExplorer, Drill

ONE = "output-size"
KEPT = "stride-and-padding.drill"
BARRED = """Object.defineProperty(window, "localStorage", {
    get() { throw new DOMException("no", "SecurityError"); }
})"""
FULL = 'Storage.prototype.setItem = () => { throw new DOMException("no", "QuotaExceededError"); }'


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small book, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("drill")
    write_bare_pages(folder)
    pages = {
        "one": [Drill(kinds=[ONE])],
        "all": [Drill()],
        "beside": [Drill(kinds=[ONE]), ConvolutionExplorer()],
    }
    for name, widgets in pages.items():
        sections = [each.static_html() for each in widgets]
        write_book_page(folder, f"book/{name}.html", sections, *{each._module for each in widgets})
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


@pytest.fixture(params=["http", "file"])
def one(request, open_page):
    """A page with one kind, as it comes from a server, and as it comes from the disk."""
    return open_page("book/one.html", request.param)


@pytest.fixture
def page(open_page):
    """The same page, from a server."""
    return open_page("book/one.html", "http")


def shown(page):
    """The exercise that the page shows, as Python makes it."""
    state = {name: trait(page, name) for name in ("kinds", "kind", "seed", "level")}
    return Drill(**state).exercise


def answered(page, value):
    """Type an answer and press Enter."""
    page.locator("[part=answer] input").fill(str(value))
    page.keyboard.press("Enter")


def right(page):
    """Answer the exercise that is shown, and go on; the next one is shown then."""
    answer_right(page)
    page.keyboard.press("Enter")


def answer_right(page):
    give(page, shown(page), shown(page).answer)


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('part') ?? document.activeElement.tagName")


def kept(page):
    return json.loads(page.evaluate("(key) => localStorage.getItem(key)", KEPT) or "null")


def said(each, answer):
    """An answer as a reader gives it."""
    return each.choices[answer[0]] if each.form == "choice" else ", ".join(map(str, answer))


def give(page, each, answer):
    """Answer the exercise that is shown, by keyboard or with the mouse."""
    if each.form == "choice":
        page.locator("[part=answer] input").nth(answer[0]).check()
        part(page, "check").click()
    else:
        answered(page, said(each, answer))


def mistaken(kind=ONE):
    """An exercise of level 1 that has a known mistake, and the mistake."""
    for seed in range(100):
        each = exercise(kind, seed=seed)
        for mistake in each.mistakes:
            if diagnose(each, said(each, mistake.answer)).misconception == mistake.misconception:
                return each, mistake
    raise AssertionError(f"no exercise of {kind} has a mistake")


# Asking and answering


def test_an_exercise_is_asked_and_answered_by_keyboard_alone(one):
    first = shown(one)
    assert text(one, "question") == first.question
    assert text(one, "title") == KINDS[ONE].title
    assert text(one, "which") == "level 1 of 4, seed 1"
    while focused(one) != "INPUT":
        one.keyboard.press("Tab")
    one.keyboard.type(f" {first.answer[0]} ")
    one.keyboard.press("Enter")
    assert text(one, "verdict").startswith("Right.")
    assert part(one, "check").is_hidden()
    assert focused(one) == "next"
    one.keyboard.press("Enter")
    assert focused(one) == "INPUT", "ready for the next answer"
    assert (trait(one, "seed"), text(one, "verdict")) == (2, "")
    assert text(one, "question") == shown(one).question != first.question
    assert one.locator("[part=answer] input").input_value() == ""


def test_the_focus_is_left_alone_until_the_reader_acts(open_page):
    page = open_page("book/one.html#explorer=drill&kind=output-size&seed=5")
    assert trait(page, "seed") == 5
    assert page.evaluate("document.activeElement.className") == "book-widget"
    put(page, seed=9)
    assert page.evaluate("document.activeElement.className") == "book-widget"


def test_a_finger_answers(open_page):
    page = open_page("book/all.html", has_touch=True, viewport={"width": 390, "height": 844})
    for _ in KINDS:
        each = shown(page)
        if each.form == "choice":
            page.locator("[part=answer] label").nth(each.answer[0]).tap()
        else:
            page.locator("[part=answer] input").tap()
            page.keyboard.type(said(each, each.answer))
        part(page, "check").tap()
        assert text(page, "verdict").startswith("Right."), each
        part(page, "next").tap()
    assert len(KINDS) == int(re.match(r"\d+", text(page, "progress"))[0])


@pytest.mark.parametrize("level", [1, 4])
def test_each_kind_is_asked_as_python_asks_it(open_page, level):
    page = open_page("book/all.html")
    for kind in KINDS:
        put(page, kind=kind, level=level, seed=40 + level)
        each = exercise(kind, seed=40 + level, level=level)
        assert text(page, "question") == each.question
        labels = page.locator("[part=answer] fieldset label").all_inner_texts()
        assert tuple(label.strip() for label in labels) == each.choices
        part(page, "step").evaluate("(button, times) => times.forEach(() => button.click())", [*each.steps])
        assert tuple(page.locator("[part=steps] li").all_inner_texts()) == each.steps
        answer_right(page)
        assert text(page, "verdict").startswith("Right."), each


def test_a_wrong_answer_is_diagnosed_and_its_line_is_marked(open_page):
    page = open_page("book/all.html")
    for kind in KINDS:
        each, mistake = mistaken(kind)
        put(page, kind=kind, seed=each.seed)
        give(page, each, mistake.answer)
        found = diagnose(each, said(each, mistake.answer))
        assert text(page, "verdict") == found.says, kind
        (line,) = page.locator("[part=steps] li").all()
        assert line.inner_text() == each.steps[found.step]
        assert line.evaluate("line => [line.value, line.className]") == [found.step + 1, "bend"]
        assert "here it bends" in line.evaluate("line => getComputedStyle(line, '::after').content")
        answer_right(page)
        assert text(page, "verdict").startswith("Right.")
        assert page.locator(".bend").count() == 0


def test_what_is_no_answer_is_asked_for_again_and_counts_nothing(page):
    for typed in ("", "   ", "twelve", "3/2", "1e3", "--1", "1 2 3", HOSTILE, "\u00a0\u200b", "0x1F"):
        answered(page, typed)
        assert text(page, "verdict") == diagnose(shown(page), typed).says, typed
        assert page.locator("[part=answer] input").input_value() == typed
    assert (text(page, "progress"), kept(page), part(page, "opens").is_hidden()) == ("", None, True)
    assert focused(page) == "INPUT"
    answered(page, "9" * 400)
    given = page.locator("[part=answer] input").input_value()
    assert (len(given), text(page, "verdict")) == (200, diagnose(shown(page), given).says)
    assert page.evaluate("window.hacked") is None


def test_pasted_blanks_are_no_fault(page):
    answered(page, f"\u00a0 {shown(page).answer[0]}\t ")
    assert text(page, "verdict").startswith("Right.")


def test_a_negative_answer_is_told(page):
    answered(page, -3)
    assert text(page, "verdict") == diagnose(shown(page), "-3").says


# Steps


def test_steps_come_one_at_a_time_in_their_order(page):
    each, mistake = mistaken()
    put(page, seed=each.seed)
    answered(page, mistake.answer[0])
    lines = page.locator("[part=steps] li")
    for count in range(2, len(each.steps) + 1):
        part(page, "step").focus()
        page.keyboard.press("Enter")
        assert lines.count() == count
        numbers = lines.evaluate_all("lines => lines.map((line) => line.value)")
        assert numbers == sorted(numbers)
    assert tuple(lines.all_inner_texts()) == each.steps
    assert page.locator(".bend").evaluate("line => line.value") == mistake.step + 1, "the mark stays"
    assert part(page, "step").is_hidden()
    assert focused(page) == "next", "the focus is not lost with the button"


def test_whoever_has_seen_a_step_was_not_right_at_once(page):
    part(page, "step").click()
    answer_right(page)
    assert text(page, "progress") == "1 exercise tried, 0 right at once."


# Levels


def test_two_right_at_once_in_a_row_go_up(page):
    right(page)
    assert trait(page, "level") == 1
    answer_right(page)
    assert text(page, "verdict").endswith(
        "Two right at once in a row: the next one of this kind is at level 2 of 4."
    )
    assert text(page, "which").startswith("level 1 of 4"), "this one stays what it was"
    page.keyboard.press("Enter")
    assert (trait(page, "level"), part(page, "level").input_value()) == (2, "2")
    for _ in range(8):
        right(page)
    assert trait(page, "level") == 4


def wrong(page):
    """Give an answer that is wrong in any case."""
    given = page.locator("[part=answer] input").input_value()
    answered(page, 777 if given != "777" else 778)


def test_two_wrong_in_a_row_go_down(page):
    part(page, "level").select_option("3")
    assert trait(page, "level") == 3
    if shown(page).form == "number":
        wrong(page)
        wrong(page)
        assert "Two wrong in a row: the next one of this kind is at level 2 of 4." in text(page, "verdict")
        part(page, "next").click()
        assert trait(page, "level") == 2


def test_the_same_wrong_answer_twice_counts_once(page):
    part(page, "level").select_option("2")
    put(page, seed=next(s for s in range(99) if exercise(ONE, seed=s, level=2).form == "number"))
    for _ in range(4):
        answered(page, 777)
    part(page, "next").click()
    assert trait(page, "level") == 2


def test_right_at_the_second_try_moves_no_level(page):
    for _ in range(3):
        answered(page, 777)
        right(page)
    assert trait(page, "level") == 1
    assert text(page, "progress") == "3 exercises tried, 0 right at once."


def test_each_kind_has_its_own_level(open_page):
    page = open_page("book/all.html")
    part(page, "kind").select_option(ONE)
    part(page, "level").select_option("3")
    part(page, "kind").select_option([*KINDS][-1])
    assert trait(page, "level") == (1 if len(KINDS) > 1 else 3)
    part(page, "kind").select_option(ONE)
    assert trait(page, "level") == 3


def test_all_kinds_take_turns(open_page):
    page = open_page("book/all.html")
    met = set()
    for _ in KINDS:
        met.add(text(page, "title"))
        part(page, "next").click()
    assert met == {kind.title for kind in KINDS.values()}


# Progress


def test_progress_stays_on_this_page_and_its_like(one):
    right(one)
    answered(one, 777)
    assert text(one, "progress") == "2 exercises tried, 1 right at once."
    assert kept(one) == {"version": 1, "kinds": {ONE: {"tried": 2, "right": 1, "level": 1, "run": -1}}}
    one.reload()
    assert text(one, "progress") == "2 exercises tried, 1 right at once."
    assert trait(one, "seed") == 3, "not the exercises of the last time"
    one.goto(one.url.replace("one.html", "all.html"))
    part(one, "kind").select_option(ONE)
    assert text(one, "progress") == "2 exercises tried, 1 right at once."
    rows = fold(one, "Your progress").locator("tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [[KINDS[ONE].title, "2", "1", "1 of 4"]]


def test_progress_is_forgotten(page):
    for _ in range(2):
        right(page)
    progress = fold(page, "Your progress")
    assert "It stays in this browser, and is sent nowhere." in progress.inner_text()
    progress.get_by_role("button").click()
    assert kept(page) is None
    assert text(page, "progress") == ""
    assert trait(page, "level") == 1
    assert "Forgotten." in progress.inner_text()
    assert progress.get_by_role("button").is_disabled()
    page.reload()
    assert trait(page, "seed") == 1


def test_what_another_page_has_stored_meanwhile_is_kept(open_page):
    page = open_page("book/one.html", "http")
    other = page.context.new_page()
    other.goto(page.url)
    right(other)
    right(page)
    assert kept(page)["kinds"][ONE]["tried"] == 2
    other.close()


GOOD = {"tried": 2, "right": 1, "level": 2, "run": 0}


DAMAGED = [
    *("", "{", "null", "3", "[]", '"text"', HOSTILE, "[" * 100_000),
    *({"version": version, "kinds": {ONE: GOOD}} for version in (0, 2, "1", None)),
    *(
        {"version": 1, "kinds": kinds}
        for kinds in ({"gone": GOOD}, {"__proto__": GOOD}, {ONE: None}, [GOOD], None)
    ),
    *(
        {"version": 1, "kinds": {ONE: GOOD | {name: value}}}
        for name, values in {
            "tried": (0, 1.5, "2"),
            "right": (-1, None),
            "level": (0, 5),
            "run": (2, -2, True),
        }.items()
        for value in values
    ),
]


def test_stored_progress_that_is_none_is_dropped_with_a_word(page):
    texts = [each if isinstance(each, str) else json.dumps(each) for each in DAMAGED]
    found = explorer(page).evaluate(
        """(place, [key, texts]) => texts.map((text) => {
            localStorage.setItem(key, text);
            const state = { kinds: [], kind: "", seed: 1, level: 1 };
            const model = {
                get: (name) => state[name], set: (changes) => Object.assign(state, changes),
                save_changes() {}, on() {}, off() {}, page: place.bookModel.page,
            };
            const el = document.createElement("div");
            window.BOOK_WIDGETS.drill.render({ model, el });
            const words = (name) => el.querySelector(`[part=${name}]`).textContent;
            return [words("progress"), words("problem"), state.seed, state.level, localStorage.getItem(key)];
        })""",
        [KEPT, texts],
    )
    lost = "What this page had stored of your progress could not be read. It starts anew."
    for stored, answer in zip(texts, found, strict=True):
        assert answer == [lost, "", 1, 1, None], stored[:100]
    assert page.evaluate("window.hacked") is None
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEPT, texts[0]])
    page.reload()
    assert text(page, "progress") == lost
    answer_right(page)
    assert kept(page)["kinds"][ONE]["tried"] == 1


def test_stored_progress_that_is_sound_is_taken(page):
    page.evaluate(
        "([key, text]) => localStorage.setItem(key, text)",
        [KEPT, json.dumps({"version": 1, "kinds": {ONE: GOOD}})],
    )
    page.reload()
    assert text(page, "progress") == "2 exercises tried, 1 right at once."
    assert (trait(page, "seed"), trait(page, "level")) == (3, 2)


@pytest.mark.parametrize(("origin", "bar"), [("file", BARRED), ("http", FULL)], ids=["barred", "full"])
def test_where_nothing_may_be_stored_all_else_works(open_page, origin, bar):
    page = open_page("book/one.html", origin, own=True)
    page.add_init_script(bar)
    page.reload()
    right(page)
    right(page)
    assert trait(page, "level") == 2
    told = "2 exercises tried, 2 right at once. This page may store nothing: your progress ends with it."
    assert text(page, "progress") == told
    fold(page, "Your progress").get_by_role("button").click()
    assert not text(page, "progress").startswith("2")
    page.reload()
    assert trait(page, "level") == 1


# Ways to an explorer, and to a setting


def test_the_explorer_opens_at_the_case(open_page):
    page = open_page("book/one.html", "http")
    each = shown(page)
    assert part(page, "opens").is_hidden(), "it would show the answer"
    answered(page, 777)
    assert part(page, "where").is_visible()
    with page.context.expect_page() as opened:
        part(page, "link").click()
    other = opened.value
    other.locator(".book-widget[data-ready]").wait_for()
    assert text(other, "problem") == ""
    assert other.url.endswith(each.opens)
    (size,) = re.findall(r"input_size=(\d+)", each.opens)
    assert trait(other, "input_size") == int(size)
    other.close()


def test_an_explorer_on_the_same_page_is_used(open_page):
    page = open_page("book/beside.html")
    answered(page, 777)
    assert part(page, "where").is_hidden()
    part(page, "link").click()
    page.wait_for_function("document.activeElement.bookModel?.page.key === 'convolution'")
    (size,) = re.findall(r"input_size=(\d+)", shown(page).opens)
    assert trait(page, "input_size", 1) == int(size)
    assert text(page, "problem") == ""
    assert text(page, "verdict") != "", "the exercise waits"


def test_every_explorer_that_an_exercise_opens_takes_its_address(open_page):
    addresses = {}
    for kind, level, seed in itertools.product(KINDS, (1, 2, 3, 4), range(20)):
        opens = exercise(kind, seed=seed, level=level).opens
        if opens:
            addresses.setdefault(re.match(r"#explorer=(\w+)", opens)[1], []).append(opens)
    for name, asked in addresses.items():
        problems = explorer(open_page(f"explorer/{name}.html")).evaluate(
            """(place, addresses) => addresses.map((address) => {
                history.replaceState(null, "", address);
                dispatchEvent(new HashChangeEvent("hashchange"));
                return [address, place.querySelector("[part=problem]").textContent];
            })""",
            asked,
        )
        assert [each for each in problems if each[1]] == []


def test_a_teacher_links_an_exercise(open_page):
    page = open_page("book/all.html#explorer=drill&kind=output-size&seed=17&level=2", "http")
    assert text(page, "question") == exercise(ONE, seed=17, level=2).question
    lines = fold(page, "Link to this setting").locator("pre").all_inner_texts()
    assert lines[0].endswith("book/all.html#explorer=drill&kind=output-size&seed=17&level=2")
    assert lines[2] == 'Drill(kind="output-size", seed=17, level=2)'
    part(page, "next").click()
    assert (trait(page, "kind"), trait(page, "seed")) == (ONE, 18)


def test_without_controls_it_can_be_answered(open_page):
    page = open_page("explorer/drill.html#controls=off")
    assert part(page, "kind").is_hidden()
    answer_right(page)
    assert text(page, "verdict").startswith("Right.")


# Paper


def sheet_of(page):
    """The fold of the sheet: its lists, item by item."""
    return [
        [item.locator("p, b").all_inner_texts() for item in each.locator("> li").all()]
        for each in fold(page, "A sheet of 12").locator(".sheet > ol").all()
    ]


@pytest.mark.parametrize("level", [None, 2])
def test_a_sheet_is_that_of_python(open_page, level):
    page = open_page("book/all.html")
    paper = fold(page, "A sheet of 12")
    paper.locator("input").first.fill("77")
    paper.locator("select").select_option(str(level or ""))
    wanted = sheet(seed=77, count=12, level=level)
    (asked,) = sheet_of(page)
    boxes = ["\u2003".join(f"☐ {choice}" for choice in each.choices) for each in wanted]
    assert asked == [[each.question, box] for each, box in zip(wanted, boxes, strict=True)]
    words = "level 2 of 4" if level else "from easy to hard"
    assert paper.locator(".words").all_inner_texts() == [
        f"Stride and Padding: 12 exercises, {words}, seed 77"
    ]
    paper.get_by_label("with answers").check()
    asked_too, answers = sheet_of(page)
    assert asked_too == asked
    for each, (answer, steps) in zip(wanted, answers, strict=True):
        assert (answer, steps) == (said(each, each.answer), "\n".join(each.steps))


def test_a_bad_seed_of_a_sheet_says_why(page):
    paper = fold(page, "A sheet of 12")
    for typed in ("", "x", "-1", "1.5", "1e3", "9" * 30, HOSTILE):
        paper.locator("input").first.fill(typed)
        problem = paper.locator(".problem").inner_text()
        assert problem.startswith("seed must be a whole number from 0 to 999999, got “"), typed
        assert paper.get_by_role("button").is_disabled()
    paper.locator("input").first.fill("3")
    assert paper.locator(".problem").inner_text() == ""
    assert page.evaluate("window.hacked") is None


def test_a_sheet_is_printed_alone_and_leaves_the_page_as_it_was(page):
    page.evaluate(
        """() => {
            window.print = () => { window.printed = document.querySelectorAll("body > .book-sheet").length; };
        }"""
    )
    before = page.locator("body > *").count()
    fold(page, "A sheet of 12").get_by_role("button", name="Print this sheet").click()
    assert page.evaluate("window.printed") == 1
    page.emulate_media(media="print")
    assert page.locator("main").is_hidden()
    assert page.locator("body > .book-sheet ol > li:visible").count() == 12
    assert "seed 1" in page.locator("body > .book-sheet").inner_text()
    page.emulate_media(media="screen")
    assert page.locator("body > .book-sheet").is_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("body > *").count() == before
    page.emulate_media(media="print")
    assert page.locator("main").is_visible()


def test_a_printed_page_has_the_exercise_and_no_controls(open_page):
    page = open_page("explorer/drill.html")
    question = text(page, "question")
    part(page, "step").click()
    fold(page, "A sheet of 12")
    page.emulate_media(media="print")
    printed = explorer(page).inner_text()
    assert question in printed
    assert shown(page).steps[0] in printed
    controls = "button, input:not([hidden]), select, .fold, [part=progress], [part=link]"
    assert explorer(page).locator(controls).locator("visible=true").count() == 0


# For everyone


def test_axe_finds_nothing(open_page):
    page = open_page("explorer/drill.html", "http", reduced_motion="reduce")
    for kind in KINDS:
        put(page, kind=kind)
        if not shown(page).choices:
            answered(page, 777)
        part(page, "step").click()
        assert violations_in_both_themes(page) == [], kind
    for title in ("A sheet of 12", "Your progress"):
        fold(page, title)
    assert violations_in_both_themes(page) == []


def test_the_verdict_is_heard_and_the_question_is_read_with_its_input(page):
    assert part(page, "verdict").evaluate("node => node.closest('[aria-live]').ariaLive") == "polite"
    field = page.locator("[part=answer] input")
    described = field.get_attribute("aria-describedby")
    assert page.locator(f"#{described}").inner_text() == shown(page).question
    assert page.get_by_label("Your answer, a whole number").count() == 1


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_sticks_out_of_a_small_window(open_page, width):
    page = open_page("explorer/drill.html", viewport={"width": width, "height": 800})
    for kind in KINDS:
        put(page, kind=kind, level=4)
        part(page, "step").evaluate("(button) => { while (!button.hidden) button.click(); }")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, kind
    for title in ("A sheet of 12", "Your progress", "Link to this setting"):
        fold(page, title)
    fold(page, "A sheet of 12").get_by_label("with answers").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("key", "is_kept"), [("ArrowRight", True), ("a", True), ("Escape", False), ("Tab", False)]
)
def test_keys_stay_inside(page, key, is_kept):
    assert heard_outside(page, page.locator("[part=answer] input"), key) == (None if is_kept else key)


def test_a_view_that_is_gone_listens_no_more(page):
    assert listeners(page, "drill") == [1, 0]


def test_python_hears_each_answer(page):
    each, mistake = mistaken()
    put(page, seed=each.seed)
    answered(page, "x")
    answered(page, mistake.answer[0])
    answer_right(page)
    history = trait(page, "_history")
    python = Drill()
    python.set_state({"_history": history})
    assert [told["outcome"] for told in python.history] == ["unreadable", "wrong", "right"]
    assert [told["misconception"] for told in python.history] == ["", mistake.misconception, ""]
    assert {(told["kind"], told["seed"], told["level"]) for told in python.history} == {(ONE, each.seed, 1)}
    assert python.answered == 1


def test_a_reader_without_scripts_gets_the_first_exercise(open_page):
    page = open_page("book/one.html", java_script_enabled=False)
    assert exercise(ONE, seed=1).question in page.locator("main").inner_text()
    page.get_by_text("The sum").click()
    assert page.locator("ol li").all_inner_texts() == [*exercise(ONE, seed=1).steps]
    assert explorer(page).count() == 0
