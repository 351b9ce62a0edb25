"""The training explorer in a page without a kernel: it trains there, and says what it does."""

import re

import pytest
from explorer_page import (
    HOSTILE,
    explorer,
    heard_outside,
    listeners,
    part,
    put,
    serve,
    text,
    trait,
    violations_in_both_themes,
    write_assets,
    write_page,
)

from helpers.widgets import TrainingExplorer
from helpers.widgets.page_networks import TRAINING_PRESETS

# Seconds to train even where the processors are shared: few filters that take large steps.
QUICK = {
    "networks": [
        {"name": "far", "strides": (3, 1), "padding": 1},
        {"name": "near", "strides": (3, 1), "padding": "same"},
    ],
    "channels": (4, 4),
    "epochs": 1,
}
ODD = [
    {"name": "a", "strides": (3, 1), "padding": 2, "kernel_size": 5, "pool": False},
    {"name": "b", "strides": (1, 2), "padding": "same", "convention": "onnx-lower", "border": 3},
    {"name": "c", "padding": "same", "convention": "pytorch", "kernel_size": 4},
    {"name": "d", "strides": (2, 2), "border": 9},
]

FRAMED = [  # with unread pixels inside the border
    {"name": "a", "strides": (4, 2), "border": 2, "kernel_size": 2, "pool": False},
    {"name": "b", "strides": (3, 2), "border": 3, "kernel_size": 2, "padding": 2},
]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site of explorers, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("training")
    write_assets(folder)
    known = {"network": TrainingExplorer().networks[3], "images": "digits", "change": "none"}
    recorded = [known | {"low": 0.7, "high": 0.9, "runs": 100}]
    write_page(folder, "index.html", TrainingExplorer(recorded=recorded))
    write_page(folder, "quick.html", TrainingExplorer(**QUICK))
    write_page(folder, "hostile.html", TrainingExplorer(networks=[{"name": HOSTILE}]))
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\"><title>"
    strict = (folder / "quick.html").read_text(encoding="utf-8")
    strict = re.sub("<script>.*?</script>", "", strict)  # the test page's own, for its theme
    (folder / "policy.html").write_text(strict.replace("<title>", policy, 1), encoding="utf-8")
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def rows(page):
    """The cells of the table of networks."""
    return [
        [cell.strip() for cell in row.split("\t")] for row in text(page, "rows").split("\n") if "\t" in row
    ]


def trained(page):
    """Press Train and wait until the run has stopped by itself; its accuracies, as the table says them."""
    part(page, "train").click()
    page.wait_for_function("document.querySelector('[part=train]').textContent === 'Go on'", timeout=60_000)
    page.wait_for_timeout(100)
    return [row[1] for row in rows(page)]


def reported(page):
    """The last weights that the page reported."""
    page.wait_for_function("document.querySelector('.book-widget').bookModel.get('_weights')")
    return explorer(page).evaluate("(place) => [...new Uint8Array(place.bookModel.get('_weights').buffer)]")


def test_sizes_and_cost_stand_there_before_training_and_are_those_of_python(page):
    for networks, channels in ((trait(page, "networks"), [8, 16]), (ODD, [3, 5]), (FRAMED, [3, 5])):
        whole = TrainingExplorer(networks=networks, channels=tuple(channels))
        put(page, networks=whole.static_state()["networks"], channels=channels)
        assert [row[3:] for row in rows(page)] == [
            [
                " → ".join(map(str, plan.sizes)),
                f"{plan.parameters:,}",
                f"{plan.macs:,}",
                f"{plan.unread} of 784",
            ]
            for plan in whole.plans
        ]


@pytest.mark.parametrize("origin", ["http", "file"])
def test_a_run_trains_and_ends_and_is_said(open_page, origin):
    page = open_page("quick.html", origin=origin)
    assert "BOOK_IMAGES" not in page.evaluate("Object.keys(window).join()"), "nothing before it is asked for"
    accuracies = trained(page)
    assert all(20 < float(each.rstrip("%")) <= 100 for each in accuracies), "better than chance"
    assert text(page, "status") == "2,000 of 2,000 images"
    assert part(page, "words").text_content() == (
        f"Done. Test accuracy: far {accuracies[0]}; near {accuracies[1]}."
    )
    points = explorer(page).evaluate("(place) => place.bookModel.get('_history')")
    assert [(each["network"], each["seen"]) for each in points] == [
        (name, seen) for name in ("far", "near") for seen in (0, 1024, 2000)
    ]
    label = part(page, "byImages").locator("svg").get_attribute("aria-label")
    assert label.startswith(f"Test accuracy against images. far: {accuracies[0]} after 2,000 images; near: ")
    assert re.match(r"1 far answers \d, with \d+\.\d%", text(page, "views"))
    assert "yours: " + accuracies[0] in text(page, "intervals")


def test_one_seed_gives_one_run_also_where_workers_are_barred(open_page):
    page = open_page("quick.html", origin="http")
    first = trained(page), reported(page)
    assert "One seed gives one run, to the last digit of every weight" in text(page, "origin")
    part(page, "reset").click()
    assert (text(page, "status"), rows(page)[0][1]) == ("", "")
    part(page, "seed").fill("2")
    part(page, "seed").blur()
    other = trained(page), reported(page)
    assert other[1] != first[1]
    strict = open_page("quick.html", origin="http")
    strict.evaluate("() => { window.Worker = class { constructor() { throw new Error('barred'); } }; }")
    assert (trained(strict), reported(strict)) == first


def test_it_trains_under_a_policy_that_bars_workers(chromium, site):
    page = chromium.new_page()  # the browser reports the worker that it refused
    page.goto(site["http"] + "policy.html")
    part(page, "train").click()
    part(page, "train").and_(page.get_by_text("Go on")).wait_for(timeout=60_000)
    assert all(row[1] for row in rows(page))
    page.close()


def test_pausing_stepping_and_going_on_make_the_same_run(open_page):
    page = open_page("quick.html", origin="http")
    whole = trained(page), reported(page)
    part(page, "reset").click()
    part(page, "step").click()
    page.wait_for_function("document.querySelector('[part=status]').textContent.startsWith('32 of')")
    part(page, "train").click()
    part(page, "train").click()
    assert text(page, "train") == "Go on"
    assert part(page, "words").text_content().startswith("Paused at ")
    assert (trained(page), reported(page)) == whole


def test_another_setting_begins_anew_and_says_so(open_page):
    page = open_page("quick.html")
    trained(page)
    put(page, seed=4)
    assert rows(page)[0][1] == ""
    assert part(page, "words").text_content() == "The setting has changed, so the networks begin anew."
    assert "yours: " in text(page, "intervals"), "finished runs are kept"


def test_once_more_takes_the_next_seed_and_keeps_the_runs(open_page):
    page = open_page("quick.html")
    trained(page)
    part(page, "again").click()
    page.wait_for_function("document.querySelector('[part=train]').textContent === 'Go on'", timeout=60_000)
    assert trait(page, "seed") == 2
    assert explorer(page).locator(".interval circle").count() == 4


def test_the_recorded_interval_stands_beside_the_runs(page):
    words = text(page, "intervals")
    assert (
        "4: one more run lies between 70.0% and 90.0% (100 recorded runs in torch); yours: not yet." in words
    )
    put(page, epochs=9)
    assert text(page, "intervals") == "", "it was recorded for another length"


def test_a_setting_without_a_map_is_refused_and_the_layer_is_named(page):
    part(page, "edited").click()
    slider = explorer(page).locator("input[name=stride1]")
    slider.focus()
    page.keyboard.press("End")
    assert rows(page)[0][3] == "28 → 7 → 3 → 3 → 1"
    second = explorer(page).locator("input[name=stride2]")
    second.focus()
    page.keyboard.press("End")
    assert text(page, "problem") == (
        "The window of pool2 of (4, same) spans 2 pixels, but what it reads has 1, padding included. "
        "The drawing shows the last setting that fits."
    )
    part(page, "pool").uncheck()
    assert (text(page, "problem"), rows(page)[0][3]) == ("", "28 → 7 → 2")


def test_networks_are_chosen_changed_added_and_removed(page):
    explorer(page).locator("input[type=radio]").nth(3).check()
    assert trait(page, "editing") == 3
    part(page, "edited").click()
    part(page, "kind").select_option("pytorch")
    assert "PyTorch has no “same” padding with stride 2." in text(page, "problem")
    part(page, "kind").select_option("number")
    assert trait(page, "networks")[3]["name"] == "(2, 1)"
    part(page, "remove").click()
    assert [row[0][2:] for row in rows(page)] == ["(1, same)", "(1, valid)", "(2, same)"]
    part(page, "add").click()
    assert trait(page, "networks")[3]["name"] == "(2, same), 2"
    assert part(page, "add").is_disabled()


def test_a_preset_sets_networks_and_images(page):
    for name in TRAINING_PRESETS:
        part(page, "examples").select_option(name)
        expected = TrainingExplorer(**TRAINING_PRESETS[name])
        assert trait(page, "change") == expected.change
        assert [row[0][2:] for row in rows(page)] == [each["name"] for each in expected.networks]
    assert "drawn garments" in text(page, "origin")


def test_images_that_do_not_lie_beside_the_page_end_in_a_sentence(open_page):
    page = open_page("quick.html")
    explorer(page).evaluate(
        "(place) => { place.bookModel.loadImages = async () => { throw new Error('there are none.'); }; }"
    )
    part(page, "images").select_option("mnist")
    part(page, "train").click()
    page.wait_for_function("document.querySelector('[part=trouble]').textContent")
    assert text(page, "trouble") == "MNIST: there are none. Nothing was trained."
    assert text(page, "train") == "Train"


def test_a_device_without_memory_ends_in_a_sentence(open_page):
    page = open_page("quick.html", origin="http")
    page.evaluate(
        """() => {
            window.Worker = class { constructor() { throw new Error("barred"); } };
            const whole = Float32Array;
            window.Float32Array = class extends whole {
                constructor(...all) {
                    if (all[0] > 50) throw new RangeError("Array buffer allocation failed");
                    super(...all);
                }
            };
        }"""
    )
    part(page, "train").click()
    page.wait_for_function("document.querySelector('[part=trouble]').textContent")
    assert text(page, "trouble").startswith("Array buffer allocation failed")
    assert text(page, "train") == "Train"


def test_out_of_sight_it_rests_and_goes_on(open_page):
    page = open_page("quick.html", viewport={"width": 1000, "height": 900})
    page.evaluate("document.body.style.paddingBottom = '5000px'")
    put(page, epochs=50, channels=[16, 16])
    part(page, "train").click()
    looks = "(document.querySelector('.book-widget').bookModel.get('_history') ?? []).length"
    page.wait_for_function(f"{looks} > 0")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("document.querySelector('[part=status]').textContent.includes('waiting')")
    before, earlier = trait(page, "_history"), None
    for _ in range(20):  # what was on its way comes late on a busy machine
        if before == earlier:
            break
        page.wait_for_timeout(1500)  # longer than from look to look
        before, earlier = trait(page, "_history"), before
    assert before == earlier
    assert "waiting" in text(page, "status")
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_function("!document.querySelector('[part=status]').textContent.includes('waiting')")
    page.wait_for_function(f"{looks} > {len(before)}")


def test_an_image_is_drawn_and_moved_and_the_networks_answer(open_page):
    page = open_page("quick.html", has_touch=True, viewport={"width": 390, "height": 844})
    ink = """(canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, 28, 28);
        return [...Array(784).keys()].filter((at) => data[4 * at] < 128);
    }"""
    digit = part(page, "picture")
    part(page, "clear").tap()
    assert digit.evaluate(ink) == []
    digit.scroll_into_view_if_needed()
    box = digit.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    dark = digit.evaluate(ink)
    assert 1 < len(dark) < 12
    digit.focus()
    for key, step in (("ArrowRight", 1), ("ArrowDown", 28), ("ArrowLeft", -1), ("ArrowUp", -28)):
        page.keyboard.press(key)
        dark = [at + step for at in dark]
        assert digit.evaluate(ink) == dark
    part(page, "train").tap()
    page.wait_for_function("document.querySelector('[part=views] legend')")
    assert digit.evaluate(ink) == dark, "what the reader drew stays"
    before = text(page, "views")
    page.evaluate("window.canvases = [...document.querySelectorAll('[part=views] canvas')]")
    part(page, "next").tap()
    page.wait_for_function(
        "(before) => document.querySelector('[part=views]').innerText !== before", arg=before
    )
    assert page.evaluate(
        """() => {
            const now = [...document.querySelectorAll("[part=views] canvas")];
            return now.length > 10 && now.every((each, at) => each === canvases[at]);
        }"""
    ), "new ones twice a second would have to be collected"


def test_confusion_is_shown_on_demand_and_adds_up(open_page):
    page = open_page("quick.html")
    accuracies = trained(page)
    explorer(page).locator("[part=confused] summary").click()
    part(page, "confusion").locator("td").first.wait_for()  # a fold opens before it says so
    cells = part(page, "confusion").locator("td").all_inner_texts()
    counts = [0 if each == "·" else int(each) for each in cells]
    assert sum(counts) == 1000
    assert f"{sum(counts[::11]) / 10:.1f}%" == accuracies[0]


def test_names_are_text(open_page):
    page = open_page("hostile.html")
    assert rows(page)[0][0][2:] == re.sub(r"\s+", " ", HOSTILE)
    assert page.evaluate("window.hacked") is None


def test_everyone_can_use_it(open_page):
    page = open_page("quick.html", origin="http", reduced_motion="reduce")
    for node in page.locator("details").all():
        node.evaluate("(node) => { node.open = true; }")
    trained(page)
    assert violations_in_both_themes(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert heard_outside(page, part(page, "picture"), "ArrowRight") is None
    for control in explorer(page).locator("input, select").all():
        assert control.evaluate("(node) => node.labels.length") == 1


def test_nothing_is_left_after_the_clean_up(page):
    assert listeners(page, "training_explorer") == [1, 0]
