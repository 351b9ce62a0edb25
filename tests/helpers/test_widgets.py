"""The explorers in Python: traits, what they refuse, the form they take in a page, torch's output."""

import html
import json
import re
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from traitlets import TraitError, Unicode

from helpers.arithmetic import coverage, inputs_per_output
from helpers.convolution import convolve2d
from helpers.sources import WORKED_4X4, WORKED_5X5, WORKED_7X7
from helpers.widgets import (
    BookWidget,
    ConvolutionExplorer,
    FeatureMapExplorer,
    Frames,
    ReceptiveFieldExplorer,
    base,
)
from helpers.widgets.convolution_explorer import PRESETS
from helpers.widgets.setting import IMAGES, KERNELS, image_cells, kernel_cells

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "windows.json").read_text(encoding="utf-8"))
HOSTILE = [
    "'",
    '"',
    "</div><script>alert(1)</script>",
    "&#39;",
    "&quot; onload='x",
    "\\'",
    "<!--",
    "\u2028\x00",
    "{{ x }}",
]


class Placeholder(HTMLParser):
    """What a browser makes of a static form: its elements, and the attributes of the first."""

    def __init__(self, source):
        super().__init__()
        self.tags = []
        self.attributes = None
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes = self.attributes or dict(attributes)


class Note(BookWidget, module="frames"):
    text = Unicode().tag(sync=True)
    hidden = Unicode("for Python only")


def test_the_defaults_are_small_and_plain():
    explorer = ConvolutionExplorer()
    assert (explorer.input_size, explorer.kernel_size, explorer.stride) == (7, 3, 1)
    assert (explorer.padding, explorer.dilation, explorer.padding_mode) == (0, 1, "zeros")
    assert explorer.selected == (0, 0)
    assert explorer.output.shape == (5, 5)


@pytest.mark.parametrize(
    ("trait", "value", "rule"),
    [
        ("stride", 0, "stride must be a whole number from 1 to 16"),
        ("stride", 2.5, "stride must be a whole number"),
        ("stride", True, "stride must be a whole number"),
        ("stride", (1, 2, 3), "stride must be a whole number"),
        ("dilation", 5, "dilation must be a whole number from 1 to 4"),
        ("input_size", 33, "input_size must be a whole number from 3 to 32"),
        ("kernel_size", "3", "kernel_size must be a whole number from 1 to 11"),
        ("kernel_size", 8, "kernel_size must span at most 7 pixels for size=7 .* got 8 .*, which spans 8"),
        ("padding", -1, "padding must be a whole number from 0 to 10"),
        ("padding", "some", "one of 'valid', 'same', 'full', got 'some'"),
        ("padding", ((1, 2), (3, 11)), "padding must be"),
        ("padding", ((1, 2), (3, "x")), "padding must be"),
        ("padding_mode", "mirror", "padding_mode"),
        ("convention", "keras", "convention"),
        ("image", "photo", "image must be one of 'digits'"),
        ("image", [[1, 2, 3], [4, 5]], "image must be one of"),
        ("image", [[1.0, 2.0, float("nan")]] * 3, "grid of 3 to 32 rows and columns of finite numbers"),
        ("image", [[1, 2], [3, 4]], "grid of 3 to 32 rows"),
        ("kernel", [["a"]], "kernel must be one of"),
        ("kernel", np.ones((8, 8)), "which spans 8"),
        ("selected", (5, 0), r"selected must be \(row, column\) of the \(5, 5\) output cells"),
        ("selected", (-1, 0), "selected must be"),
        ("view", "both", "view"),
        ("kind", "pooling", "kind"),
        ("ceil_mode", True, 'ceil_mode must be False with kind="convolution", got True'),
        ("ceil_mode", 1, "ceil_mode"),
        ("output_padding", 1, 'output_padding must be 0 with kind="convolution", got 1'),
        ("output_padding", 16, "output_padding must be a whole number from 0 to 15"),
        ("count_include_pad", False, 'count_include_pad must be True with kind="convolution", got False'),
    ],
)
def test_what_is_illegal_is_refused_and_changes_nothing(trait, value, rule):
    explorer = ConvolutionExplorer()
    before = explorer.static_state()
    with pytest.raises(TraitError, match=rule):
        setattr(explorer, trait, value)
    assert explorer.static_state() == before
    with pytest.raises(TraitError, match=rule):
        ConvolutionExplorer(**{trait: value})


@pytest.mark.parametrize(
    ("kind", "changes", "rule"),
    [
        ("transposed", {"output_padding": 1}, "output_padding must be below 1, the larger of stride and dil"),
        ("transposed", {"stride": 2, "output_padding": 2}, "output_padding must be below 2"),
        (
            "transposed",
            {"stride": 2, "padding": "same", "output_padding": 1},
            'must be 0 with padding="same"',
        ),
        ("transposed", {"padding": 5}, r"padding must crop at most 8 .* got \(5, 5\), which crops all 9 "),
        (
            "transposed",
            {"padding": "full"},
            'padding must be "valid", "same" or numbers for kind="transposed"',
        ),
        ("transposed", {"padding": "same", "convention": "pytorch"}, "padding must be numbers"),
        ("transposed", {"padding_mode": "reflect"}, "padding_mode must be 'zeros' with kind=\"transposed\""),
        ("transposed", {"ceil_mode": True}, 'ceil_mode must be False with kind="transposed", got True'),
        ("transposed", {"stride": 16, "input_size": 8}, "output must have at most 112 pixels .*, got 115"),
        (
            "max pooling",
            {"padding": 2},
            "padding must be at most 1, half of the pooling's kernel_size=3, got 2",
        ),
        ("max pooling", {"padding": "full"}, "padding must be at most 1, half of"),
        ("max pooling", {"padding": [[0, 0], [0, 2]]}, "padding must be at most 1, half of"),
        (
            "max pooling",
            {
                "input_size": 3,
                "kernel_size": 4,
                "dilation": 4,
                "padding": [[2, 2], [2, 2]],
                "ceil_mode": True,
            },
            "size=3",
        ),
        (
            "max pooling",
            {"input_size": 3, "kernel_size": 2, "dilation": 4, "padding": 1},
            "padding must leave each window of the pooling a pixel, got 1: use less",
        ),
        ("max pooling", {"count_include_pad": False}, "count_include_pad must be True with"),
        ("max pooling", {"output_padding": 1}, 'output_padding must be 0 with kind="max pooling"'),
        ("average pooling", {"dilation": 2}, 'dilation must be 1 with kind="average pooling", got 2'),
    ],
)
def test_what_a_kind_of_layer_has_not_is_refused(kind, changes, rule):
    with pytest.raises(TraitError, match=rule):
        ConvolutionExplorer(kind=kind, **changes)


def test_another_kind_keeps_what_fits_and_refuses_the_rest():
    explorer = ConvolutionExplorer(stride=2, selected=(2, 2))
    explorer.kind = "max pooling"
    explorer.ceil_mode = True
    assert (explorer.output.shape, explorer.selected) == ((3, 3), (2, 2))
    with pytest.raises(TraitError, match="ceil_mode must be False"):
        explorer.kind = "transposed"
    with explorer.hold_trait_notifications():
        explorer.kind, explorer.ceil_mode = "transposed", False
    explorer.selected = (6, 6)
    with pytest.raises(TraitError, match=r"of the \(7, 7\) input pixels, got \(7, 0\)"):
        explorer.selected = (7, 0)
    explorer.kind = "convolution"
    assert explorer.selected == (2, 2)


def test_a_name_that_it_does_not_have_is_refused():
    explorer = ConvolutionExplorer()
    with pytest.raises(AttributeError, match=r"ConvolutionExplorer has no 'strides'; it has .*stride, view"):
        explorer.strides = 2
    assert not hasattr(explorer, "strides")
    with pytest.raises(TypeError, match=r"ConvolutionExplorer has no 'strides'; it has .*stride, view"):
        ConvolutionExplorer(strides=2)
    with pytest.raises(TypeError, match="ConvolutionExplorer has no 'output'"):
        ConvolutionExplorer(output=[[1.0]])


def test_same_of_pytorch_is_for_stride_one():
    explorer = ConvolutionExplorer(padding="same", convention="pytorch")
    with pytest.raises(TraitError, match='padding="same" must have stride=1'):
        explorer.stride = 2
    assert explorer.stride == 1


def test_padding_is_no_wider_than_its_mode_can_fill():
    explorer = ConvolutionExplorer(input_size=4, padding=3, padding_mode="reflect")
    with pytest.raises(TraitError, match="pads must be at most 3 a side"):
        explorer.padding = 4


def test_what_fits_only_together_is_set_together():
    explorer = ConvolutionExplorer(input_size=5)
    with explorer.hold_trait_notifications():
        explorer.kernel_size = 7
        explorer.input_size = 9
    assert explorer.output.shape == (3, 3)
    with pytest.raises(TraitError):
        explorer.set_state({"stride": 2, "input_size": 6})
    assert (explorer.stride, explorer.input_size) == (1, 9)


def test_a_grid_brings_its_size():
    explorer = ConvolutionExplorer(image=np.arange(20).reshape(4, 5), kernel=[[1, 0, -1]])
    assert (explorer.input_size, explorer.kernel_size) == ((4, 5), (1, 3))
    np.testing.assert_array_equal(explorer.output, convolve2d(np.arange(20).reshape(4, 5), [[1, 0, -1]]))
    with pytest.raises(TraitError, match=r"kernel_size must be \(1, 3\), as many .* as kernel has, got 3"):
        explorer.kernel_size = 3
    explorer.kernel = "ones"
    explorer.kernel_size = 2
    assert explorer.output.shape == (3, 4)


def test_the_selection_stays_inside_the_output():
    explorer = ConvolutionExplorer(selected=(4, 3))
    explorer.stride = 2
    assert explorer.selected == (2, 2)


def test_what_the_browser_sends_is_checked_as_a_whole():
    explorer = ConvolutionExplorer(input_size=5)
    explorer.set_state(
        {"kernel_size": 7, "input_size": [9, 8], "selected": [2, 1], "padding": [[0, 1], [1, 0]]}
    )
    assert (explorer.input_size, explorer.padding) == ((9, 8), ((0, 1), (1, 0)))
    with pytest.raises(TraitError):
        explorer.set_state({"stride": 3, "input_size": 3})
    assert explorer.stride == 1


@pytest.mark.parametrize("row", GOLDEN, ids=range(len(GOLDEN)))
def test_python_keeps_to_the_golden_table(row):
    explorer = ConvolutionExplorer(**row["setting"])
    setting = explorer._legal_setting()
    assert [list(sides) for sides in setting.pads] == row["pads"]
    assert setting.image_grid == row["image"]
    np.testing.assert_allclose(setting.kernel_grid, row["kernel"])
    count = inputs_per_output if explorer.kind == "transposed" else coverage
    assert np.outer(*(count(size, **window) for size, window in setting.axes)).tolist() == row["reads"]
    np.testing.assert_allclose(explorer.output, row["output"], atol=1e-9)


def per_axis(low, high):
    numbers = st.integers(low, high)
    return numbers | st.tuples(numbers, numbers)


@given(
    st.fixed_dictionaries(
        {
            "image": st.sampled_from(list(IMAGES)),
            "input_size": per_axis(3, 12),
            "kernel": st.sampled_from(list(KERNELS)),
            "kernel_size": per_axis(1, 5),
            "stride": per_axis(1, 4),
            "dilation": per_axis(1, 3),
            "padding": per_axis(0, 4)
            | st.sampled_from(["valid", "same", "full"])
            | st.tuples(*[st.tuples(*[st.integers(0, 4)] * 2)] * 2),
            "convention": st.sampled_from(["tensorflow", "onnx-lower", "pytorch"]),
            "padding_mode": st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
        }
    )
)
def test_torch_agrees_with_the_reference_convolution(setting):
    try:
        explorer = ConvolutionExplorer(**setting)
    except TraitError:
        assume(False)
    chosen = explorer._legal_setting()
    window = {name: setting[name] for name in ("stride", "dilation", "padding", "convention", "padding_mode")}
    expected = convolve2d(chosen.image_grid, chosen.kernel_grid, **window)
    np.testing.assert_allclose(explorer.output, expected, atol=1e-9)


def test_the_presets_are_the_worked_examples():
    for name, example in zip(list(PRESETS)[:6], (*WORKED_5X5, WORKED_7X7, *WORKED_4X4), strict=True):
        np.testing.assert_allclose(ConvolutionExplorer(**PRESETS[name]).output, example.output, err_msg=name)


def test_the_presets_hold_the_four_settings_of_mnist():
    shapes = [ConvolutionExplorer(**PRESETS[name]).output.shape for name in PRESETS if name.startswith("28")]
    assert shapes == [(28, 28), (26, 26), (14, 14), (13, 13)]


@pytest.mark.parametrize("height", [3, 7, 28])
@pytest.mark.parametrize("name", IMAGES)
def test_every_image_shows_something_at_every_size(name, height):
    assert np.ptp(image_cells(name, height, 32)) > 0


def test_named_kernels_are_what_they_say():
    assert kernel_cells("vertical edges", 3, 3) == [[1, 0, -1]] * 3
    assert np.transpose(kernel_cells("horizontal edges", 3, 3)).tolist() == [[1, 0, -1]] * 3
    assert np.sum(kernel_cells("outline", 5, 4)) == 0
    assert np.sum(kernel_cells("mean", 5, 4)) == pytest.approx(1)
    image = np.arange(25).reshape(5, 5)
    np.testing.assert_array_equal(convolve2d(image, kernel_cells("identity", 3, 3)), image[1:-1, 1:-1])


def test_the_static_form_holds_the_state():
    explorer = ConvolutionExplorer(stride=2, padding=((0, 1), (2, 3)), selected=(1, 0))
    placeholder = Placeholder(explorer.static_html())
    assert placeholder.tags[:2] == ["div", "p"]
    assert placeholder.attributes["data-module"] == "convolution_explorer"
    state = json.loads(placeholder.attributes["data-state"])
    assert (state["stride"], state["padding"], state["selected"]) == (2, [[0, 1], [2, 3]], [1, 0])
    again = ConvolutionExplorer(**{name: value for name, value in state.items() if name != "examples"})
    assert again.static_state() == explorer.static_state()


@pytest.mark.parametrize("text", [*HOSTILE, "".join(HOSTILE)])
def test_no_text_breaks_out_of_the_static_form(text):
    placeholder = Placeholder(Note(text=text).static_html())
    assert placeholder.tags == ["div", "p"]
    assert set(placeholder.attributes) == {"class", "data-module", "data-state"}
    assert json.loads(placeholder.attributes["data-state"]) == {"text": text}


@given(st.text())
def test_any_text_comes_back(text):
    assert json.loads(Placeholder(Note(text=text).static_html()).attributes["data-state"]) == {"text": text}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_state_that_json_cannot_say_is_refused(value):
    explorer = ConvolutionExplorer()
    explorer.set_trait("examples", {"a": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        explorer.static_html()


def test_the_output_holds_the_live_view_and_the_static_form():
    data, _ = ConvolutionExplorer()._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= set(data)


def test_without_scripts_there_is_a_sentence():
    words = html.unescape(re.sub("<[^>]*>", "", ConvolutionExplorer(input_size=8, stride=2).fallback()))
    assert "A kernel of 3 by 3 moves over an input of 8 by 8 with stride 2 and padding 0." in words
    assert "The output is 3 by 3, and 15 pixels are never read." in words
    for kind, said in {
        "transposed": "Each pixel places a copy of a kernel of 3 by 3, for an input of 7 by 7",
        "max pooling": "The window of 3 by 3 of a max pooling moves over an input of 7 by 7",
    }.items():
        assert said in ConvolutionExplorer(kind=kind).fallback()


def test_torch_is_not_imported_before_it_is_asked():
    code = (
        "import sys; from helpers.widgets import ConvolutionExplorer as Explorer; Explorer().static_html(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@dataclass
class Picture:
    """What `helpers.plots` makes, as far as `Frames` looks."""

    alt: str
    wide: object
    narrow: object = None


Sheet = namedtuple("Sheet", "svg width height")


def line(stride):
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot(range(0, 9, stride))
    return ax if stride == 2 else figure


def say(stride):
    return f"A line of the multiples of {stride}, rising."


@pytest.fixture(autouse=True)
def _no_window():
    matplotlib.use("agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_frames_hold_a_figure_for_each_value(kind):
    frames = Frames.of("stride", values=(1, 2, 3), draw=line, alt=say, kind=kind, index=1)
    assert (frames.name, frames.labels, frames.index) == ("stride", ["1", "2", "3"], 1)
    assert [frame["alt"] for frame in frames.frames] == [say(1), say(2), say(3)]
    assert {(frame["wide"]["width"], frame["wide"]["height"]) for frame in frames.frames} == {(288, 192)}
    assert len({frame["wide"]["source"] for frame in frames.frames}) == 3
    start = {"svg": "<svg", "png": "data:image/png;base64,iVBOR"}[kind]
    assert all(frame["wide"]["source"].startswith(start) for frame in frames.frames)
    assert plt.get_fignums() == [], "the notebook would show the figures once more"
    assert say(2) in frames.fallback()
    assert "data:image/" in frames.fallback()


def test_frames_are_the_same_at_every_run():
    one, other = (Frames.of("stride", values=[1, 3], draw=line, alt=say).packed for _ in range(2))
    assert one == other


def test_frames_take_pictures_with_their_own_words():
    wide, narrow = Sheet("<svg>wide</svg>", 720, 300), Sheet("<svg>narrow</svg>", 350, 500)
    frames = Frames.of("cell", values=["a"], draw=lambda _: Picture("What it shows.", wide, narrow))
    [frame] = frames.frames
    assert frame["alt"] == "What it shows."
    assert frame["wide"] == {"source": "<svg>wide</svg>", "width": 720, "height": 300}
    assert frame["narrow"]["source"] == "<svg>narrow</svg>"


def test_ten_frames_take_the_room_of_three():
    one = Frames.of("stride", values=[1], draw=line, alt=say)
    ten = Frames.of("stride", values=range(1, 11), draw=line, alt=say)
    assert len(ten.packed) < 3 * len(one.packed)


def test_no_text_breaks_out_of_frames():
    text = "".join(HOSTILE)
    frames = Frames.of(text, values=[text], draw=lambda _: Picture(text, Sheet("<svg></svg>", 1, 1)))
    placeholder = Placeholder(frames.static_html())
    assert placeholder.tags == ["div", "figure", "img"]
    state = json.loads(placeholder.attributes["data-state"])
    assert (state["name"], state["labels"]) == (text, [text])


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"values": []}, ValueError, "at least one value"),
        ({"alt": None}, ValueError, "alt must say"),
        ({"alt": lambda stride: " "}, ValueError, "alt must say"),
        ({"kind": "gif"}, ValueError, "kind must be one of 'svg', 'png', got 'gif'"),
        ({"index": 2}, TraitError, "index must be from 0 to 1, got 2"),
        ({"index": -1}, TraitError, "index must be"),
    ],
)
def test_frames_that_cannot_be_shown_are_refused(changes, error, reason):
    arguments = {"values": [1, 3], "draw": line, "alt": say} | changes
    with pytest.raises(error, match=reason):
        Frames.of("stride", **arguments)


@pytest.mark.parametrize("name", base.module_names())
def test_a_module_is_small_and_becomes_a_script(name):
    script = base.page_script(name)
    most = {"training_explorer": 40_000, "solver_explorer": 32_000, "drills": 60_000}.get(name, 25_000)
    assert len(script.encode()) < most
    assert script.startswith(f'(window.BOOK_WIDGETS ??= {{}})["{name}"] = ')
    assert not re.search(r"^(export|import)\b", script, flags=re.MULTILINE)


@pytest.mark.parametrize("name", base.LIBRARIES)
def test_a_library_gives_all_its_exports(name):
    source = (base.MODULE_FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    exported = re.findall(r"^export (?:async )?\w+\*? (\w+)", source, flags=re.MULTILINE)
    assert base.page_script(name).endswith(f"return {{ {', '.join(exported)} }};}})();\n")
    libraries = base.module_names()[: len(base.LIBRARIES)]
    assert tuple(libraries) == base.LIBRARIES, "a page loads them before those that import them"


@pytest.mark.parametrize("name", base.module_names()[len(base.LIBRARIES) :])
def test_each_host_gets_what_a_module_imports(name):
    source = (base.MODULE_FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    imports = re.findall(r'^import {([^}]*)} from "./(\w+).mjs"', source, flags=re.MULTILINE)
    assert {library for _, library in imports} <= set(base.libraries_of(name))
    live = base.live_module(name)
    for imported, library in imports:
        for each in re.findall(r"\w+", imported):
            assert len(re.findall(rf"^(?:const|function) {each}\b", live, flags=re.MULTILINE)) == 1, each
            assert len(re.findall(rf"(?<![.\w]){each}\b", live)) > 1, f"{each} is imported and not used"
        assert f"const {{{imported}}} = window.BOOK_WIDGETS.{library};" in base.page_script(name)
    assert not re.search(r"^import\b", live, flags=re.MULTILINE)
    declared = re.findall(r"^(?:async )?(?:const|let|function|class) (\w+)", live, flags=re.MULTILINE)
    assert len(declared) == len(set(declared)), "one text, so no name twice"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("const a = 1;\n", "one `export default`"),
        ("export default { render };\nlater();\n", "on its last line"),
        ('import a from "./a.mjs";\nexport default { render };\n', "must not import"),
        ('const a = await import("./a.mjs");\nexport default { render };\n', "must not import"),
        ('import a from "./common.mjs";\nexport default { render };\n', "must not import"),
        (
            'import { a } from "./common.mjs";\n' * 2 + "export default { render };\n",
            "must not import .* once",
        ),
    ],
)
def test_a_module_that_no_page_could_run_is_refused(source, reason, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "MODULE_FOLDER", tmp_path)
    (tmp_path / "odd.mjs").write_text("const b = 2;\n" + source)
    with pytest.raises(ValueError, match=reason):
        base.page_script("odd")


def test_the_style_sheet_says_every_color_twice():
    palette = json.loads(base.PALETTE.read_text(encoding="utf-8"))
    sheet = base.style_sheet()
    for name, colors in palette.items():
        for theme in ("light", "dark"):
            assert f"--book-{name.replace('_', '-')}: {colors[theme]};" in sheet
    used = set(re.findall(r"var\(--book-([\w-]+)\)", sheet))
    assert used <= {name.replace("_", "-") for name in palette}


@pytest.mark.parametrize("index", [False, True, 1.0, "1", None])
@pytest.mark.parametrize(
    ("explorer", "trait", "value"),
    [
        (ConvolutionExplorer, "selected", lambda index: (index, 0)),
        (FeatureMapExplorer, "selected", lambda index: (0, index)),
        (ReceptiveFieldExplorer, "selected", lambda index: (1, index)),
        (ReceptiveFieldExplorer, "editing", lambda index: index),
        (partial(Frames.of, "stride", values=[1, 2], draw=line, alt=say), "index", lambda index: index),
    ],
)
def test_an_index_is_a_whole_number_and_no_bool(explorer, trait, value, index):
    with pytest.raises(TraitError, match=trait):
        explorer(**{trait: value(index)})
