"""The receptive field explorer in a page without a kernel: layers, units, arithmetic, access for everyone."""

import json
import random
import re
from fractions import Fraction

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

from helpers.arithmetic import window_starts
from helpers.widgets import ReceptiveFieldExplorer
from helpers.widgets.networks import MOST_LAYERS, MOST_OF_A_LAYER, NETWORKS, stack_layers

GOLDEN = json.loads((ROOT / "tests" / "golden" / "stacks.json").read_text(encoding="utf-8"))
START = {
    "input_size": 20,
    "layers": [
        {"name": "conv1", "kernel_size": 3, "padding": 1, "channels": 8},
        {"name": "pool1", "kernel_size": 2, "stride": 2},
        {"name": "conv2", "kernel_size": 3, "channels": 4},
    ],
}
SLIDERS = {"input_size": 20, "kernel_size": 3, "stride": 1, "dilation": 1, "padding": 1}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site of explorers, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("stacks")
    write_assets(folder)
    large = ReceptiveFieldExplorer(**NETWORKS["VGG-16"])
    write_page(folder, "index.html", ReceptiveFieldExplorer(**START), large)
    hostile = ReceptiveFieldExplorer(layers=[{"kernel_size": 3, "name": HOSTILE}])
    hostile.set_trait("examples", {HOSTILE: START})
    write_page(folder, "hostile.html", hostile)
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def numbers(page, place=0):
    """The table of layers: their names, and their numbers without the commas."""
    rows = part(page, "rows", place).evaluate(
        """body => [...body.rows].slice(1).map((row) =>
            [...row.cells].map((cell) => cell.firstChild.textContent))"""
    )
    return [
        (name, *(Fraction(cell.replace(",", "").replace("−", "-")) for cell in cells))
        for name, *cells in rows
    ]


def in_python(page, place=0):
    """What Python says of the explorer's stack."""
    names = ("dimensions", "input_size", "in_channels", "layers")
    return ReceptiveFieldExplorer(**{name: trait(page, name, place) for name in names})


def agree(page, place=0):
    return numbers(page, place) == [tuple(row) for row in in_python(page, place).rows]


def setting_of(page, name, layer=0):
    python = in_python(page)
    return python.input_size if name == "input_size" else python.layers[layer][name]


# Layers, by every means


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_follow_the_keyboard(either, name):
    slider(either, name).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        either.keyboard.press(key)
    assert setting_of(either, name) == SLIDERS[name] + 1
    assert agree(either)


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_follow_the_mouse(either, name):
    box = slider(either, name).bounding_box()
    middle = box["y"] + box["height"] / 2
    either.mouse.move(box["x"] + box["width"] * 0.1, middle)
    either.mouse.down()
    either.mouse.move(box["x"] + box["width"] * 0.35, middle, steps=4)
    either.mouse.up()
    assert setting_of(either, name) != SLIDERS[name]
    assert agree(either)


@pytest.mark.parametrize("origin", ["http", "file"])
def test_sliders_follow_a_finger(open_page, origin):
    page = open_page(origin=origin, has_touch=True, viewport={"width": 390, "height": 844})
    for name, value in SLIDERS.items():
        put(page, **START | {"input_size": 120})  # whatever is tapped fits
        slider(page, name).scroll_into_view_if_needed()
        box = slider(page, name).bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] * 0.35, box["y"] + box["height"] / 2)
        assert setting_of(page, name) not in (value, 120), name


def test_the_controls_offer_what_python_takes(page):
    for name, most in MOST_OF_A_LAYER.items():
        control = part(page, name) if name == "channels" else slider(page, name)
        assert int(control.get_attribute("max")) == most, name
        assert int(control.get_attribute("min")) == (0 if "padding" in name else 1), name
    for name, control in {
        "input_size": slider(page, "input_size"),
        "in_channels": part(page, "in_channels"),
    }.items():
        ours = ReceptiveFieldExplorer.class_traits()[name]
        assert [int(control.get_attribute(end)) for end in ("min", "max")] == [ours.low, ours.high], name
    assert part(page, "example").locator("option:not([hidden])").all_inner_texts() == list(NETWORKS)


@pytest.mark.parametrize(
    "kind", ["number", "sides", "valid", "tensorflow", "pytorch", "onnx-lower", "full", "causal"]
)
def test_padding_is_chosen_by_its_name(page, kind):
    put(page, layers=[{"name": "a", "kernel_size": 4, "padding": "same"}])
    part(page, "padding").select_option(kind)
    expected = {"number": 1, "sides": [1, 2], "valid": "valid", "full": "full", "causal": "causal"}
    layer = trait(page, "layers")[0]
    assert layer["padding"] == expected.get(kind, "same")
    assert layer["convention"] == (kind if layer["padding"] == "same" else "tensorflow")
    assert part(page, "padding").input_value() == kind
    visible = explorer(page).locator("input[name=padding]:visible").count()
    assert visible == {"number": 1, "sides": 2}.get(kind, 0)
    assert agree(page)


def test_each_side_has_its_slider(page):
    put(page, layers=[{"kernel_size": 4, "padding": [1, 2]}])
    explorer(page).get_by_label("padding before").focus()
    page.keyboard.press("ArrowRight")
    explorer(page).get_by_label("padding after").focus()
    page.keyboard.press("ArrowLeft")
    assert trait(page, "layers")[0]["padding"] == [2, 1]
    assert agree(page)


def test_a_layer_is_a_convolution_or_a_pooling(page):
    part(page, "kind").select_option("convolution, no bias")
    assert numbers(page)[0][5:] == (72, 28_800)
    part(page, "kind").select_option("depthwise, no bias")
    assert numbers(page)[0][5:] == (9, 3_600), "the image has one channel"
    part(page, "kind").select_option("pooling")
    assert numbers(page)[0][5:] == (0, 0)
    assert numbers(page)[2][5:] == (40, 2_304), "conv2 reads the image's one channel now"
    assert not part(page, "channels").is_visible()
    part(page, "kind").select_option("convolution")
    assert trait(page, "layers")[0]["channels"] == 1
    part(page, "channels").fill("8")
    assert agree(page)
    assert text(page, "parameters") == "372"
    assert text(page, "macs") == "47,232"


def test_a_depthwise_layer_convolves_each_channel_by_itself(page):
    part(page, "editing").select_option("3 conv2")
    part(page, "kind").select_option("depthwise")
    assert {name: trait(page, "layers")[2][name] for name in ("channels", "bias", "depthwise")} == {
        "channels": None,
        "bias": True,
        "depthwise": True,
    }
    assert numbers(page)[2][5:] == (80, 4_608), "8 filters of 3 x 3, each at 8 x 8 stops"
    assert "3 × 3, depthwise" in part(page, "rows").locator("tr").last.inner_text()
    assert not part(page, "channels").is_visible()
    assert agree(page)
    part(page, "kind").select_option("convolution, no bias")
    assert (trait(page, "layers")[2]["channels"], trait(page, "layers")[2]["depthwise"]) == (8, False)
    assert part(page, "kind").input_value() == "convolution, no bias"


def test_a_layer_that_grows_is_chosen_and_set(page):
    part(page, "editing").select_option("2 pool1")
    part(page, "kind").select_option("transposed, no bias")
    layer = trait(page, "layers")[1]
    assert {name: layer[name] for name in ("kind", "channels", "bias")} == {
        "kind": "transposed",
        "channels": 8,
        "bias": False,
    }
    assert numbers(page)[1] == ("pool1", 40, Fraction(1, 2), 3, -1, 256, 102_400)
    explorer(page).get_by_label("output padding").press("ArrowRight")
    assert numbers(page)[1][1] == 41
    assert "2 × 2, transposed, stride 2, output padding 1" in text(page, "rows")
    assert text(page, "steps").startswith("pool1: jump 1 / 2 = 1/2, field up to 3: neighbors see unlike")
    assert agree(page)
    part(page, "kind").select_option("resize")
    assert numbers(page)[1][5:] == (0, 0)
    for name in ("stride", "dilation", "output_padding"):
        assert not slider(page, name).is_visible(), name
    assert not part(page, "padding").is_visible()
    slider(page, "kernel_size").press("ArrowRight")
    assert (trait(page, "layers")[1]["stride"], numbers(page)[1][1]) == (3, 60)
    assert "resize by 3" in text(page, "rows")
    assert agree(page)
    part(page, "kind").select_option("pooling")
    slider(page, "stride").press("ArrowLeft")
    slider(page, "input_size").press("ArrowRight")
    assert numbers(page)[1][1] == 10
    part(page, "ceil_mode").check()
    assert numbers(page)[1][1] == 10, "21 pixels, 3 wide, 2 apart: nothing is over"
    slider(page, "input_size").press("ArrowLeft")
    assert numbers(page)[1][1] == 10, "the last one hangs over"
    assert "3 × 3, stride 2, rounded up" in text(page, "rows")
    assert agree(page)
    part(page, "editing").select_option("1 conv1")
    assert not part(page, "ceil_mode").is_visible()


def test_units_behind_a_doubling_see_unlike(page):
    conv = {"kernel_size": 3, "padding": 1}
    pool, double = {"kernel_size": 2, "stride": 2}, {"kernel_size": 2, "kind": "resize"}
    put(page, input_size=14, layers=[conv, pool, conv, double, conv], selected=[4, 6])
    assert "Unit 6 of layer 5 sees pixels 1 to 10 along each axis, a field of 10." in text(page, "words")
    part(page, "units").focus()
    page.keyboard.press("ArrowRight")
    assert "Unit 7 of layer 5 sees pixels 3 to 12 along each axis, a field of 10." in text(page, "words")
    assert "sees up to 10" in text(page, "labels")
    put(page, layers=[{"kernel_size": 1, "stride": 2, "kind": "transposed"}], selected=[0, 1], editing=0)
    assert text(page, "words").startswith("Unit 1 of layer 1 reads nothing: no copy reaches it.")
    assert part(page, "image").locator(".field").count() == 0


def test_a_signal_has_one_axis(page):
    put(page, **NETWORKS["Sound in frames, 16 kHz"], selected=[6, 1])
    assert "Unit 1 of conv7 sees samples 320 to 719, a field of 400." in text(page, "words")
    assert text(page, "words").endswith("conv7 never reads 304 of 1,024 samples: number 720 to 1,023.")
    assert not part(page, "image").is_visible()
    assert "sample never read" in explorer(page).locator(".legend").inner_text()
    assert agree(page)
    part(page, "dimensions").select_option("2")
    assert part(page, "image").is_visible()
    assert agree(page)


def test_channels_are_typed(page):
    part(page, "in_channels").fill("3")
    part(page, "channels").fill("16")
    assert (trait(page, "in_channels"), trait(page, "layers")[0]["channels"]) == (3, 16)
    for wrong in ("", "0", "2049", "1.5"):
        part(page, "channels").fill(wrong)
        assert trait(page, "layers")[0]["channels"] == 16
        assert text(page, "problem") == "A number of channels is whole, from 1 to 2048."
    part(page, "channels").fill("2048")
    assert text(page, "problem") == ""
    assert agree(page)


def test_a_name_is_typed_where_the_caret_is(page):
    part(page, "name").focus()
    page.keyboard.press("Home")
    page.keyboard.type("my ")
    assert trait(page, "layers")[0]["name"] == "my conv1"
    assert numbers(page)[0][0] == "my conv1"
    assert part(page, "labels").locator("b").all_inner_texts() == ["conv2", "pool1", "my conv1", "input"]
    assert part(page, "editing").locator("option").first.inner_text() == "1 my conv1"
    part(page, "name").fill("")
    assert numbers(page)[0][0] == "layer 1"


def test_layers_are_added_removed_and_moved(page):
    def names():
        return [name for name, *_ in numbers(page)]

    part(page, "add").click()
    assert names() == ["conv1", "layer 2", "pool1", "conv2"]
    assert (trait(page, "editing"), trait(page, "layers")[1]["channels"]) == (1, 8)
    part(page, "name").fill("new")
    part(page, "later").click()
    assert (names(), trait(page, "editing")) == (["conv1", "pool1", "new", "conv2"], 2)
    part(page, "earlier").click()
    part(page, "earlier").click()
    assert (names(), trait(page, "editing")) == (["new", "conv1", "pool1", "conv2"], 0)
    assert part(page, "earlier").is_disabled()
    part(page, "remove").click()
    assert names() == ["conv1", "pool1", "conv2"]
    part(page, "editing").select_option("3 conv2")
    assert part(page, "later").is_disabled()
    part(page, "remove").click()
    assert (names(), trait(page, "editing")) == (["conv1", "pool1"], 1)
    part(page, "remove").click()
    assert (names(), part(page, "remove").is_disabled()) == (["conv1"], True)
    assert agree(page)


def test_a_stack_has_an_end(page):
    put(page, layers=[{"kernel_size": 1}] * (MOST_LAYERS - 1))
    part(page, "add").click()
    assert len(trait(page, "layers")) == MOST_LAYERS
    assert part(page, "add").is_disabled()
    assert in_python(page).layers == trait(page, "layers")


def test_another_layer_is_edited_by_menu_or_by_its_row(page):
    part(page, "editing").select_option("2 pool1")
    assert (trait(page, "editing"), part(page, "name").input_value()) == (1, "pool1")
    assert slider(page, "stride").input_value() == "2"
    part(page, "rows").locator("tr", has_text="conv2").click()
    assert (trait(page, "editing"), part(page, "name").input_value()) == (2, "conv2")
    assert part(page, "rows").locator("[aria-current=true] th span").inner_text() == "conv2"
    part(page, "rows").locator("tr").first.click()
    assert trait(page, "editing") == 2, "the input is no layer"
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    assert [layer.get("stride", 1) for layer in trait(page, "layers")] == [1, 2, 2]


@pytest.mark.parametrize("name", NETWORKS)
def test_an_example_sets_everything(page, name):
    put(page, editing=2, selected=[1, 0])
    part(page, "example").select_option(name)
    assert in_python(page).static_state() == ReceptiveFieldExplorer(**NETWORKS[name]).static_state()
    assert (trait(page, "editing"), trait(page, "selected")) == (0, None)
    assert agree(page)
    assert part(page, "example").input_value() == name
    slider(page, "dilation").focus()
    page.keyboard.press("ArrowRight")
    assert part(page, "example").input_value() == ""
    page.keyboard.press("ArrowLeft")
    assert part(page, "example").input_value() != ""


def test_the_steps_are_those_of_the_edited_layer(page):
    part(page, "editing").select_option("3 conv2")
    put(page, layers=[*START["layers"][:2], {"kernel_size": 3, "dilation": 2, "padding": [0, 1]}])
    assert text(page, "steps") == "layer 3: jump 2 · 1 = 2, field 4 + (3 − 1) · 2 · 2 = 12."


# Units


def test_arrow_keys_go_from_unit_to_unit_and_from_map_to_map(page):
    part(page, "units").focus()
    assert part(page, "units").get_attribute("aria-valuetext") == "unit 4 of conv2"
    for key, place in [
        ("ArrowRight", [2, 5]),
        ("End", [2, 7]),
        ("ArrowRight", [2, 7]),
        ("ArrowUp", [2, 7]),
        ("ArrowDown", [1, 8]),
        ("ArrowDown", [0, 17]),
        ("ArrowDown", [0, 17]),
        ("ArrowLeft", [0, 16]),
        ("Home", [0, 0]),
        ("ArrowUp", [1, 0]),
        ("ArrowUp", [2, 0]),
    ]:
        page.keyboard.press(key)
        assert trait(page, "selected") == place, key
    assert part(page, "units").get_attribute("aria-valuetext") == "unit 0 of conv2"
    assert part(page, "units").get_attribute("aria-valuemax") == "7"


def test_arrow_keys_on_the_units_do_not_scroll_the_page(open_page):
    page = open_page(viewport={"width": 1000, "height": 400})
    part(page, "units").focus()
    before = page.evaluate("scrollY")
    for key in ("ArrowDown", "ArrowDown", "End"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == before


def point(page, layer, unit):
    """Where a unit stands on the screen."""
    return explorer(page).evaluate(
        """(place, [layer, unit]) => {
            const svg = place.querySelector("[part=units]");
            const { rows } = place.querySelector("[part=rows]");
            const [, jump, field, start] = [...rows[layer + 1].cells].slice(1)
                .map((cell) => Number(cell.textContent.replace("−", "-")));
            const { bottom, height } = svg.getBoundingClientRect();
            const x = start + (field - 1) / 2 + unit * jump;
            const at = new DOMPoint(x, 0).matrixTransform(svg.getScreenCTM());
            return { x: at.x, y: bottom - height / rows.length * (layer + 1.5) };
        }""",
        [layer, unit],
    )


def test_a_click_selects_a_unit(page):
    for layer, unit in [(2, 0), (1, 9), (0, 3)]:
        page.mouse.click(**point(page, layer, unit))
        assert trait(page, "selected") == [layer, unit]
    page.mouse.click(**point(page, -1, 12))
    assert trait(page, "selected") == [0, 12], "the input has no field, the map above it has"


def test_a_drag_stays_on_its_map(page):
    start, end = point(page, 1, 2), point(page, 0, 13)
    page.mouse.move(**start)
    page.mouse.down()
    page.mouse.move(**end, steps=5)
    assert trait(page, "selected") == [1, 6]
    page.mouse.up()
    page.mouse.move(**point(page, 2, 0))
    assert trait(page, "selected") == [1, 6]


def along(start, end):
    """Six places from one to another."""
    return [{axis: start[axis] + (end[axis] - start[axis]) * step / 5 for axis in "xy"} for step in range(6)]


def test_a_finger_moves_along_a_map_and_scrolls_across_it(open_page):
    page = open_page(has_touch=True, viewport={"width": 390, "height": 1100})
    swipe(page, along(point(page, 1, 2), point(page, 1, 7)))
    assert trait(page, "selected") == [1, 7]
    assert page.evaluate("scrollY") == 0
    page.touchscreen.tap(**point(page, 2, 1))
    assert trait(page, "selected") == [2, 1]
    swipe(page, along(point(page, -1, 2), point(page, 2, 2)))
    assert trait(page, "selected") == [2, 1]
    assert page.evaluate("scrollY") > 0


def shape(page, look, place=0):
    """The left edges of what is drawn in a look, in pixels of the image."""
    paths = explorer(page, place).locator(f"svg path.{look}")
    found = paths.first.get_attribute("d") if paths.count() else ""
    lefts: list[float] = []
    for way, left in re.findall(r"(M|zm)(\S+) ", found):
        lefts.append(float(left) + (lefts[-1] if way == "zm" else 0))
    return lefts


def hatched(page, size):
    """The pixels of the drawn image that are hatched, in order."""
    return (
        part(page, "image")
        .locator(".unread")
        .evaluate(
            """(node, size) => {
            const points = getComputedStyle(node).clipPath.match(/\\((.*)\\)/)[1].split(",");
            const path = new Path2D(`M${points.map((point) => point.replaceAll("%", "")).join("L")}z`);
            const canvas = document.createElement("canvas").getContext("2d");
            const isIn = (row, column) =>
                canvas.isPointInPath(path, (100 * (column + 0.5)) / size, (100 * (row + 0.5)) / size);
            const all = [...Array(size ** 2).keys()].map((pixel) => [Math.floor(pixel / size), pixel % size]);
            return all.filter(([row, column]) => isIn(row, column));
        }""",
            size,
        )
    )


def pixels_among(places, size):
    """The pixels whose row or column is among some, in order."""
    return [[row, column] for row in range(size) for column in range(size) if {row, column} & set(places)]


def test_the_field_is_drawn_and_said(page):
    put(page, selected=[2, 0])
    assert text(page, "words") == (
        "Unit 0 of conv2 sees pixels −1 to 6 along each axis, a field of 8, of which 7 lie in the image. "
        "conv2 reads the whole image."
    )
    assert part(page, "words").get_attribute("aria-live") == "polite"
    assert shape(page, "chosen") == [2], "its middle is pixel 2.5"
    assert shape(page, "padding") == [-1.5]
    assert shape(page, "field") == [
        *(pixel - 0.5 for pixel in range(7)),
        *(unit - 0.5 for unit in range(6)),
        0,
        2,
        4,
    ]
    legend = explorer(page).locator(".legend").inner_text().split("\n")
    assert legend[1:] == ["what it depends on", "padding"]
    field = part(page, "image").locator(".field")
    assert field.evaluate("node => [node.style.left, node.style.width]") == ["0%", "35%"]
    assert hatched(page, 20) == []


def test_what_nobody_reads_is_hatched_and_said(page):
    put(page, **NETWORKS["MNIST: stride 2, valid"])
    assert text(page, "words").endswith("pool2 never reads 343 of 784 pixels: rows and columns 21 to 27.")
    assert shape(page, "unread") == [pixel - 0.5 for pixel in range(21, 28)]
    assert hatched(page, 28) == pixels_among(range(21, 28), 28)
    assert "pixel never read" in explorer(page).locator(".legend").inner_text()


def test_holes_in_a_field_are_left_out(page):
    put(page, input_size=15, layers=[{"kernel_size": 3, "stride": 4}, {"kernel_size": 3}], selected=[1, 0])
    assert [left + 0.5 for left in shape(page, "field")][:9] == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert text(page, "words") == (
        "Unit 0 of layer 2 sees pixels 0 to 10 along each axis, a field of 11. It reads 9 of these; no path "
        "leads from the others. layer 2 never reads 81 of 225 pixels: rows and columns 3, 7, 11."
    )
    assert hatched(page, 15) == pixels_among([3, 7, 11], 15)


def test_a_text_that_changes_keeps_its_node(page):
    """The browser lays a changed node out faster than a new one, and a deep stack changes hundreds."""
    cell = part(page, "rows").locator("td").first
    cell.evaluate("node => (window.kept = node.firstChild)")
    before = cell.inner_text()
    put(page, input_size=30)
    assert cell.inner_text() != before
    assert cell.evaluate("node => node.firstChild === window.kept")


def test_a_unit_that_sees_nothing_but_padding_is_drawn(page):
    put(page, input_size=5, layers=[{"kernel_size": 2, "padding": 9}, {"kernel_size": 1}], selected=[1, 0])
    assert "of which 0 lie in the image" in text(page, "words")
    assert part(page, "image").locator(".field").count() == 0
    assert len(shape(page, "cone")) == 2


# Settings that do not fit


def test_an_illegal_setting_says_why_and_keeps_the_drawing(page):
    put(
        page,
        input_size=6,
        layers=[{"kernel_size": 3, "name": "a"}, {"kernel_size": 4, "name": "b"}],
        editing=1,
    )
    before = part(page, "pyramid").inner_html()
    slider(page, "kernel_size").focus()
    page.keyboard.press("ArrowRight")
    assert text(page, "problem") == (
        "b, number 2 of 2: The kernel spans 5 pixels, but its map has 4, padding included. "
        "The drawing shows the last setting that fits."
    )
    assert part(page, "problem").get_attribute("role") == "alert"
    assert part(page, "pyramid").inner_html() == before
    assert (trait(page, "layers")[1]["kernel_size"], slider(page, "kernel_size").input_value()) == (4, "5")
    slider(page, "input_size").focus()
    page.keyboard.press("ArrowRight")
    assert (trait(page, "layers")[1]["kernel_size"], trait(page, "input_size")) == (5, 7), "together they fit"
    assert text(page, "problem") == ""
    part(page, "padding").select_option("pytorch")
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    assert text(page, "problem").startswith("b, number 2 of 2: PyTorch has no “same” padding with stride 2.")
    assert agree(page)


def test_another_layer_can_be_edited_while_one_does_not_fit(page):
    put(
        page,
        input_size=6,
        layers=[{"kernel_size": 3, "name": "a"}, {"kernel_size": 4, "name": "b"}],
        editing=1,
    )
    slider(page, "kernel_size").focus()
    page.keyboard.press("ArrowRight")
    part(page, "editing").select_option("1 a")
    assert text(page, "problem") != ""
    slider(page, "kernel_size").focus()
    page.keyboard.press("ArrowLeft")
    assert [layer["kernel_size"] for layer in trait(page, "layers")] == [2, 5]
    assert (text(page, "problem"), trait(page, "editing")) == ("", 0)


# Guests on one page


def test_two_explorers_mind_their_own_business(page):
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    assert numbers(page, 1)[-1] == ("pool5", 7, 32, 212, -90, 0, 0)
    part(page, "units", 1).focus()
    page.keyboard.press("Home")
    assert (trait(page, "selected", 0), trait(page, "selected", 1)) == (None, [17, 0])
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_a_view_that_is_gone_listens_no_more(page):
    assert listeners(page, "receptive_field_explorer") == [1, 0]


@pytest.mark.parametrize(
    ("key", "is_kept"), [("ArrowRight", True), ("a", True), ("Escape", False), ("Tab", False)]
)
def test_keys_stay_inside(page, key, is_kept):
    assert heard_outside(page, slider(page, "stride"), key) == (None if is_kept else key)


# Arithmetic


def arithmetic(page, settings):
    """What the module computes at each setting, or the message of what it throws."""
    return page.evaluate(
        """async (settings) => {
            const { dependencies } = await import("./arithmetic.mjs");
            const { check } = await import("./common.mjs");
            const { RULES, settle } = await import("./receptive_field_explorer.mjs");
            return settings.map((setting) => {
                try {
                    check({ ...setting, editing: 0, examples: {} }, RULES);
                    const { levels, unread } = settle(setting);
                    const [, ...layers] = levels;
                    const { size } = layers.at(-1);
                    const [places] = dependencies(levels, layers.length, [size >> 1]);
                    return {
                        rows: layers.map(({ size, jump, field, start, parameters, macs }) =>
                            [size, jump, field, start, parameters, macs]),
                        unread,
                        middle: places.filter((place) => place >= 0 && place < setting.input_size),
                    };
                } catch (error) {
                    return error.message;
                }
            });
        }""",
        settings,
    )


def test_the_browser_keeps_to_the_golden_table(open_page):
    found = arithmetic(open_page(origin="http"), [row["setting"] for row in GOLDEN])
    for row, ours in zip(GOLDEN, found, strict=True):
        assert ours == {name: row[name] for name in ours}, row["setting"]


def random_layer(chance):
    sides = [chance.randint(0, 15) for _ in range(2)]
    kinds = [{"channels": None}, {"channels": chance.randint(1, 64)}, {"depthwise": True}]
    return {
        "name": chance.choice(["", "conv"]),
        "kernel_size": chance.choice([chance.randint(1, 3), chance.randint(1, 16)]),
        "stride": chance.choice([1, chance.randint(1, 3), chance.randint(1, 16)]),
        "padding": chance.choice([0, chance.randint(0, 15), sides, "valid", "same", "full", "causal"]),
        "dilation": chance.choice([1, 1, chance.randint(1, 8)]),
        "convention": chance.choice(["tensorflow", "tensorflow", "onnx-lower", "pytorch"]),
        "bias": chance.choice([True, False]),
        **chance.choice(kinds),
    }


def growing_layer(chance):
    """One that makes its map larger, or a pooling that rounds up; most are legal."""
    stride, dilation = chance.randint(1, 4), chance.choice([1, 1, 2])
    grown = {
        "kind": "transposed",
        "kernel_size": chance.randint(1, 5),
        "stride": stride,
        "dilation": dilation,
        "padding": chance.choice([0, 1, [chance.randint(0, 2), chance.randint(0, 2)], "valid", "same"]),
        "convention": chance.choice(["tensorflow", "onnx-lower"]),
        "output_padding": chance.choice([0, 0, chance.randint(0, max(stride, dilation))]),
        "channels": chance.choice([None, chance.randint(1, 64)]),
    }
    rounded = {"kernel_size": chance.randint(1, 4), "stride": stride, "padding": 1, "ceil_mode": True}
    return chance.choice([grown, grown, rounded, {"kind": "resize", "kernel_size": chance.randint(1, 4)}])


def random_setting(chance):
    """Any stack at all, legal or not."""
    makes = chance.choice([[random_layer], [random_layer, growing_layer, growing_layer]])
    return {
        "dimensions": chance.randint(1, 2),
        "input_size": chance.randint(1, chance.choice([12, 256])),
        "in_channels": chance.randint(1, 4),
        "layers": [chance.choice(makes)(chance) for _ in range(chance.randint(1, 5))],
    }


def pixels_read(explorer):
    """The pixels that the middle unit of the last map depends on, followed down window by window."""
    sizes = [explorer.input_size, *(row.size for row in explorer.rows)]
    units = {sizes[-1] // 2}
    for size, layer in zip(reversed(sizes[:-1]), reversed(stack_layers(explorer.layers)), strict=True):
        starts, taps = window_starts(size, **layer.window), range(0, layer.reach, layer.dilation)
        if layer.grows:
            units = {place for place in range(size) if units & {starts[place] + tap for tap in taps}}
        else:
            units = {starts[unit] + tap for unit in units for tap in taps} & set(range(size))
    return sorted(units)


def test_the_browser_computes_what_python_does(open_page):
    chance = random.Random(5)
    settings = [random_setting(chance) for _ in range(800)]
    refused = grown = 0
    for setting, ours in zip(settings, arithmetic(open_page(origin="http"), settings), strict=True):
        try:
            python = ReceptiveFieldExplorer(**setting)
        except TraitError:
            assert isinstance(ours, str), setting
            refused += 1
            continue
        grown += any(layer["kind"] for layer in python.layers)
        rows = [[float(number) for number in row[1:]] for row in python.rows]
        expected = {"rows": rows, "unread": list(python.unread), "middle": pixels_read(python)}
        assert ours == expected, setting
    assert 200 < refused < 600, "the cases lean to one side"
    assert grown > 100, grown


def said(number):
    """A number as the table shows it."""
    return f"{number:,}".replace("-", "−") if isinstance(number, int) else str(number)


def test_hundreds_of_stacks_are_drawn(page):
    chance = random.Random(8)
    settings, last = [], []
    while len(settings) < 400:
        setting = random_setting(chance)
        try:
            row = ReceptiveFieldExplorer(**setting).rows[-1]
        except TraitError:
            continue
        layer = chance.randrange(len(setting["layers"]))
        settings.append(setting | {"selected": chance.choice([None, [layer, chance.randint(0, 9)]])})
        last.append([said(number) for number in row[1:]])
    drawn = explorer(page).evaluate(
        """(place, settings) => settings.map((setting) => {
            place.bookModel.set(setting);
            const row = place.querySelector("[part=rows]").lastChild;
            return [...row.cells].slice(1).map((cell) => cell.textContent);
        })""",
        settings,
    )
    assert drawn == last


# Access for everyone


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, theme):
    page = open_page(origin="http", color_scheme=theme)
    assert violations(page) == []
    put(page, **NETWORKS["MNIST: stride 2, valid"])
    slider(page, "kernel_size").focus()
    page.keyboard.press("End")
    assert text(page, "problem") != ""
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (390, 3), (640, 2)])
def test_nothing_sticks_out_of_a_small_window(open_page, width, scale):
    page = open_page(viewport={"width": width, "height": 800}, device_scale_factor=scale)
    long = {"kernel_size": 3, "padding": "full", "name": "a name without end" * 5}
    for settings in ({}, {"layers": [long] * 24}, {"layers": [{"kernel_size": 3, "padding": [3, 4]}]}):
        put(page, **settings)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, settings


def test_nothing_moves_by_itself(open_page):
    page = open_page(reduced_motion="no-preference")
    put(page, selected=[0, 0])
    durations = (
        explorer(page)
        .locator("*")
        .evaluate_all(
            """nodes => nodes.flatMap((node) =>
                [getComputedStyle(node).transitionDuration, node.getAnimations().length])"""
        )
    )
    assert set(durations) == {"0s", 0}


def test_a_reader_without_scripts_gets_the_table(open_page):
    page = open_page(java_script_enabled=False)
    assert "A stack of layers over an image of 20 by 20 pixels" in page.locator("main").inner_text()
    rows = page.locator("table").first.locator("tr").all_inner_texts()
    assert rows[1].split() == ["conv1", "20", "1", "3", "-1", "80", "28,800"]


def test_hostile_text_stays_text(open_page):
    page = open_page("hostile.html")
    assert numbers(page)[0][0] == HOSTILE
    assert HOSTILE in text(page, "words")
    assert part(page, "example").locator("option").nth(1).inner_text() == HOSTILE
    part(page, "name").fill(HOSTILE * 2)
    part(page, "kind").select_option("convolution")
    slider(page, "kernel_size").focus()
    page.keyboard.press("End")
    part(page, "padding").select_option("pytorch")
    slider(page, "stride").focus()
    page.keyboard.press("End")
    assert HOSTILE * 2 in text(page, "problem")
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.hacked") is None
