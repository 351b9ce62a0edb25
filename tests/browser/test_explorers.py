"""The explorers in a page without a kernel: keyboard, mouse, touch, arithmetic, access for everyone."""

import itertools
import json
import random
import re
from collections import Counter

import numpy as np
import pytest
from explorer_page import (
    HOSTILE,
    ROOT,
    explorer,
    heard_outside,
    listeners,
    part,
    put,
    serve,
    slider,
    swipe,
    text,
    trait,
    violations,
    write_assets,
    write_page,
)
from traitlets import TraitError

from helpers.arithmetic import coverage, inputs_per_output, output_size, resolve_padding
from helpers.arithmetic.layer import axis_windows
from helpers.convolution import convolve2d, pad2d
from helpers.widgets import ConvolutionExplorer, Frames
from helpers.widgets.setting import IMAGES, KERNELS, LACKS, image_cells, kernel_cells

GOLDEN = json.loads((ROOT / "tests" / "golden" / "windows.json").read_text(encoding="utf-8"))
DEFAULT = {name: value for name, value in ConvolutionExplorer().static_state().items() if name != "examples"}
SLIDERS = {"input_size": 7, "kernel_size": 3, "stride": 1, "dilation": 1, "padding": 0}


class Picture:
    """A figure that is one word, and its text alternative."""

    def __init__(self, word):
        text = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20">{word}</text></svg>'
        )
        self.alt = f"The word {word}."
        self.wide = type("Drawing", (), {"svg": text, "width": 90, "height": 30})
        self.narrow = None


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site of explorers, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("explorers")
    write_assets(folder)
    large = ConvolutionExplorer(image="seven", input_size=28, stride=2, view="coverage")
    write_page(folder, "index.html", ConvolutionExplorer(), large)
    write_page(folder, "frames.html", Frames.of("word", values=["one", "two", "three"], draw=Picture))
    hostile = ConvolutionExplorer()
    hostile.set_trait("examples", {HOSTILE: {"stride": 2}})
    write_page(
        folder,
        "hostile.html",
        hostile,
        Frames.of(HOSTILE, values=[HOSTILE, "b"], draw=lambda _: Picture("b")),
    )
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def window_place(page):
    """Where the window stands: the input cell of its upper left corner."""
    window = explorer(page).locator("svg .window")
    matrix = window.evaluate("node => new DOMMatrix(node.style.transform)")
    return [round(matrix["f"] / 40), round(matrix["e"] / 40)]


# Sliders, by every means


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_follow_the_keyboard(either, name):
    slider(either, name).focus()
    either.keyboard.press("ArrowRight")
    either.keyboard.press("ArrowRight")
    either.keyboard.press("ArrowLeft")
    assert trait(either, name) == SLIDERS[name] + 1
    expected = ConvolutionExplorer(**{name: SLIDERS[name] + 1}).output.shape
    assert text(either, "outputSize") == f"Output {expected[0]} × {expected[1]}"


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_follow_the_mouse(either, name):
    box = slider(either, name).bounding_box()
    either.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    either.mouse.down()
    either.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] / 2, steps=4)
    either.mouse.up()
    assert trait(either, name) != SLIDERS[name]
    assert explorer(either).locator("output").nth([*SLIDERS].index(name) * 2).inner_text() == str(
        trait(either, name)
    )


@pytest.mark.parametrize("origin", ["http", "file"])
def test_sliders_follow_a_finger(open_page, origin):
    page = open_page(origin=origin, has_touch=True, viewport={"width": 390, "height": 844})
    for name, value in SLIDERS.items():
        slider(page, name).scroll_into_view_if_needed()
        box = slider(page, name).bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] * 0.35, box["y"] + box["height"] / 2)
        assert trait(page, name) != value, name
        put(page, **SLIDERS)


def test_the_text_below_stays_where_it_is_until_another_control_is_used(page):
    def heights():
        """Of the place that the explorer keeps, and of what is drawn in it, in whole pixels."""
        page.wait_for_timeout(100)  # some frames: one to draw, one to settle
        measure = "(place) => [place, place.firstElementChild].map((box) => box.offsetHeight)"
        return explorer(page).evaluate(measure)

    at_first, _ = heights()
    for key in ["ArrowRight"] * 2:
        slider(page, "padding").press(key)
    grown, _ = heights()
    for key in ["ArrowLeft"] * 2:
        slider(page, "padding").press(key)
    assert heights() == [grown, at_first]
    assert grown > at_first
    part(page, "next").click()
    assert heights() == [at_first, at_first]

    slider(page, "input_size").press("ArrowRight")
    slider(page, "input_size").press("ArrowLeft")
    part(page, "padding_mode").select_option("reflect")
    kept, drawn = heights()
    assert kept == drawn

    slider(page, "input_size").press("ArrowRight")
    slider(page, "input_size").press("ArrowLeft")
    for width in (390, 1280):  # first taller, then not so tall
        page.set_viewport_size({"width": width, "height": 800})
        kept, drawn = heights()
        assert kept == drawn


def test_rows_and_columns_come_apart(page):
    part(page, "apart").check()
    assert trait(page, "stride") == [1, 1]
    explorer(page).get_by_label("stride, columns").focus()
    page.keyboard.press("ArrowRight")
    assert trait(page, "stride") == [1, 2]
    assert text(page, "outputSize") == "Output 5 × 3"
    assert "columns" in text(page, "formula")
    part(page, "apart").uncheck()
    assert trait(page, "stride") == 1


def test_the_controls_offer_what_python_takes(page):
    for name, known in {"image": IMAGES, "kernel": KERNELS}.items():
        offered = part(page, name).locator("option:not([hidden])").all_inner_texts()
        assert sorted(offered) == sorted(known)
        assert part(page, name).input_value() == trait(page, name)
        for each in offered:
            part(page, name).select_option(each)
            assert trait(page, name) == each
    for name in SLIDERS:
        limits = [int(slider(page, name).get_attribute(end)) for end in ("min", "max")]
        ours = ConvolutionExplorer.class_traits()[name]
        assert limits == [ours.low, ours.high], name
    modes = part(page, "padding_mode").locator("option").all_inner_texts()
    assert modes == list(ConvolutionExplorer.padding_mode.values)


def test_padding_is_chosen_by_its_name(page):
    shapes = {}
    for kind in ("valid", "tensorflow", "full"):
        part(page, "padding").select_option(kind)
        shapes[kind] = text(page, "outputSize")
    assert shapes == {"valid": "Output 5 × 5", "tensorflow": "Output 7 × 7", "full": "Output 9 × 9"}
    part(page, "padding").select_option("sides")
    assert trait(page, "padding") == [[2, 2], [2, 2]]
    explorer(page).get_by_label("padding, left").focus()
    page.keyboard.press("ArrowLeft")
    assert trait(page, "padding") == [[2, 2], [1, 2]]
    assert text(page, "outputSize") == "Output 9 × 8"


def test_an_example_sets_everything(page):
    put(page, dilation=2, padding=3)
    part(page, "example").select_option("7 × 7, stride 2")
    assert (trait(page, "stride"), trait(page, "dilation"), trait(page, "padding")) == (2, 1, 0)
    assert "= 91" in text(page, "sum")
    assert part(page, "example").input_value() == "7 × 7, stride 2"
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    assert part(page, "example").input_value() == ""


# The window and the sum


def test_arrow_keys_move_the_window(page):
    put(page, stride=2)
    part(page, "input").focus()
    for key, place in [
        ("ArrowRight", [0, 1]),
        ("ArrowDown", [1, 1]),
        ("End", [2, 2]),
        ("ArrowRight", [2, 2]),
    ]:
        page.keyboard.press(key)
        assert trait(page, "selected") == place
    for key, place in [("ArrowUp", [1, 2]), ("ArrowLeft", [1, 1]), ("Home", [0, 0]), ("ArrowUp", [0, 0])]:
        page.keyboard.press(key)
        assert trait(page, "selected") == place
    page.keyboard.press("ArrowDown")
    assert part(page, "input").get_attribute("aria-valuetext") == "output row 1, column 0"


def test_arrow_keys_on_the_window_do_not_scroll_the_page(open_page):
    page = open_page(viewport={"width": 1000, "height": 500})
    part(page, "input").focus()
    before = page.evaluate("scrollY")
    for key in ("ArrowDown", "ArrowDown", "End"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == before


def test_the_sum_is_said_in_numbers_and_in_words(page):
    put(
        page,
        input_size=3,
        image="counting",
        padding=1,
        kernel=[[1, 0], [0, -2]],
        kernel_size=2,
        selected=[0, 1],
    )
    assert text(page, "sum") == "Output row 0, column 1: 0 × 1 + 0 × 0 + 1 × 0 + 2 × (−2) = −4"
    assert part(page, "sum").locator("i").all_inner_texts() == ["0", "0"], "what is padding stands in italics"
    words = (
        "Output row 0, column 1: 0 times 1 plus 0 times 0 plus 1 times 0 plus 2 times (minus 2) is minus 4"
    )
    assert part(page, "words").text_content() == words
    assert part(page, "words").get_attribute("aria-live") == "polite"
    put(page, selected=[1, 0])
    assert text(page, "sum").startswith("Output row 1, column 0: 0 × 1 + 1 × 0 +")
    assert part(page, "sum").locator("i").all_inner_texts() == ["0", "0"], "left of the input is padding too"


def test_the_window_is_dragged(page):
    box = explorer(page).locator("svg .outline").bounding_box()
    cell = box["width"] / 3
    page.mouse.move(box["x"] + 1.2 * cell, box["y"] + 2.1 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 3.2 * cell, box["y"] + 3.1 * cell, steps=5)
    page.mouse.up()
    assert trait(page, "selected") == [1, 2]
    assert window_place(page) == [1, 2]


def test_a_click_moves_the_window(page):
    put(page, stride=2)
    box = part(page, "output").bounding_box()
    cell = box["width"] / 3.55
    page.mouse.click(box["x"] + 3 * cell, box["y"] + 2 * cell)
    assert trait(page, "selected") == [1, 2]
    box = part(page, "input").bounding_box()
    page.mouse.click(box["x"] + 1.6 * cell, box["y"] + 6.5 * cell)
    assert trait(page, "selected") == [2, 0]


def test_step_and_play(open_page):
    page = open_page(own=True)
    page.clock.install(time=0)
    page.clock.pause_at(60)  # on a busy machine the seconds of the test are longer than those of the page
    put(page, input_size=4)
    part(page, "next").click()
    part(page, "next").click()
    part(page, "back").click()
    assert trait(page, "selected") == [0, 1]
    part(page, "play").click()
    assert text(page, "play") == "Pause"
    assert part(page, "words").get_attribute("aria-live") == "off"
    page.clock.run_for(800)
    assert trait(page, "selected") == [1, 0]
    part(page, "play").click()
    page.clock.run_for(3000)
    assert (trait(page, "selected"), text(page, "play")) == ([1, 0], "Play")
    part(page, "play").click()
    page.clock.run_for(5000)
    assert (trait(page, "selected"), text(page, "play")) == ([1, 1], "Play"), "it stops at the end"
    part(page, "play").click()
    assert trait(page, "selected") == [0, 0], "and starts over"


def test_weights_are_edited(page):
    weight = explorer(page).get_by_label("kernel row 1, column 2")
    weight.fill("-")
    assert trait(page, "kernel") == "vertical edges", "half typed"
    weight.fill("1e999")
    assert trait(page, "kernel") == "vertical edges", "not a number that JSON can say"
    weight.fill("-2.5")
    assert trait(page, "kernel") == [[1, 0, -1], [1, 0, -2.5], [1, 0, -1]]
    assert "0 × (−2.5)" in text(page, "sum")
    assert part(page, "kernel").input_value() == ""
    slider(page, "kernel_size").focus()
    page.keyboard.press("ArrowLeft")
    assert trait(page, "kernel") == [[1, 0], [1, 0]]
    part(page, "kernel").select_option("ones")
    assert explorer(page).get_by_label("kernel row 1, column 1").input_value() == "+1"


@pytest.mark.parametrize("size", [3, [3, 2]])
def test_a_weight_is_edited_while_another_size_of_the_kernel_is_pending(page, size):
    put(page, kernel_size=size)
    slider(page, "kernel_size").focus()
    page.keyboard.press("End")
    assert text(page, "problem").startswith("The kernel spans 11 pixels")
    explorer(page).get_by_label("kernel row 2, column 1").fill("7")
    assert (trait(page, "kernel_size"), text(page, "problem")) == (size, "")
    assert trait(page, "kernel")[2][1] == 7
    slider(page, "input_size").focus()
    page.keyboard.press("End")
    assert (trait(page, "kernel_size"), trait(page, "input_size")) == (size, 32)
    assert text(page, "outputSize").startswith("Output 30 × ")


# Other kinds of layer

GROWN = {"kind": "transposed", "image": "counting", "input_size": 3, "kernel": "ones", "stride": 2}


def numbers(page, name, look):
    """The numbers that a drawing shows in one look, in reading order."""
    lines = (
        part(page, name)
        .locator(f"text.{look}")
        .evaluate_all("(texts) => texts.map((text) => [Number(text.getAttribute('y')), text.textContent])")
    )
    placed = [(y, each.start(), each[0]) for y, line in lines for each in re.finditer(r"\S+", line)]
    return [float(number.replace("−", "-")) for _, _, number in sorted(placed)]


def test_a_transposed_convolution_places_copies_that_add_up(page):
    put(page, **GROWN, padding=1, selected=[0, 1])
    assert (text(page, "inputSize"), text(page, "outputSize")) == ("Input 3 × 3", "Output 5 × 5")
    setting = {**GROWN, "padding": 1}
    assert numbers(page, "output", "blue") == ConvolutionExplorer(**setting).output.ravel().tolist()
    assert numbers(page, "input", "gray") == list(range(1, 10))
    assert len(numbers(page, "output", "padding")) == 7**2 - 5**2, "what is cropped is shown"
    assert window_place(page) == [0, 2]
    said = (
        "Input row 0, column 1: 2 × the kernel, on output rows −1 to 1, columns 1 to 3. "
        "In output row 1, column 1, 4 copies meet: 1 × 1 + 2 × 1 + 4 × 1 + 5 × 1 = 12"
    )
    assert text(page, "sum").replace("\n", " ") == said
    assert "2 times the kernel, on output rows minus 1 to 1" in part(page, "words").text_content()
    assert text(page, "remarks") == (
        "All 25 output pixels get a copy. Away from the border they get 1, 2 or 4 in turn: a checkerboard."
    )
    legend = explorer(page).locator(".legend").inner_text().split("\n")
    assert legend == ["copy of the kernel: drag it, or press arrow keys", "cropped"]
    numbers_of_formula = re.sub(r"\s+", " ", text(page, "formula"))
    assert numbers_of_formula.endswith("rows, columns = (3 − 1) · 2 + 3 − 1 − 1 + 0 = 5")


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"kernel_size": 4}, "Away from the border each gets 4: no checkerboard."),
        ({"kernel_size": 3, "stride": 1}, "Away from the border each gets 9: no checkerboard."),
        ({"kernel_size": 2, "stride": 3}, "Away from the border they get 0 or 1 in turn: a checkerboard."),
        ({"kernel_size": 5, "stride": [1, 2]}, "Away from the border they get 10 or 15 in turn: a checkerb"),
    ],
)
def test_the_copies_at_each_pixel_are_counted(page, window, said):
    put(page, **GROWN | window)
    part(page, "coverage").check()
    axes = ConvolutionExplorer(**GROWN | {name: tuples(value) for name, value in window.items()})
    rows, columns = (inputs_per_output(size, **axis) for size, axis in axes._setting().axes)
    assert numbers(page, "output", "blue") == np.outer(rows, columns).ravel().tolist()
    assert said in text(page, "remarks")
    inner = [count for count in rows[len(rows) // 2 :] if count == max(rows)]
    assert inner, "the border is not all there is"
    hatched = explorer(page).locator("svg path.unread").count()
    assert hatched == (0 in [*rows, *columns])


def test_the_copy_is_moved_by_every_means(page):
    put(page, **GROWN | {"input_size": 4})
    assert part(page, "output").get_attribute("role") == "slider"
    assert part(page, "input").get_attribute("role") == "img"
    assert part(page, "input").get_attribute("tabindex") is None
    part(page, "output").focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert trait(page, "selected") == [1, 1]
    assert part(page, "output").get_attribute("aria-valuetext") == "input row 1, column 1"
    assert part(page, "output").get_attribute("aria-valuemax") == "15"
    box = explorer(page).locator("svg .outline").bounding_box()
    cell = box["width"] / 3
    page.mouse.move(box["x"] + 1.5 * cell, box["y"] + 1.5 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 3.6 * cell, box["y"] + 1.6 * cell, steps=5)
    page.mouse.up()
    assert trait(page, "selected") == [1, 2]
    box = part(page, "input").bounding_box()
    page.mouse.click(box["x"] + 1 * cell, box["y"] + 4 * cell)
    assert trait(page, "selected") == [3, 0]
    part(page, "next").click()
    assert trait(page, "selected") == [3, 1]
    part(page, "kind").select_option("convolution")
    assert part(page, "input").get_attribute("role") == "slider"
    part(page, "input").focus()
    page.keyboard.press("Home")
    assert trait(page, "selected") == [0, 0]
    assert part(page, "output").get_attribute("aria-valuetext") is None


@pytest.mark.parametrize(("settings", "by", "place"), [({}, (2.0, 1.0), [1, 2]), (GROWN, (2.0, 2.0), [1, 1])])
def test_a_window_and_a_copy_are_dragged_by_a_finger(open_page, settings, by, place):
    page = open_page(has_touch=True, viewport={"width": 390, "height": 1600})
    put(page, **settings)
    box = explorer(page).locator("svg .outline").bounding_box()
    cell = box["width"] / 3
    path = [(1.5 + part * by[0], 1.5 + part * by[1]) for part in (0, 0.25, 0.75, 1)]
    swipe(page, [{"x": box["x"] + x * cell, "y": box["y"] + y * cell} for x, y in path])
    assert trait(page, "selected") == place
    assert page.evaluate("scrollY") == 0


def test_a_maximum_takes_no_padding(page):
    put(page, kind="max pooling", image=[[-3, -1, -4, -2]] * 4, input_size=4, stride=2, padding=1)
    assert numbers(page, "output", "blue") == [-1, -1] * 2
    assert "−∞" in part(page, "input").locator("text.padding").first.text_content()
    assert text(page, "kernelSize") == "Window 3 × 3"
    assert not part(page, "weights").is_visible()
    assert not part(page, "kernel").is_visible()
    assert text(page, "sum").replace("\n", " ") == (
        "Output row 0, column 0: the largest of −∞, −∞, −∞, −∞, −3, −1, −∞, −3, −1 = −1"
    )
    assert "minus infinity, minus 3" in part(page, "words").text_content()


def test_a_mean_counts_the_padding_or_not(page):
    put(page, kind="average pooling", image=[[90] * 4] * 4, input_size=4, padding=1)
    assert numbers(page, "output", "blue")[:4] == [40, 60, 60, 40]
    assert "(0 + 0 + 0 + 0 + 90 + 90 + 0 + 90 + 90) / 9 = 40" in text(page, "sum").replace("\n", " ")
    assert "divided by 9 is 40" in part(page, "words").text_content()
    part(page, "count_include_pad").uncheck()
    assert trait(page, "count_include_pad") is False
    assert set(numbers(page, "output", "blue")) == {90}
    assert numbers(page, "input", "padding") == []
    assert "(90 + 90 + 90 + 90) / 4 = 90" in text(page, "sum").replace("\n", " ")
    put(page, padding="same", count_include_pad=True)
    assert text(page, "remarks").endswith("TensorFlow itself never counts the padding.")


def test_a_window_hangs_over_the_end_unless_it_would_start_there(page):
    put(page, kind="max pooling", input_size=5, kernel_size=2, stride=2)
    assert text(page, "outputSize") == "Output 2 × 2"
    part(page, "ceil_mode").check()
    assert (trait(page, "ceil_mode"), text(page, "outputSize")) == (True, "Output 3 × 3")
    assert text(page, "remarks") == "All 25 pixels are read. The last window hangs over the end."
    assert "⌈" in text(page, "formula")
    assert "⌊" not in text(page, "formula")
    put(page, padding=1)
    assert text(page, "outputSize") == "Output 3 × 3", "torch's rule; a bare ceiling would make 4"
    assert "One more would start in the padding at the end, and is left out." in text(page, "remarks")


@pytest.mark.parametrize("kind", LACKS)
def test_each_kind_shows_the_controls_that_it_has(page, kind):
    put(page, stride=2, dilation=2, padding_mode="reflect")
    part(page, "kind").select_option(kind)
    assert text(page, "problem") == ""
    has = {
        name: (part(page, name) if name != "output_padding" else slider(page, name)).is_visible()
        for name in ("padding_mode", "output_padding", "ceil_mode", "count_include_pad")
    } | {"dilation": slider(page, "dilation").is_visible()}
    assert {name for name, is_shown in has.items() if not is_shown} == set(LACKS[kind])
    assert {name: trait(page, name) for name in LACKS[kind]} == LACKS[kind]


@pytest.mark.parametrize(
    ("state", "changes", "reason"),
    [
        (
            GROWN,
            {"output_padding": 2},
            "Output padding must be below 2, the larger of stride and dilation, got 2",
        ),
        (GROWN, {"output_padding": 1, "padding": "same"}, "Output padding must be 0 with padding “same”"),
        (GROWN, {"padding": 4}, "Padding 4 and 4 crops away all 7 pixels of the output."),
        (GROWN, {"padding": "full"}, "A transposed convolution has no padding “full”."),
        (GROWN, {"padding": "same", "convention": "pytorch"}, "has no padding “same” in PyTorch."),
        (
            GROWN | {"kernel_size": 2, "stride": 5},
            {"padding": "same", "convention": "onnx-lower"},
            "ONNX ends with the last copy, at 12 pixels, and makes no 15 of 3.",
        ),
        (GROWN, {"ceil_mode": True}, "ceil_mode must be false with kind transposed, which has none."),
        (GROWN, {"stride": 16, "input_size": 8}, "The output must have at most 112 pixels before the crop"),
        (
            {"kind": "max pooling"},
            {"padding": 2},
            "Padding of a pooling must be at most half of its window, 1",
        ),
        ({"kind": "max pooling"}, {"output_padding": 1}, "output_padding must be 0 with kind max pooling"),
        (
            {"kind": "max pooling", "kernel_size": 2, "input_size": 3},
            {"dilation": 4, "padding": 1},
            "A window of the pooling would hold nothing but padding",
        ),
        ({"kind": "average pooling"}, {"dilation": 2}, "dilation must be 1 with kind average pooling"),
    ],
)
def test_what_a_kind_has_not_is_refused_in_words(page, state, changes, reason):
    put(page, **state)
    before = part(page, "panels").inner_html()
    put(page, **changes)
    assert reason in text(page, "problem")
    assert part(page, "panels").inner_html() == before
    with pytest.raises(TraitError):
        ConvolutionExplorer(**state | {name: tuples(value) for name, value in changes.items()})


# What it says


def test_the_formula_holds_the_live_numbers(page):
    put(page, input_size=8, stride=2, padding=1, dilation=2)
    numbers = re.sub(r"\s+", " ", text(page, "formula"))
    assert numbers.endswith("rows, columns = ⌊ 8 + 1 + 1 − (2·(3 − 1) + 1) 2 ⌋ + 1 = ⌊ 5 2 ⌋ + 1 = 2 + 1 = 3")


def test_what_no_window_reads_is_marked_and_said(page):
    put(page, input_size=8, stride=2)
    assert text(page, "remarks") == "15 of 64 pixels are never read: row 7; column 7."
    assert explorer(page).locator("svg path.unread").count() == 1
    legend = explorer(page).locator(".legend")
    assert legend.inner_text().split("\n")[1:] == ["pixel never read"]
    looks = [
        node.get_attribute("class") for node in part(page, "input").locator("g").first.locator("path").all()
    ]
    assert looks.index("unread") == len(looks) - 1, "a square drawn later would cover the hatch"
    put(page, padding=1)
    assert text(page, "remarks") == "All 64 pixels are read. Padding never read: bottom, right."
    assert explorer(page).locator("svg path.unused").count() == 1
    assert legend.inner_text().split("\n")[1:] == ["padding", "padding never read"]


def test_coverage_counts_the_windows(page):
    put(page, padding=1)
    part(page, "coverage").check()
    assert trait(page, "view") == "coverage"
    lines = part(page, "input").locator("text.blue").all_text_contents()
    counts = [int(count) for line in lines for count in line.split()]
    axis = coverage(7, kernel_size=3, padding=1)
    assert counts == np.outer(axis, axis).ravel().tolist()


def test_an_illegal_setting_says_why_and_keeps_the_drawing(page):
    put(page, input_size=4)
    before = part(page, "panels").inner_html()
    slider(page, "kernel_size").focus()
    page.keyboard.press("ArrowRight")
    assert text(page, "problem") == ""
    put(page, kernel_size=3)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert text(page, "problem").startswith(
        "The kernel spans 5 pixels, but the input has 4, padding included."
    )
    assert trait(page, "kernel_size") == 4
    assert slider(page, "kernel_size").input_value() == "5"
    slider(page, "input_size").focus()
    page.keyboard.press("ArrowRight")
    assert (trait(page, "kernel_size"), trait(page, "input_size")) == (5, 5), "together they fit"
    assert text(page, "problem") == ""
    put(page, kernel_size=3, input_size=4)
    assert part(page, "panels").inner_html() == before
    put(page, stride=2)
    part(page, "padding").select_option("pytorch")
    assert "PyTorch has no “same” padding with stride 2." in text(page, "problem")
    part(page, "padding").select_option("number")
    part(page, "padding_mode").select_option("reflect")
    put(page, padding=3)
    slider(page, "padding").focus()
    page.keyboard.press("ArrowRight")
    assert "Padding “reflect” adds at most 3 cells" in text(page, "problem")


def test_two_explorers_mind_their_own_business(page):
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    assert (trait(page, "stride", 0), trait(page, "stride", 1)) == (2, 2)
    page.keyboard.press("ArrowRight")
    assert (trait(page, "stride", 0), trait(page, "stride", 1)) == (3, 2)
    assert text(page, "outputSize", 1) == "Output 13 × 13"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_a_view_that_is_gone_listens_no_more(open_page):
    page = open_page(own=True)
    page.clock.install()
    play = "(el) => el.querySelector('[part=play]').click()"
    assert listeners(page, "convolution_explorer", then=play) == [1, 0]
    page.clock.run_for(3000)
    assert page.evaluate("window.written") is None


@pytest.mark.parametrize(
    ("key", "is_kept"), [("ArrowRight", True), ("a", True), ("Escape", False), ("Tab", False)]
)
def test_keys_stay_inside(open_page, key, is_kept):
    page = open_page()
    assert heard_outside(page, slider(page, "stride"), key) == (None if is_kept else key)


# Arithmetic


def arithmetic(page, settings):
    """What the module computes at each setting, or the message of what it throws."""
    return page.evaluate(
        """async (settings) => {
            const { settle } = await import("./convolution_explorer.mjs");
            return settings.map((setting) => {
                try {
                    const { grows, rows, columns, kernel, ground, stops } = settle(setting);
                    const both = (of) => [of(rows), of(columns)];
                    const within = ({ before, size }) => [before, before + size];
                    const cut = () =>
                        ground.slice(...within(rows)).map((row) => row.slice(...within(columns)));
                    return {
                        pads: both(({ before, after }) => [before, after]),
                        reads: both((axis) => axis.reads.slice(...within(axis))),
                        kernel, padded: ground, output: grows ? cut() : stops,
                    };
                } catch (error) {
                    return error.message;
                }
            });
        }""",
        settings,
    )


def test_the_browser_keeps_to_the_golden_table(open_page):
    page = open_page(origin="http")
    for row, ours in zip(GOLDEN, arithmetic(page, [row["setting"] for row in GOLDEN]), strict=True):
        assert ours["pads"] == row["pads"], row["setting"]
        assert np.outer(*ours["reads"]).tolist() == row["reads"], row["setting"]
        np.testing.assert_allclose(ours["kernel"], row["kernel"], err_msg=str(row["setting"]))
        np.testing.assert_allclose(ours["output"], row["output"], atol=1e-9, err_msg=str(row["setting"]))
        if row["setting"]["kind"] == "convolution":
            padded = pad2d(row["image"], tuples(row["pads"]), padding_mode=row["setting"]["padding_mode"])
            assert ours["padded"] == padded.tolist(), row["setting"]


def random_setting(chance):
    """Any setting at all, legal or not."""

    def numbers(low, high):
        return chance.choice([chance.randint(low, high), [chance.randint(low, high) for _ in range(2)]])

    sides = [[chance.randint(0, 10) for _ in range(2)] for _ in range(2)]
    kind = chance.choice(list(LACKS))
    paddings = [numbers(0, chance.choice([1, 10])), sides, "valid", "same", "full"]
    return {
        "kind": kind,
        "image": chance.choice(list(IMAGES)),
        "input_size": numbers(3, chance.choice([8, 32])),
        "kernel": chance.choice(list(KERNELS)),
        "kernel_size": numbers(1, 11),
        "stride": numbers(1, chance.choice([3, 16])),
        "dilation": numbers(1, 4),
        "padding": chance.choice(paddings),
        "convention": chance.choice(["tensorflow", "onnx-lower", "pytorch"]),
        "padding_mode": chance.choice(["zeros", "zeros", "reflect", "replicate", "circular"]),
        "output_padding": chance.choice([0, numbers(0, 3)]),
        "ceil_mode": chance.choice([True, False]),
        "count_include_pad": chance.choice([True, False]),
        **LACKS[kind],
    }


def tuples(value):
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def in_python(setting):
    """The same from helpers.arithmetic, and from helpers.convolution or torch, or None where they refuse."""
    if setting["kind"] != "convolution":
        return in_torch(setting)
    sizes, kernel_sizes = (setting[name] for name in ("input_size", "kernel_size"))
    sizes, kernel_sizes = (
        value if isinstance(value, list) else [value] * 2 for value in (sizes, kernel_sizes)
    )
    names = ("stride", "padding", "dilation", "convention")
    window = {name: tuples(setting[name]) for name in names}
    image, kernel = image_cells(setting["image"], *sizes), kernel_cells(setting["kernel"], *kernel_sizes)
    try:
        output = convolve2d(image, kernel, **window, padding_mode=setting["padding_mode"])
    except ValueError:
        return None
    axes = list(zip(sizes, axis_windows(tuple(kernel_sizes), **window), strict=True))
    pads = [list(resolve_padding(size, **axis)) for size, axis in axes]
    return {"pads": pads, "reads": [list(coverage(size, **axis)) for size, axis in axes], "output": output}


def in_torch(setting):
    """The same of a layer that helpers.convolution has not."""
    try:
        explorer = ConvolutionExplorer(**{name: tuples(value) for name, value in setting.items()})
    except TraitError:
        return None
    axes = explorer._setting().axes
    count = inputs_per_output if setting["kind"] == "transposed" else coverage
    return {
        "pads": [list(sides) for sides in explorer._setting().pads],
        "reads": [list(count(size, **axis)) for size, axis in axes],
        "output": explorer.output,
    }


def test_the_browser_computes_what_python_does(open_page):
    chance = random.Random(5)
    settings = [random_setting(chance) for _ in range(800)]
    refused = 0
    drawn = Counter()
    for setting, ours in zip(settings, arithmetic(open_page(origin="http"), settings), strict=True):
        expected = in_python(setting)
        if expected is None:
            assert isinstance(ours, str), setting
            refused += 1
            continue
        drawn[setting["kind"]] += 1
        assert not isinstance(ours, str), (setting, ours)
        assert (ours["pads"], ours["reads"]) == (expected["pads"], expected["reads"]), setting
        np.testing.assert_allclose(ours["output"], expected["output"], atol=1e-9, err_msg=str(setting))
    assert 200 < refused < 600, "the cases lean to one side"
    assert min(drawn[kind] for kind in LACKS) > 40, drawn


def draw_all(page, settings):
    """Draw each setting; returns what the page says of the output's size."""
    return explorer(page).evaluate(
        """(place, settings) => {
            const size = place.querySelector("[part=outputSize]");
            return settings.map((setting) => { place.bookModel.set(setting); return size.textContent; });
        }""",
        settings,
    )


def test_every_legal_square_setting_to_size_8_is_drawn(page):
    paddings = [(number, "tensorflow") for number in range(5)] + [
        ("valid", "tensorflow"),
        ("full", "tensorflow"),
    ]
    paddings += [("same", convention) for convention in ("tensorflow", "onnx-lower", "pytorch")]
    settings, said = [], []
    sizes = range(1, 9)
    for size, kernel_size, stride, dilation in itertools.product(range(3, 9), sizes, sizes, range(1, 4)):
        for padding, convention in paddings:
            window = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
            window |= {"padding": padding, "convention": convention}
            try:
                count = output_size(size, **window)
            except ValueError:
                continue
            settings.append({"input_size": size, **window})
            said.append(f"Output {count} × {count}")
    assert len(settings) > 5000
    assert draw_all(page, settings) == said


def test_a_thousand_other_settings_are_drawn(page):
    chance = random.Random(8)
    settings, said = [], []
    while len(settings) < 1000:
        setting = random_setting(chance)
        expected = in_python(setting)
        if expected is not None:
            settings.append(setting | {"view": chance.choice(["values", "coverage"])})
            said.append("Output {} × {}".format(*expected["output"].shape))
    assert draw_all(page, settings) == said


# Access for everyone


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, theme):
    page = open_page(origin="http", color_scheme=theme)
    assert violations(page) == []
    put(page, input_size=8, padding=2, stride=3, dilation=2, view="coverage")
    part(page, "apart").check()
    slider(page, "kernel_size").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert text(page, "problem") != ""
    assert violations(page) == []
    for kind in ("transposed", "average pooling"):
        put(page, **DEFAULT | {"kind": kind, "stride": 2, "padding": 1})
        assert violations(page) == [], kind
    assert violations(open_page("frames.html", "http", color_scheme=theme)) == []


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (390, 3), (640, 2)])
def test_nothing_sticks_out_of_a_small_window(open_page, width, scale):
    page = open_page(viewport={"width": width, "height": 800}, device_scale_factor=scale)
    for settings in (
        {},
        {"input_size": 32, "padding": "full", "kernel_size": 11},
        {"padding": [[1, 2], [3, 4]]},
        DEFAULT | GROWN | {"input_size": 20, "kernel_size": 5},
    ):
        put(page, **settings)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, settings


@pytest.mark.parametrize(("motion", "duration"), [("reduce", "0s"), ("no-preference", "0.15s")])
def test_the_window_glides_unless_motion_is_reduced(open_page, motion, duration):
    page = open_page(reduced_motion=motion)
    put(page, selected=[1, 1])
    window = explorer(page).locator("svg .window")
    assert window.evaluate("node => getComputedStyle(node).transitionDuration") == duration
    put(page, stride=2)
    assert window.evaluate("node => getComputedStyle(node).transitionDuration") == "0s", (
        "a new setting is no motion"
    )


def contrast(page, selector):
    """The least contrast of a number with its cell, by WCAG's formula, the window not counted."""
    return page.evaluate(
        """(selector) => {
            const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            const luminance = (...layers) => {
                for (const [color, opacity] of layers) {
                    canvas.globalAlpha = opacity;
                    canvas.fillStyle = color;
                    canvas.fillRect(0, 0, 1, 1);
                }
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
                    const part = value / 255;
                    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const paper = getComputedStyle(document.documentElement).backgroundColor;
            const ink = luminance([getComputedStyle(document.querySelector(`svg text${selector}`)).fill, 1]);
            return Math.min(...[...document.querySelectorAll(`svg path${selector}`)].map((path) => {
                const { fill, fillOpacity } = getComputedStyle(path);
                const ground = luminance([paper, 1], [fill, Number(fillOpacity)]);
                return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
            }));
        }""",
        selector,
    )


@pytest.mark.parametrize("kernel", ["ones", "mean", "outline"])
def test_each_number_stands_in_the_middle_of_its_cell(page, kernel):
    """Of one to six characters, with signs, points and slanted digits of the padding among them."""
    put(page, kernel=kernel, padding=2)
    cells = explorer(page).evaluate(
        """(explorer) => [...explorer.querySelectorAll("svg text")].flatMap((text) => {
            const shift = text.getCTM().e - text.ownerSVGElement.getCTM().e;
            const scale = text.getCTM().a;
            const y = Number(text.getAttribute("y"));
            return [...text.textContent.matchAll(/\\S+/g)].map(({ 0: number, index }) => {
                const left = text.getStartPositionOfChar(index).x;
                const right = text.getEndPositionOfChar(index + number.length - 1).x;
                return [(left + right) / 2 + shift / scale, y];
            });
        })"""
    )
    assert len(cells) == 11**2 + 9**2
    strays = [(x, y) for x, y in cells if max(abs(x % 40 - 20), abs(y % 40 - 20)) > 1]
    assert not strays


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_stand_out_of_their_cells(open_page, theme):
    page = open_page(color_scheme=theme)
    explorer(page, 1).evaluate("place => place.remove()")
    put(page, padding=1)
    for kind in ("convolution", "transposed"):
        put(page, kind=kind)
        for selector in (".gray", ".blue", ".padding"):
            assert contrast(page, selector) >= 4.5, (kind, selector)


def test_a_reader_without_scripts_gets_a_sentence(open_page):
    page = open_page(java_script_enabled=False)
    assert "A kernel of 3 by 3 moves over an input of 7 by 7" in page.locator("main").inner_text()


# Frames


def test_frames_follow_keyboard_and_python(open_page):
    page = open_page("frames.html")
    image = explorer(page).locator("img")
    assert image.get_attribute("alt") == "The word one."
    explorer(page).get_by_label("word").focus()
    page.keyboard.press("End")
    assert (trait(page, "index"), image.get_attribute("alt")) == (2, "The word three.")
    assert explorer(page).locator("input").get_attribute("aria-valuetext") == "three"
    put(page, index=1)
    assert explorer(page).locator("output").inner_text() == "two"
    image.evaluate("node => node.decode()")
    assert image.evaluate("node => [node.naturalWidth, node.width]") == [90, 90]


def test_hostile_text_stays_text(open_page):
    page = open_page("hostile.html")
    assert part(page, "example").locator("option").nth(1).inner_text() == HOSTILE
    assert explorer(page, 1).locator("label").inner_text() == HOSTILE
    assert explorer(page, 1).locator("output").inner_text() == HOSTILE
    assert page.locator("main img").count() == 1
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("turn", ["first", "second"])
def test_the_window_that_tests_share_keeps_nothing(page, turn):
    assert page.evaluate("[localStorage.length, matchMedia('print').matches, innerWidth]") == [0, False, 1000]
    page.evaluate("localStorage.setItem('kept', 'by the test before')")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(media="print")
    page.context.new_page()
    assert len(page.context.pages) == 2
