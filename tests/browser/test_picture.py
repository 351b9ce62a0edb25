"""A picture of the reader's own: drawn, opened, pasted or dropped, and what an explorer makes of it."""

import base64
import re
import struct
import zlib

import numpy as np
import pytest
from explorer_page import (
    explorer,
    fold,
    heard_outside,
    listeners,
    part,
    put,
    serve,
    slider,
    swipe,
    text,
    trait,
    violations_in_both_themes,
    write_assets,
    write_page,
)

from helpers.widgets import ConvolutionExplorer, FeatureMapExplorer, TrainingExplorer

KINDS = {"convolution": ConvolutionExplorer, "feature_map": FeatureMapExplorer}
STAYS = " Your picture stays as it was."
MOST = 50_000_000  # pixels
GIF = "47494638396102000100800000000000ffffff21f904040a0000002c000000000200010000020244"
TWO_FRAMES = bytes.fromhex(GIF + "0a0021f904040a0000002c00000000020001000002028c0a003b")
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="150"><rect width="150" height="150"/></svg>'
)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a small site of explorers, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("picture")
    write_assets(folder)
    for name, kind in KINDS.items():
        write_page(folder, f"{name}.html", kind())
        policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'self'\"><title>"
        strict = re.sub("<script>.*?</script>", "", (folder / f"{name}.html").read_text(encoding="utf-8"))
        (folder / f"{name}-policy.html").write_text(strict.replace("<title>", policy, 1), encoding="utf-8")
    half = FeatureMapExplorer(np.linspace(0, 1, 784).reshape(28, 28))
    write_page(folder, "two.html", ConvolutionExplorer(), half, TrainingExplorer())
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


def png(width, height, rows, kind=0):
    """An image file out of its rows; of kind 0 a pixel is a byte, of kind 4 two, the second its opacity."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def unfold(page, place=0):
    """The pad of an explorer, in its opened fold."""
    explorer(page, place).locator(".fold summary", has_text="Your own picture").click()
    part(page, "picture", place).wait_for()
    return part(page, "picture", place)


def give(page, content, kind="image/png", place=0):
    """Open a file; what is then said, and the problem."""
    file = {"name": "mine", "mimeType": kind, "buffer": content}
    part(page, "file", place).set_input_files(file)
    return said(page, place)


def said(page, place=0):
    """What is said of the last image, and the problem, once it is opened."""
    page.wait_for_function(
        """(place) => {
            const el = document.querySelectorAll(".book-widget")[place];
            const [words, problem] = ["padWords", "padProblem"].map(
                (name) => el.querySelector(`[part=${name}]`).textContent);
            return words !== "The image is being opened." && (words || problem);
        }""",
        arg=place,
    )
    return text(page, "padWords", place), text(page, "padProblem", place)


def hand_over(page, event, content=None, kind="image/png", plain="", place=0, files=1):
    """Paste or drop what a browser would hand over: files of some bytes, or text."""
    coded = None if content is None else base64.b64encode(content).decode()
    explorer(page, place).evaluate(
        """(el, [event, coded, kind, plain, files]) => {
            const data = new DataTransfer();
            if (coded !== null) {
                const bytes = Uint8Array.from(atob(coded), (sign) => sign.charCodeAt(0));
                const file = new File([bytes], "it", { type: kind });
                for (let each = 0; each < files; each++) data.items.add(file);
            }
            if (plain) data.setData(event === "paste" ? "text/plain" : "text/uri-list", plain);
            const options = { bubbles: true, cancelable: true };
            if (event === "paste") {
                document.body.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
            } else {
                const over = new DragEvent("dragover", { ...options, dataTransfer: data });
                el.firstChild.dispatchEvent(over);
                window.taken = over.defaultPrevented;
                el.firstChild.dispatchEvent(new DragEvent("drop", { ...options, dataTransfer: data }));
            }
        }""",
        [event, coded, kind, plain, files],
    )


def image(page, place=0):
    return np.array(trait(page, "image", place))


def middle(page, right=0.5, down=0.5, place=0):
    """A place on the pad, from its left and its top."""
    part(page, "picture", place).scroll_into_view_if_needed()
    box = part(page, "picture", place).bounding_box()
    return box["x"] + box["width"] * right, box["y"] + box["height"] * down


def draw(page, *path, place=0):
    """Draw lines with the mouse."""
    page.mouse.move(*middle(page, *path[0], place))
    page.mouse.down()
    for each in path[1:]:
        page.mouse.move(*middle(page, *each, place))
    page.mouse.up()


# Drawing


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("origin", ["http", "file"])
def test_what_the_mouse_draws_is_the_image(open_page, name, origin):
    page = open_page(f"{name}.html", origin)
    unfold(page)
    draw(page, (0.25, 0.5), (0.75, 0.5))
    drawn = image(page)
    assert drawn.shape == (28, 28)
    assert (drawn[13:15, 7:21] == 9).all()
    assert (drawn[:11] == 0).all()
    assert (drawn[17:] == 0).all(), "the line is one, though the explorer has grown above it"
    assert text(page, "padWords") == "Your picture, 28 × 28, drawn here."
    part(page, "rubber").check()
    draw(page, (0.5, 0.4), (0.5, 0.6))
    assert (image(page)[12:16, 14] == 0).all()
    for _ in range(2):
        part(page, "undo").click()
    assert (image(page) == 0).all()
    assert part(page, "undo").is_disabled()


@pytest.mark.parametrize("name", KINDS)
def test_a_finger_draws(open_page, name):
    page = open_page(f"{name}.html", has_touch=True, viewport={"width": 390, "height": 844})
    unfold(page)
    path = [middle(page, right, 0.5) for right in (0.2, 0.4, 0.6, 0.8)]
    swipe(page, [{"x": x, "y": y} for x, y in path])
    assert (image(page)[13:15, 7:21] == 9).all()


@pytest.mark.parametrize("name", KINDS)
def test_keys_move_the_pen_ink_and_move_the_picture(open_page, name):
    page = open_page(f"{name}.html")
    pad = unfold(page)
    pad.focus()
    page.keyboard.press("ArrowRight")
    assert text(page, "padWords") == "Row 14, column 15: white."
    page.keyboard.press("Space")
    assert text(page, "padWords") == "Row 14, column 15: black."
    assert np.argwhere(image(page)).tolist() == [[14, 15]]
    page.keyboard.press("Shift+ArrowDown")
    assert np.argwhere(image(page)).tolist() == [[15, 15]]
    page.keyboard.press("Control+z")
    page.keyboard.press("Space")
    assert (image(page) == 0).all()
    for _ in range(30):
        page.keyboard.press("ArrowUp")
    assert text(page, "padWords") == "Row 0, column 15: white."
    assert part(page, "picture").evaluate("(pad) => pad === document.activeElement")
    assert heard_outside(page, pad, "ArrowRight") is None


def test_clear_and_invert(open_page):
    page = open_page("feature_map.html")
    unfold(page)
    part(page, "invert").click()
    assert (image(page) == 9).all()
    part(page, "clear").click()
    assert (image(page) == 0).all()


# Files


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("origin", ["http", "file"])
def test_a_file_is_scaled_and_said_and_stays_through_the_settings(open_page, name, origin):
    page = open_page(f"{name}.html", origin)
    unfold(page)
    rows = [bytes([0] * 40 + [255] * 40)] * 40  # the left half is black
    assert give(page, png(80, 40, rows)) == (
        "Your picture, 28 × 28, from a file of 80 × 40 pixels. White fills the rest.",
        "",
    )
    expected = np.zeros((28, 28))
    expected[7:21, :14] = 9
    found = image(page)
    assert (np.abs(found - expected)[:, [*range(13), *range(15, 28)]] == 0).all()
    slider(page, "stride").press("ArrowRight")
    slider(page, "padding").press("ArrowRight")
    assert (image(page) == found).all()
    ours = KINDS[name](image=trait(page, "image"), stride=2, padding=1)
    assert text(page, "outputSize" if name == "convolution" else "mapSize").endswith("14 × 14")
    assert ours.output.shape == (14, 14)
    part(page, "invert").click()
    assert (image(page)[:7] == 0).all(), "what is not the image stays white"
    assert (image(page)[7:21] == 9 - found[7:21]).all()


def test_the_numbers_are_those_that_python_gets(open_page):
    page = open_page("convolution.html")
    unfold(page)
    give(
        page, png(28, 28, [bytes((3 * row + 5 * column) % 256 for column in range(28)) for row in range(28)])
    )
    put(page, kernel="outline", kernel_size=5)
    ours = ConvolutionExplorer(image=trait(page, "image"), kernel="outline", kernel_size=5)
    assert re.search(r"= (−?\d+)$", text(page, "sum"))[1].replace("−", "-") == str(int(ours.output[0, 0]))


def test_a_picture_has_any_size_in_the_convolution_explorer_and_comes_back(open_page):
    page = open_page("convolution.html")
    unfold(page)
    draw(page, (0.1, 0.1), (0.9, 0.9))
    whole = image(page)
    part(page, "example").select_option("7 × 7, stride 2")
    assert (trait(page, "stride"), trait(page, "input_size")) == (2, 7)
    assert part(page, "image").locator("option:checked").inner_text() == "your picture"
    assert part(page, "input").locator("text").count() > 0, "few enough cells for numbers"
    small = image(page)
    assert small.shape == (7, 7)
    assert np.abs(small - whole.reshape(7, 4, 7, 4).mean(axis=(1, 3))).max() < 0.6
    slider(page, "input_size").press("End")
    part(page, "apart").check()
    explorer(page).get_by_label("input size, rows").press("Home")
    assert image(page).shape == (3, 32)
    put(page, input_size=28, image=whole.tolist())
    part(page, "image").select_option("seven")
    assert trait(page, "image") == "seven"
    explorer(page).get_by_text("Use the picture").click()
    assert (image(page) == whole).all()
    explorer(page).get_by_text("Back to the input that was there").click()
    assert (trait(page, "image"), trait(page, "input_size")) == ("seven", 28)


def test_a_picture_that_does_not_fit_waits_until_it_does(open_page):
    page = open_page("convolution.html")
    put(page, kind="transposed", stride=16, input_size=7)
    unfold(page)
    part(page, "invert").click()
    assert text(page, "problem").endswith("The drawing shows the last setting that fits.")
    assert trait(page, "image") == "digits"
    slider(page, "stride").press("Home")
    assert (text(page, "problem"), image(page).min()) == ("", 9)


def test_white_and_black_are_those_of_the_pages_image(open_page):
    page = open_page("two.html")
    unfold(page, 1)
    draw(page, (0.3, 0.5), (0.6, 0.5), place=1)
    assert (image(page, 1).min(), image(page, 1).max()) == (0, 1)
    page_image = explorer(page, 1).get_by_text("Back to the input that was there")
    page_image.click()
    assert image(page, 1)[0, 1] == pytest.approx(1 / 783)


ODD = [  # what it is, its bytes, its type, what is said
    ("one pixel", png(1, 1, [b"\0"]), "image/png", "of 1 × 1 pixels."),
    ("a line", png(900, 1, [bytes(900)]), "image/png", "of 900 × 1 pixels. White fills the rest."),
    ("two frames", TWO_FRAMES, "image/gif", "of 2 × 1 pixels. White fills the rest."),
    (
        "a drawing",
        SVG,
        "image/svg+xml",
        "of 300 × 150 pixels. White fills the rest. What is transparent became white.",
    ),
    ("a drawing without a size", SVG.replace(b' width="300" height="150"', b"", 1), "image/svg+xml", ""),
    (
        "transparent",
        png(2, 2, [b"\0\xff\0\0"] * 2, 4),
        "image/png",
        "of 2 × 2 pixels. What is transparent became white.",
    ),
]


def test_odd_images_are_taken_and_said(open_page):
    page = open_page("feature_map.html")
    unfold(page)
    for what, content, kind, words in ODD:
        part(page, "clear").click()
        told, problem = give(page, content, kind)
        assert told.startswith("Your picture, 28 × 28, from a file of ")
        assert (told.endswith(words), problem) == (True, ""), what
        assert image(page).max() == 9, what


def test_a_huge_image_is_taken_and_a_larger_one_refused(open_page):
    page = open_page("feature_map.html", "http")
    unfold(page)
    told, _ = give(page, png(8000, MOST // 8000, [bytes(8000)] * (MOST // 8000)))
    assert told.endswith("from a file of 8000 × 6250 pixels. White fills the rest.")
    before = image(page)
    bomb = png(60_000, 60_000, [bytes(60_000)])  # its header promises 3.6 thousand million
    assert give(page, bomb)[1] in (
        "The picture must be an image of at most 50 million pixels, got 60000 × 60000." + STAYS,
        "The picture must be an image that this browser can open, got a file of type image/png." + STAYS,
    )
    more = png(8001, 6250, [bytes(8001)])
    assert give(page, more)[1] == (
        "The picture must be an image of at most 50 million pixels, got 8001 × 6250." + STAYS
    )
    assert (image(page) == before).all()


OPEN = "an image that this browser can open, got a file of type "
BAD = [
    (b"", "image/png", "a file that holds an image, got an empty file."),
    (b"no image", "text/plain", f"{OPEN}text/plain."),
    (b"no image", "image/png", f"{OPEN}image/png."),
    (b"<svg", "image/svg+xml", f"{OPEN}image/svg+xml."),
    (png(9, 9, [bytes(9)] * 9)[:50], "image/png", f"{OPEN}image/png."),
]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_image_is_refused_and_nothing_is_lost(open_page, name):
    page = open_page(f"{name}.html")
    unfold(page)
    draw(page, (0.2, 0.2), (0.8, 0.8))
    before = image(page)
    for content, kind, got in BAD:
        assert give(page, content, kind) == ("", f"The picture must be {got}{STAYS}")
        assert (image(page) == before).all()
    hand_over(page, "drop", b"no image", kind="")
    assert said(page)[1].endswith("can open, got a file of no known type." + STAYS)
    part(page, "undo").click()
    assert text(page, "padProblem") == ""


def test_a_drawing_runs_no_script_and_loads_nothing(open_page):
    page = open_page("feature_map.html", "http")  # which refuses every other address, and fails
    unfold(page)
    hostile = SVG.replace(
        b"<rect",
        b'<script>parent.hacked = 1</script><image href="https://example.org/a.png" width="9" height="9"/>'
        b'<foreignObject width="9" height="9"><p xmlns="http://www.w3.org/1999/xhtml">a</p></foreignObject><rect',
    )
    told, problem = give(page, hostile, "image/svg+xml")
    assert bool(told) != bool(problem)
    assert page.evaluate("window.hacked") is None


# Pasting and dropping


@pytest.mark.parametrize("name", KINDS)
def test_an_image_is_pasted_where_the_focus_is(open_page, name):
    page = open_page(f"{name}.html")
    before = trait(page, "image")
    black = png(2, 2, [b"\0\0"] * 2)
    hand_over(page, "paste", black)
    page.wait_for_timeout(50)
    assert trait(page, "image") == before, "the explorer had no focus"
    slider(page, "stride").focus()
    hand_over(page, "paste", black)
    assert said(page) == ("Your picture, 28 × 28, from a pasted image of 2 × 2 pixels.", "")
    assert part(page, "picture").is_visible()
    assert image(page).min() == 9
    hand_over(page, "paste", plain="a sentence")
    assert text(page, "padProblem") == "The clipboard must hold an image, got text." + STAYS
    hand_over(page, "paste")
    assert text(page, "padProblem") == "The clipboard must hold an image, got nothing." + STAYS
    assert image(page).min() == 9


def test_text_is_pasted_into_a_field_as_ever(open_page):
    page = open_page("convolution.html")
    explorer(page).locator("[part=weights] input").first.focus()
    hand_over(page, "paste", plain="4")
    assert explorer(page).locator(".fold[open]").count() == 0


@pytest.mark.parametrize("name", KINDS)
def test_an_image_is_dropped(open_page, name):
    page = open_page(f"{name}.html")
    hand_over(page, "drop", png(2, 2, [b"\0\0"] * 2), files=3)
    assert said(page)[0] == (
        "Your picture, 28 × 28, from a dropped file of 2 × 2 pixels. It is the first of 3 files."
    )
    assert page.evaluate("window.taken")
    hand_over(page, "drop", plain="https://example.org/a.png")
    assert text(page, "padProblem") == "What is dropped must be an image file, got an address." + STAYS
    assert image(page).min() == 9


def test_the_last_of_two_images_wins(open_page):
    page = open_page("feature_map.html")
    unfold(page)
    hand_over(page, "drop", png(3000, 3000, [b"\xff" * 3000] * 3000))
    hand_over(page, "drop", png(2, 2, [b"\0\0"] * 2))
    assert "of 2 × 2" in said(page)[0]
    page.wait_for_timeout(400)
    assert image(page).min() == 9


# What leaves the page, and what does not


@pytest.mark.parametrize("name", KINDS)
def test_the_picture_is_in_no_address_and_that_is_said(open_page, name):
    page = open_page(f"{name}.html", "http")
    unfold(page)
    draw(page, (0.2, 0.2), (0.8, 0.8))
    slider(page, "stride").press("ArrowRight")
    link, embed, python = fold(page, "Link to this setting").locator("pre").all_inner_texts()
    stand, address = {
        "convolution": ("the digits as its input", "#explorer=convolution&input_size=28&stride=2"),
        "feature_map": ("the image of the page", "#explorer=feature_map&stride=2"),
    }[name]
    assert fold(page, "Link to this setting").locator("p").first.inner_text() == (
        f"Your picture stays on this page: the link leads to this setting with {stand}."
    )
    assert link.endswith(address)
    assert len(embed) < 300
    ours = eval(python, {kind.__name__: kind for kind in KINDS.values()})
    assert ours.static_state()["image"] == trait(page, "image")
    other = open_page(f"{name}.html{address}", "http")
    assert text(other, "problem") == ""
    assert trait(other, "image") == KINDS[name]().static_state()["image"]
    explorer(page).get_by_text("Back to the input that was there").click()
    assert fold(page, "Link to this setting").locator("p").first.inner_text() == ""


def test_an_image_that_python_sets_takes_its_place_and_the_picture_waits(open_page):
    page = open_page("feature_map.html")
    unfold(page)
    draw(page, (0.2, 0.2), (0.8, 0.8))
    drawn = image(page)
    put(page, image=[[1, 2, 3]] * 3)
    put(page, image="<b>")
    assert text(page, "problem").startswith("image must be a grid of 3 to 32 rows and columns")
    put(page, image=[[1, 2, 3]] * 3)
    explorer(page).get_by_text("Use the picture").click()
    assert (image(page) == drawn).all()


@pytest.mark.parametrize("name", KINDS)
def test_it_works_under_a_policy_that_allows_no_other_script(open_page, name):
    page = open_page(f"{name}-policy.html", "http")
    unfold(page)
    assert give(page, png(2, 2, [b"\0\0"] * 2)) == (
        "Your picture, 28 × 28, from a file of 2 × 2 pixels.",
        "",
    )
    assert give(page, SVG, "image/svg+xml")[1] == ""


@pytest.mark.parametrize("name", KINDS)
def test_a_view_that_is_gone_takes_no_paste(open_page, name):
    page = open_page(f"{name}.html")
    page.evaluate(
        """() => {
            const [add, remove] = [document.addEventListener, document.removeEventListener];
            window.pasting = 0;
            document.addEventListener = (kind, ...all) => {
                window.pasting += kind === "paste";
                add.call(document, kind, ...all);
            };
            document.removeEventListener = (kind, ...all) => {
                window.pasting -= kind === "paste";
                remove.call(document, kind, ...all);
            };
        }"""
    )
    assert listeners(page, f"{name}_explorer") == [1, 0]
    assert page.evaluate("window.pasting") == 0


def test_a_network_is_asked_about_a_picture_of_the_readers(open_page):
    page = open_page("two.html")
    assert give(page, png(2, 2, [b"\0\0"] * 2), place=2)[0].startswith("Your picture, 28 × 28, from a file")
    ink = part(page, "picture", 2).evaluate("(pad) => pad.getContext('2d').getImageData(5, 5, 1, 1).data[0]")
    assert ink < 60


@pytest.mark.parametrize("name", KINDS)
def test_everyone_can_use_it(open_page, name):
    page = open_page(f"{name}.html", "http", viewport={"width": 390, "height": 844})
    unfold(page)
    draw(page, (0.2, 0.2), (0.8, 0.8))
    give(page, b"no image")
    part(page, "picture").focus()
    page.keyboard.press("ArrowRight")
    assert violations_in_both_themes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for control in explorer(page).locator(".pad input").all():
        assert control.evaluate("(node) => node.labels.length") == 1
