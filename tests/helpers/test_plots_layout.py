"""Where panels go, at both widths, and what a finished picture is made of."""

import re
from base64 import b64decode
from dataclasses import replace
from functools import cache, partial
from html.parser import HTMLParser
from io import BytesIO, StringIO
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import canonicalize

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from helpers import plots
from helpers.arithmetic import Layer, coverage
from helpers.plots.cells import numbers

IMAGE = np.arange(36).reshape(6, 6)
KERNEL = np.array([[1, 0, -1]] * 3)
STACK = [Layer(3, name="conv 1"), Layer(2, stride=2, name="pool 1"), Layer(3, padding=1, name="conv 2")]
NUMBERED = "numbered cells"

FIGURES = {
    "a window": [plots.line_windows(10, kernel_size=3, stride=2)],
    "a long line": [plots.line_windows(40, kernel_size=3, stride=2, padding="same")],
    "two lines": [
        plots.line_windows(6, kernel_size=3, stride=2, padding=1, title="PyTorch, padding 1"),
        plots.line_windows(6, kernel_size=3, stride=2, padding="same", title="TensorFlow, SAME"),
    ],
    NUMBERED: [
        plots.grid(np.pad(IMAGE, 1), pads=((1, 1), (1, 1)), unread=((6,), (6,)), title="input"),
        plots.kernel_grid(KERNEL, title="kernel"),
        plots.output_grid(IMAGE[:3, :3] / 7, selected=(0, 1), title="output"),
    ],
    "wide numbers": [plots.output_grid([[-123.45, 117.82]], published=[[1.0, -127.82]])],
    "a wide number beside others": [
        plots.grid(IMAGE, title="input"),
        plots.output_grid([[6.93, 18.81]], published=[[7.92, 17.82]], title="output"),
    ],
    "twelve by twelve": [plots.grid(np.arange(144).reshape(12, 12) * 1.5)],
    "maps": [plots.coverage_map(coverage(28, kernel_size=3, stride=2), title="coverage")] * 3,
    "many maps": [plots.reading_map((28, 28), rows=(27,), title="a")] * 8,
    "phases": [plots.phase_map(6), plots.phase_map(7)],
    "a pyramid": [plots.receptive_field_pyramid(28, STACK, title="what a unit sees")],
    "charts": [
        plots.curves([plots.Curve("stride 1", [1, 2, 3], 1)], ylabel="accuracy", title="ours"),
        plots.curves([plots.Curve("stride 2", [3, 2, 3], 2)], ylabel="loss"),
    ],
    "a confusion matrix": [
        plots.confusion(90 * np.eye(10) + 1, classes=[*"123456789", "Ankle boot"], title="A")
    ],
    "a long list": [
        plots.class_estimates(
            {name: [plots.Estimate("A", 1, 0, 2)] * 2 for name in "abcdefghij"}, xlabel="recall, %"
        )
    ],
    "long names": [
        plots.estimates(
            [plots.Estimate("Q-08: equal receptive field\n(1, same) \u2212 (2, same)", 1, 0, 2)] * 2,
            xlabel="difference in accuracy, points, as claimed",
        )
    ]
    * 2,
}


each = pytest.mark.parametrize("name", FIGURES)
both = pytest.mark.parametrize("width", [plots.COLUMN, plots.PHONE])


@cache
def composed(name, width):
    return plots.compose(*FIGURES[name], width=width)


@cache
def drawn(name, width):
    return plots.drawing(composed(name, width))


def cell_sizes(figure):
    return [ax.get_window_extent().width / abs(np.diff(ax.get_xlim()).item()) for ax in figure.axes]


@each
@both
def test_nothing_leaves_the_figure(name, width):
    figure = composed(name, width)
    whole = figure.bbox
    assert whole.width <= width
    for artist in (*figure.axes, *figure.legends):
        box = artist.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= whole.x1
        assert box.y1 <= whole.y1


@each
@both
def test_panels_stand_in_the_middle(name, width):
    figure = composed(name, width)
    boxes = [ax.get_tightbbox(for_layout_only=True) for ax in figure.axes]
    left, right = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    assert left == pytest.approx(figure.bbox.width - right, abs=6)


@each
@both
def test_no_panel_covers_another_or_the_key(name, width):
    figure = composed(name, width)
    boxes = [artist.get_tightbbox() for artist in (*figure.axes, *figure.legends)]
    for place, box in enumerate(boxes):
        for other in boxes[place + 1 :]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            up = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert min(across, up) <= 1  # a pixel, since a title is measured once more when it is placed


@each
@both
def test_panels_of_cells_share_the_size_of_a_cell(name, width):
    if name not in ("charts", "a long list", "long names"):
        sizes = cell_sizes(composed(name, width))
        np.testing.assert_allclose(sizes, sizes[0], rtol=1e-6)


@each
@both
def test_text_is_no_smaller_than_the_pages_small_text(name, width):
    figure = composed(name, width)
    figure.canvas.draw()
    least = float(plots.color("small_text_size").removesuffix("px")) * 0.75  # in points
    for ax in figure.axes:
        labels = [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.title, ax.xaxis.label, *ax.texts]
        for text in labels:
            is_crowded = text in ax.texts and name == "twelve by twelve"
            assert text.get_fontsize() >= (5 if is_crowded else least - 1e-6)


@pytest.mark.parametrize(
    "name",
    [
        NUMBERED,
        "wide numbers",
        "a wide number beside others",
        "twelve by twelve",
        "two lines",
        "a confusion matrix",
    ],
)
@both
def test_neighboring_numbers_keep_apart(name, width):
    figure = composed(name, width)
    for ax, cell in zip(figure.axes, cell_sizes(figure), strict=True):
        assert max(text.get_window_extent().width for text in numbers(ax)) <= cell - 1


def test_panels_stand_side_by_side_in_the_column_and_below_one_another_on_a_phone():
    for width, rows in ((plots.COLUMN, 1), (plots.PHONE, 2)):
        axes = composed(NUMBERED, width).axes
        middles = {round(ax.get_window_extent().y0 + ax.get_window_extent().height / 2) for ax in axes}
        assert len(middles) == rows
    for width, rows in ((plots.COLUMN, 1), (plots.PHONE, 2)):
        axes = composed("charts", width).axes
        assert len({round(ax.get_window_extent().y0) for ax in axes}) == rows


def test_a_list_is_as_high_as_its_rows_ask_for_and_a_chart_as_its_width_does():
    def height(rows):
        drawn = [plots.Estimate("A", 1, 0, 2)] * rows
        (ax,) = plots.compose(plots.estimates(drawn, xlabel="accuracy"), key=False).axes
        return ax.get_window_extent().height

    heights = [height(rows) for rows in (1, 2, 4, 5, 11, 12)]
    assert heights[0] == pytest.approx(heights[1] / 2, abs=2)
    assert heights[2] == pytest.approx(heights[3], abs=2)
    assert heights[1] < heights[3] < heights[4] < heights[5]
    (chart,) = plots.compose(*FIGURES["charts"][:1], key=False).axes
    assert chart.get_window_extent().height > 2 * heights[0]


def test_the_key_names_each_mark_once():
    def keys(*panels, **options):
        return [
            text.get_text() for legend in plots.compose(*panels, **options).legends for text in legend.texts
        ]

    assert keys(*FIGURES["two lines"]) == ["window", "padding", "padding never read"]
    assert keys(*FIGURES["phases"]) == ["PyTorch, padding 1", "TensorFlow, SAME"]
    assert keys(*FIGURES["charts"]) == ["stride 1", "stride 2"]
    assert keys(*FIGURES["twelve by twelve"]) == []
    assert keys(*FIGURES["two lines"], key=False) == []


def test_the_key_of_coverage_has_the_shades_of_the_map():
    figure = plots.compose(FIGURES["maps"][0])
    texts = [text.get_text() for text in figure.legends[0].texts]
    assert texts == ["read once", "read twice", "read four times", "pixel never read"]
    image = figure.axes[0].images[0]
    shade = figure.legends[0].legend_handles[2].get_color()
    np.testing.assert_allclose(image.to_rgba(image.get_array())[2, 2], shade, atol=0.005)


def test_pyplot_never_hears_of_a_figure():
    plots.figure(*FIGURES["a window"], alt="windows")
    assert plt.get_fignums() == []


def test_figures_look_the_same_whatever_the_session_has_set():
    before = drawn(NUMBERED, plots.COLUMN).svg
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "none", "text.color": "red"}):
        assert plots.drawing(plots.compose(*FIGURES[NUMBERED])).svg == before
    with mpl.rc_context():
        plots.use_style()
        assert mpl.rcParams["axes.edgecolor"] == plots.color("line")
        assert plots.drawing(plots.compose(*FIGURES[NUMBERED])).svg == before


@each
def test_the_same_figure_gives_the_same_bytes(name):
    svg = drawn(name, plots.COLUMN).svg
    assert plots.drawing(plots.compose(*FIGURES[name])).svg == svg
    assert not re.search(r"\d{4}-\d\d-\d\d", svg)


@each
@both
def test_a_drawing_is_small_sound_and_self_contained(name, width):
    drawing = drawn(name, width)
    root = ElementTree.fromstring(drawing.svg)
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(drawing.width * 0.75, abs=0.4)
    assert len(drawing.svg) < 140_000
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    links = [value for element in root.iter() for name, value in element.items() if name.endswith("href")]
    assert all(link.startswith("data:") or link[1:] in identifiers for link in links)
    assert set(re.findall(r"url\(#(\w+)\)", drawing.svg)) <= set(identifiers)
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))


def test_trimming_moves_nothing_by_a_hundredth_of_a_point():
    figure, file = composed("a pyramid", plots.COLUMN), StringIO()
    with mpl.rc_context({"svg.fonttype": "path"}):
        figure.savefig(file, format="svg")
    scales = [
        set(re.findall(r"scale\([^)]*\)", svg))
        for svg in (file.getvalue(), drawn("a pyramid", plots.COLUMN).svg)
    ]
    assert scales[0] == scales[1]
    coordinates = [
        [float(value) for path in re.findall(r' d="([^"]*)"', svg) for value in re.findall(r"-?[\d.]+", path)]
        for svg in (file.getvalue(), drawn("a pyramid", plots.COLUMN).svg)
    ]
    np.testing.assert_allclose(*coordinates, rtol=0, atol=0.0051)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def tags(html):
    parser = Tags()
    parser.feed(html)
    return parser


def test_a_picture_is_an_html_image_with_its_alternative():
    alt = 'Three "windows" <b>start</b> & stop.'
    picture = plots.figure(*FIGURES[NUMBERED], alt=alt, caption="5 <b>6</b> & more")
    bundle, metadata = picture._repr_mimebundle_()
    assert bundle["text/plain"] == alt
    pixels = Image.open(BytesIO(b64decode(bundle["image/png"])))
    assert pixels.size == (2 * picture.wide.width, 2 * picture.wide.height)
    assert metadata["image/png"] == {"width": picture.wide.width, "height": picture.wide.height, "alt": alt}
    assert picture._repr_mimebundle_()[0] == bundle
    parsed = tags(bundle["text/html"])
    assert [tag for tag, _ in parsed.found] == ["figure", "picture", "source", "img", "figcaption"]
    (_, figure), _, (_, source), (_, image), _ = parsed.found
    assert figure["class"] == "book-figure"
    assert image["alt"] == alt
    assert "".join(parsed.text) == "5 <b>6</b> & more"
    assert int(image["width"]) <= plots.COLUMN
    assert int(source["width"]) <= plots.PHONE
    assert re.fullmatch(r"\(max-width: \d+px\)", source["media"])
    for address, drawing in ((image["src"], picture.wide), (source["srcset"], picture.narrow)):
        head, _, data = address.partition(",")
        assert head == "data:image/svg+xml"
        assert canonicalize(unquote(data)) == canonicalize(drawing.svg)
        assert '"' not in unquote(data), "each would take three bytes"
        assert not re.search(r"\s", data), "a blank would end an address in a srcset"


def test_a_picture_that_fits_a_phone_is_drawn_once():
    picture = plots.figure(plots.kernel_grid(KERNEL), alt="a kernel")
    assert picture.narrow is None
    assert [tag for tag, _ in tags(picture.html).found] == ["figure", "img"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plots.figure(alt="nothing"), ValueError, "panels must hold at least one"),
        (lambda: plots.figure("grid", alt="text"), TypeError, r"panels\[0\] must be a Panel"),
        (
            lambda: plots.figure(*FIGURES["a window"], alt=" "),
            ValueError,
            "alt must say what the figure shows",
        ),
        (lambda: plots.figure(*FIGURES["a window"], alt=3), TypeError, "alt must be a string"),
        (lambda: plots.figure(plots.Panel(print, "")), ValueError, "alt must say what the figure shows"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_feature_maps_share_a_scale_or_say_their_own():
    maps = np.stack([np.full((5, 5), value) * np.eye(5) for value in (1, 4)])
    shared, own = (
        plots.feature_maps(maps, labels=["dim", "bright"], shared=shared) for shared in (True, False)
    )
    assert shared.alt == (
        "2 maps of 5 by 5 values, on one scale from 0 to 4. dim: 0 to 1, mean 0.2; bright: 0 to 4, mean 0.8."
    )
    assert own.alt.startswith("2 maps of 5 by 5 values, each on its own scale.")
    images = [re.findall(r"data:image/png;base64,\s*([^\"]+)", picture.wide.svg) for picture in (shared, own)]
    assert [len(set(pair)) for pair in images] == [2, 1]


def test_rows_of_maps_are_even():
    axes = composed("many maps", plots.COLUMN).axes
    tops = [round(ax.get_window_extent().y1) for ax in axes]
    assert [tops.count(top) for top in dict.fromkeys(tops)] == [4, 4]
    assert all(
        after.get_window_extent().x0 > before.get_window_extent().x1 for before, after in pairwise(axes[:4])
    )


def test_the_words_of_a_figure_are_those_of_its_panels_each_after_its_title():
    lines = [plots.line_windows(7, kernel_size=3, stride=stride) for stride in (1, 2)]
    assert plots.figure(lines[0]).alt == lines[0].alt
    assert plots.figure(*lines).alt == f"{lines[0].alt} {lines[1].alt}"
    titled = [replace(line, title=f"stride {stride}") for stride, line in enumerate(lines, start=1)]
    assert plots.figure(titled[0]).alt == lines[0].alt
    assert plots.figure(*titled).alt == f"Stride 1: {lines[0].alt} Stride 2: {lines[1].alt}"
    assert plots.figure(*titled, alt="two lines").alt == "two lines"


def test_a_grid_says_its_title_itself_or_the_name_it_is_given():
    image, output = (
        plots.grid([[1]], title="image"),
        plots.output_grid([[2]], title="left", name="left output"),
    )
    assert plots.figure(image, output).alt == (
        "Image, 1 by 1: row 0 holds 1. Left output, 1 by 1: row 0 holds 2."
    )


def test_words_stay_on_one_line_and_code_keeps_its_letters():
    panels = [plots.Panel(str, "first\nline.", "ceil_mode=True"), plots.Panel(str, "b.", "on\ntwo lines")]
    assert plots.figure(*panels).alt == "ceil_mode=True: first line. On two lines: b."
    assert panels[0].alt == "first line."


def test_more_marks_and_words_come_after_those_of_the_panel():
    kernel = plots.kernel_grid(KERNEL, title="kernel")
    marked = kernel.plus(partial(plots.outline, corner=(0, 0)), says="Outlined: the first tap.").plus(
        says="And no more."
    )
    assert marked.alt == f"{kernel.alt} Outlined: the first tap. And no more."
    bare, outlined = (plots.compose(panel).axes[0].patches for panel in (kernel, marked))
    assert len(outlined) == len(bare) + 1
    assert outlined[-1].get_xy() == (-0.5, -0.5)


def test_words_are_computed_once_and_only_if_they_are_needed():
    calls = []
    panel = plots.Panel(str, lambda: calls.append("said") or "words")
    plots.compose(panel)
    assert plots.figure(panel, alt="others").alt == "others"
    assert calls == []
    assert [plots.figure(panel).alt for _ in range(2)] == ["words", "words"]
    assert calls == ["said"]
