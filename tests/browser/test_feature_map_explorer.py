"""The feature map explorer in a page without a kernel: by every means, for everyone, and what it computes."""

import json
import random
import re

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
    text,
    trait,
    violations,
    write_assets,
    write_page,
)

from helpers.convolution import convolve2d
from helpers.widgets import FeatureMapExplorer

GOLDEN = json.loads((ROOT / "tests" / "golden" / "maps.json").read_text(encoding="utf-8"))
SLIDERS = {"stride": 1, "padding": 0}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site of explorers, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("feature-maps")
    write_assets(folder)
    learned = np.random.default_rng(4).normal(size=(32, 3, 3))
    several = FeatureMapExplorer(filters=learned, stride=2, padding="same", relu=True)
    write_page(folder, "index.html", FeatureMapExplorer(), several)
    write_page(folder, "hostile.html", FeatureMapExplorer(filters={HOSTILE: np.ones((3, 3))}))
    small = FeatureMapExplorer(np.eye(4), filters={"ones": np.ones((5, 5))}, padding=1)
    write_page(folder, "small.html", small)
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def choice(page, name, place=0):
    """The button of a filter."""
    return part(page, "strip", place).locator("label", has_text=name)


def window_place(page):
    """Where the window stands: the padded cell of its upper left corner."""
    matrix = explorer(page).locator("svg .window").evaluate("node => new DOMMatrix(node.style.transform)")
    return [round(matrix["f"] / 40), round(matrix["e"] / 40)]


def pixels(canvas):
    """What a canvas shows, (H, W, 3)."""
    width, height, data = canvas.evaluate(
        """(canvas) => {
            const { width, height } = canvas;
            return [width, height, [...canvas.getContext("2d").getImageData(0, 0, width, height).data]];
        }"""
    )
    return np.array(data).reshape(height, width, 4)[..., :3]


def map_pixels(page):
    """What the large map shows."""
    return pixels(part(page, "map"))


# Controls, by every means


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_follow_the_keyboard(either, name):
    slider(either, name).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        either.keyboard.press(key)
    assert trait(either, name) == 1 + SLIDERS[name]
    rows, columns = FeatureMapExplorer(**{name: 1 + SLIDERS[name]}).output.shape
    assert text(either, "mapSize") == f"Map {rows} × {columns}"


@pytest.mark.parametrize("name", SLIDERS)
def test_sliders_follow_the_mouse(either, name):
    box = slider(either, name).bounding_box()
    either.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] / 2)
    either.mouse.down()
    either.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2, steps=3)
    either.mouse.up()
    assert trait(either, name) != SLIDERS[name]
    assert part(either, name).locator("output").inner_text() == str(trait(either, name))


@pytest.mark.parametrize("origin", ["http", "file"])
def test_everything_follows_a_finger(open_page, origin):
    page = open_page(origin=origin, has_touch=True, viewport={"width": 390, "height": 844})
    for name, value in SLIDERS.items():
        slider(page, name).scroll_into_view_if_needed()
        box = slider(page, name).bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
        assert trait(page, name) != value, name
    choice(page, "blur").tap()
    assert trait(page, "filter") == "blur"
    part(page, "relu").tap()
    assert trait(page, "relu") is True


def test_the_controls_offer_what_python_takes(page):
    for name in SLIDERS:
        limits = [int(slider(page, name).get_attribute(end)) for end in ("min", "max")]
        ours = FeatureMapExplorer.class_traits()[name]
        assert limits == [ours.low, ours.high], name


def test_padding_is_chosen_by_its_name(page):
    sizes = {}
    for kind in ("same", "valid", "number"):
        part(page, "kind").select_option(kind)
        sizes[kind] = (text(page, "mapSize"), trait(page, "padding"), part(page, "padding").is_visible())
    assert sizes == {
        "same": ("Map 28 × 28", "same", False),
        "valid": ("Map 26 × 26", "valid", False),
        "number": ("Map 26 × 26", 0, True),
    }
    part(page, "kind").select_option("same")
    part(page, "kind").select_option("number")
    assert trait(page, "padding") == 1, "as many cells as there were"


def test_a_filter_is_chosen_by_its_map(page):
    choice(page, "sharpen").click()
    assert trait(page, "filter") == text(page, "filterName") == "sharpen"
    weights = part(page, "weights").locator("span").all_inner_texts()
    assert weights == ["0", "−1", "0", "−1", "+5", "−1", "0", "−1", "0"]
    page.keyboard.press("ArrowRight")
    assert trait(page, "filter") == "identity"
    put(page, filter="blur")
    assert choice(page, "blur").locator("input").is_checked()
    for setting in ({}, {"padding": 3}, {"stride": 2}):
        put(page, **setting)
        large, small = map_pixels(page), pixels(choice(page, "blur").locator("canvas"))
        rows, columns = (np.arange(64) * count // 64 for count in large.shape[:2])
        np.testing.assert_array_equal(small, large[np.ix_(rows, columns)], "stretched over 64 by 64 pixels")


# The window and what is said


def test_arrow_keys_move_the_window(page):
    put(page, stride=9 - 1, padding=1)  # stops at -1, 7, 15 and 23
    part(page, "input").focus()
    moves = [("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("End", [3, 3]), ("ArrowRight", [3, 3])]
    moves += [("ArrowUp", [2, 3]), ("ArrowLeft", [2, 2]), ("Home", [0, 0]), ("ArrowUp", [0, 0])]
    for key, place in moves:
        page.keyboard.press(key)
        assert trait(page, "selected") == place
        assert window_place(page) == [8 * stop for stop in place]
    page.keyboard.press("ArrowDown")
    assert part(page, "input").get_attribute("aria-valuetext") == "map row 1, column 0"
    assert part(page, "input").get_attribute("aria-valuemax") == "15"


def test_the_window_is_dragged(page):
    box = part(page, "input").bounding_box()
    cell = box["width"] / 28
    page.mouse.move(box["x"] + 1.2 * cell, box["y"] + 2.1 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 5.2 * cell, box["y"] + 4.1 * cell, steps=4)
    page.mouse.up()
    assert trait(page, "selected") == window_place(page) == [2, 4]


def test_a_click_moves_the_window(page):
    put(page, stride=2)
    box = part(page, "output").bounding_box()
    cell = box["width"] / 13
    page.mouse.click(box["x"] + 7.5 * cell, box["y"] + 4.5 * cell)
    assert trait(page, "selected") == [4, 7]
    box = part(page, "input").bounding_box()
    page.mouse.click(box["x"] + 3.5 * cell, box["y"] + 21.5 * cell)
    assert trait(page, "selected") == [10, 1]


def test_the_reading_says_where_a_value_comes_from(page):
    filters = [{"name": "sum", "weights": [[1, 1], [1, 1]], "bias": -7}]
    put(page, image=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], filters=filters, filter="sum", stride=2, padding=1)
    assert text(page, "reading") == (
        "Map row 0, column 0: "
        "the weighted sum of image rows −1 to 0, columns −1 to 0, padding included, plus the bias is −6."
    )
    put(page, relu=True)
    assert text(page, "reading").endswith("is −6, which ReLU makes 0.")
    put(page, selected=[1, 1])
    assert text(page, "reading") == (
        "Map row 1, column 1: the weighted sum of image rows 1 to 2, columns 1 to 2 plus the bias is 21."
    )
    assert text(page, "bias") == "bias −7"


def test_what_changed_is_said_politely(page):
    words = part(page, "words")
    assert words.get_attribute("aria-live") == "polite"
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    output = FeatureMapExplorer(stride=2).output
    low, high = (str(int(edge)).replace("-", "minus ") for edge in (output.min(), output.max()))
    assert words.text_content() == (
        f"vertical edges: a map of 13 by 13 values, from {low} to {high}. "
        "55 of 784 pixels are never read: row 27; column 27."
    )
    assert low.startswith("minus")
    row, column = np.argwhere(output == output.min())[0].tolist()
    put(page, selected=[row, column])
    assert words.text_content() == (
        f"Map row {row}, column {column}: the weighted sum of image "
        f"rows {2 * row} to {2 * row + 2}, columns {2 * column} to {2 * column + 2} is {low}."
    )


def test_the_summary_is_what_torch_computes(page):
    ours = FeatureMapExplorer()
    for changes in ({"stride": 3}, {"padding": "same"}, {"filter": "blur"}, {"stride": 8, "relu": True}):
        put(page, **changes)
        for name, value in changes.items():
            setattr(ours, name, value)
        numbers = [
            float(each.replace("−", "-")) for each in re.findall(r"[−\d.]+(?= to|\. )", text(page, "summary"))
        ]
        assert numbers[:2] == [
            pytest.approx(edge, abs=0.005) for edge in (ours.output.min(), ours.output.max())
        ]


def test_the_formula_holds_the_live_numbers(page):
    put(page, stride=2, padding="same")
    numbers = re.sub(r"\s+", " ", text(page, "formula"))
    assert numbers.endswith("rows, columns = ⌊ 28 + 0 + 1 − 3 2 ⌋ + 1 = ⌊ 26 2 ⌋ + 1 = 13 + 1 = 14")
    put(page, image=[[0] * 9] * 5)
    assert re.sub(r"\s+", " ", text(page, "formula")).endswith(
        "columns = ⌊ 9 + 1 + 1 − 3 2 ⌋ + 1 = ⌊ 8 2 ⌋ + 1 = 4 + 1 = 5"
    )


# What is drawn


def test_the_map_has_the_signs_and_sizes_of_its_values(page):
    """Blue where torch's map is positive, brown where it is negative, the paler the nearer to zero."""
    map_ = FeatureMapExplorer().output
    drawn = map_pixels(page).astype(float)
    assert drawn.shape == (26, 26, 3)
    blueness = drawn[..., 2] - drawn[..., 0]
    assert (blueness[map_ > 0.5] > 0).all()
    assert (blueness[map_ < -0.5] < 0).all()
    assert (drawn[map_ == 0] == 255).all()
    darkness = 255 - drawn.min(axis=-1)
    for sign in (map_ > 0, map_ < 0):
        order = np.argsort(np.abs(map_[sign]), kind="stable")
        assert (np.diff(darkness[sign][order]) >= 0).all()


def test_the_image_is_drawn_dark_where_it_is_high(page):
    image = np.array(FeatureMapExplorer().image)
    drawn = pixels(part(page, "image"))[..., 0]
    assert (drawn[image == 0] == 255).all()
    assert (drawn[image == 9] == 38).all()


def test_a_value_has_one_color_at_every_stride_and_padding(page):
    plain = map_pixels(page)
    put(page, stride=2)
    np.testing.assert_array_equal(map_pixels(page), plain[::2, ::2])
    put(page, stride=1, padding=2)
    np.testing.assert_array_equal(map_pixels(page)[2:-2, 2:-2], plain)
    put(page, padding=0, relu=True)
    positive = FeatureMapExplorer().output >= 0
    np.testing.assert_array_equal(map_pixels(page)[positive], plain[positive])
    assert (map_pixels(page)[~positive] == 255).all()


def test_the_scale_holds_whatever_a_setting_can_reach(page):
    ours = FeatureMapExplorer()
    for each in ours.filters:
        put(page, filter=each["name"])
        furthest = np.abs(convolve2d(ours.image, each["weights"], padding="full")).max()
        drawn = part(page, "scale").locator("span").last.inner_text()
        assert float(drawn) == pytest.approx(furthest, rel=0.006), each["name"]


def test_negative_values_are_not_told_by_color_alone(page):
    signs = explorer(page).locator("path.negative")
    scale = 27  # nine times the three weights of one column
    expected = int((FeatureMapExplorer().output < -0.05 * scale).sum())
    assert signs.get_attribute("d").count("M") == expected
    assert explorer(page).locator(".legend .negative").is_visible()
    part(page, "relu").check()
    assert not signs.get_attribute("d")
    assert not explorer(page).locator(".legend .negative").is_visible()


def test_what_no_window_reads_is_marked_and_said(page):
    marks = explorer(page).locator("svg g path")
    legend = explorer(page).locator(".legend")
    put(page, stride=2)
    assert marks.nth(0).get_attribute("class") == "unread"
    assert marks.nth(0).get_attribute("d").count("l20-20m20") == 55
    assert "55 of 784 pixels are never read: row 27; column 27." in text(page, "summary")
    assert legend.inner_text().split("\n")[1:] == ["negative value", "pixel never read"]
    put(page, padding=1)
    assert "All 784 pixels are read." in text(page, "summary")
    assert legend.inner_text().split("\n")[1:] == ["negative value", "padding", "padding never read"]


def test_an_illegal_setting_says_why_and_keeps_the_drawing(open_page):
    page = open_page("small.html")
    before = part(page, "panels").inner_html()
    slider(page, "padding").focus()
    page.keyboard.press("ArrowLeft")
    assert text(page, "problem") == (
        "The filter spans 5 pixels, but the image has 4, padding included. "
        "The drawing shows the last setting that fits."
    )
    assert (trait(page, "padding"), slider(page, "padding").input_value()) == (1, "0")
    assert part(page, "panels").inner_html() == before
    part(page, "kind").select_option("same")
    assert (text(page, "problem"), trait(page, "padding"), text(page, "mapSize")) == ("", "same", "Map 4 × 4")


def test_two_explorers_mind_their_own_business(page):
    slider(page, "stride").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    choice(page, "blur").click()
    assert (trait(page, "stride", 0), trait(page, "stride", 1)) == (3, 2)
    assert (trait(page, "filter", 0), trait(page, "filter", 1)) == ("blur", "filter 0")
    assert text(page, "mapSize", 1) == "Map 14 × 14"
    for place in (0, 1):
        assert part(page, "strip", place).locator("input:checked").count() == 1
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids)) == 4


def test_a_view_that_is_gone_listens_no_more(page):
    assert listeners(page, "feature_map_explorer") == [1, 0]


@pytest.mark.parametrize(("key", "is_kept"), [("ArrowRight", True), ("Escape", False), ("Tab", False)])
def test_keys_stay_inside(page, key, is_kept):
    assert heard_outside(page, part(page, "input"), key) == (None if is_kept else key)


def test_a_page_without_kernel_offers_no_layer(page):
    assert not part(page, "live").is_visible()


def put_live(page, live, numbers):
    """What comes from the kernel: the words, and the maps as the view of a buffer that begins elsewhere."""
    explorer(page).evaluate(
        """(place, [live, numbers]) => {
            const buffer = new Float32Array([9, ...numbers]).buffer;
            place.bookModel.set({ layer: live.layer, _live: live, _live_maps: new DataView(buffer, 4) });
        }""",
        [live, numbers],
    )


LIVE = {"layers": ["conv1", "pool1"], "layer": "pool1", "stride": 2, "padding": "same", "shape": [2, 2, 2]}


def test_what_torch_computed_is_shown_where_it_runs(page):
    put_live(page, LIVE, [1, 0, 0, -1, 2, 2, 2, 2])
    assert part(page, "live").is_visible()
    assert text(page, "liveWords") == "PyTorch at stride 2, padding same: 2 maps of 2 × 2."
    assert part(page, "layer").input_value() == "pool1"
    assert part(page, "layer").locator("option").all_inner_texts() == ["conv1", "pool1"]
    blue, white, brown = [0, 114, 178], [255, 255, 255], [153, 90, 15]
    drawn = [pixels(canvas).tolist() for canvas in part(page, "liveStrip").locator("canvas").all()]
    assert drawn == [[[blue, white], [white, brown]], [[blue, blue], [blue, blue]]]
    part(page, "layer").select_option("conv1")
    assert trait(page, "layer") == "conv1"
    put_live(page, LIVE | {"shape": [0, 0, 0], "problem": HOSTILE}, [])
    assert text(page, "liveWords") == HOSTILE
    assert part(page, "liveStrip").locator("canvas").count() == 0


# Arithmetic


def arithmetic(page, settings):
    """What the module computes at each setting, or the message of what it throws."""
    return page.evaluate(
        """async (settings) => {
            const { settle } = await import("./feature_map_explorer.mjs");
            return settings.map((setting) => {
                try {
                    const { rows, columns, maps } = settle(setting);
                    const read = ({ size, before, isRead }) =>
                        [...Array(size).keys()].filter((index) => isRead(index + before)).length;
                    return {
                        pads: [rows, columns].map(({ before, after }) => [before, after]),
                        shape: [rows.count, columns.count],
                        unread: rows.size * columns.size - read(rows) * read(columns),
                        maps: maps.map((map) => [...map]),
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
        assert (ours["pads"], ours["unread"]) == (row["pads"], row["unread"]), row["setting"]
        maps = np.reshape(ours["maps"], (-1, *ours["shape"]))
        np.testing.assert_allclose(maps, row["maps"], atol=1e-9, err_msg=str(row["setting"]))


def random_setting(chance):
    """Any setting at all, legal or not."""

    def numbers(rows, columns):
        return [[chance.randint(-9, 9) for _ in range(columns)] for _ in range(rows)]

    sizes, taps = ([chance.randint(low, high) for _ in range(2)] for low, high in ((3, 9), (1, 7)))
    return {
        "image": numbers(*sizes),
        "filters": [{"name": "a", "weights": numbers(*taps), "bias": chance.randint(-9, 9)}],
        "stride": chance.randint(1, 8),
        "padding": chance.choice([0, 0, chance.randint(0, 6), "valid", "same"]),
        "relu": chance.choice([True, False]),
    }


def test_the_browser_computes_what_python_does(open_page):
    chance = random.Random(7)
    settings = [random_setting(chance) for _ in range(600)]
    refused = 0
    for setting, ours in zip(settings, arithmetic(open_page(origin="http"), settings), strict=True):
        [filter_] = setting["filters"]
        window = {"stride": setting["stride"], "padding": setting["padding"]}
        try:
            expected = convolve2d(setting["image"], filter_["weights"], **window) + filter_["bias"]
        except ValueError:
            assert isinstance(ours, str), setting
            refused += 1
            continue
        assert not isinstance(ours, str), (setting, ours)
        expected = np.maximum(expected, 0) if setting["relu"] else expected
        np.testing.assert_array_equal(
            np.reshape(ours["maps"][0], ours["shape"]), expected, err_msg=str(setting)
        )
    assert 100 < refused < 300, "the cases lean to one side"


def test_every_setting_of_the_controls_is_drawn(page):
    paddings = [*range(7), "valid", "same"]
    settings = [{"stride": stride, "padding": padding} for stride in range(1, 9) for padding in paddings]
    said = explorer(page).evaluate(
        """(place, settings) => settings.map((setting) => {
            place.bookModel.set(setting);
            return place.querySelector("[part=mapSize]").textContent;
        })""",
        settings,
    )
    image, kernel = np.zeros((28, 28)), np.zeros((3, 3))
    assert said == ["Map {} × {}".format(*convolve2d(image, kernel, **setting).shape) for setting in settings]


# Access for everyone


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, theme):
    page = open_page(origin="http", color_scheme=theme)
    assert violations(page) == []
    page = open_page("small.html", origin="http", color_scheme=theme)
    slider(page, "padding").focus()
    page.keyboard.press("ArrowLeft")
    assert text(page, "problem") != ""
    put_live(page, LIVE, [1, 0, 0, -1, 2, 2, 2, 2])
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (390, 3), (640, 2)])
def test_nothing_sticks_out_of_a_small_window(open_page, width, scale):
    page = open_page(viewport={"width": width, "height": 800}, device_scale_factor=scale)
    wide = [{"name": "a" * 30, "weights": [[-0.123] * 7] * 7, "bias": 0}]
    for changes in ({}, {"padding": 6}, {"filters": wide, "filter": "a" * 30}):
        put(page, **changes)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, changes


@pytest.mark.parametrize(("motion", "duration"), [("reduce", "0s"), ("no-preference", "0.15s")])
def test_the_window_glides_unless_motion_is_reduced(open_page, motion, duration):
    page = open_page(reduced_motion=motion)
    put(page, selected=[1, 1])
    window = explorer(page).locator("svg .window")
    assert window.evaluate("node => getComputedStyle(node).transitionDuration") == duration
    put(page, stride=2)
    assert window.evaluate("node => getComputedStyle(node).transitionDuration") == "0s"


def test_a_reader_without_scripts_gets_sentences(open_page):
    page = open_page(java_script_enabled=False)
    assert "Each makes a map of 26 by 26" in page.locator("main").inner_text()


def test_hostile_text_stays_text(open_page):
    page = open_page("hostile.html")
    assert text(page, "filterName") == HOSTILE
    assert part(page, "strip").locator("label").inner_text() == HOSTILE
    assert part(page, "words").text_content().startswith(HOSTILE)
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.hacked") is None
