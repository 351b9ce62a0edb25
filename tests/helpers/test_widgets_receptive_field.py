"""The receptive field explorer in Python: its layers, what it refuses, what it computes, its static form."""

import html
import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from test_widgets import HOSTILE, Placeholder
from torch import nn
from torchvision.ops import SqueezeExcitation
from traitlets import TraitError

from helpers.anatomy import anatomy
from helpers.arithmetic import Layer, network_unread, trace
from helpers.models import fashion_cnn, mnist_cnn
from helpers.widgets import ReceptiveFieldExplorer
from helpers.widgets.networks import MOST_OF_A_LAYER, MOST_UNITS, NETWORKS

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "stacks.json").read_text(encoding="utf-8"))
CONVOLUTION = {"kernel_size": 3, "channels": 4}
GROWN = {"kernel_size": 3, "stride": 2, "kind": "transposed", "channels": 4}


def test_it_opens_with_the_network_that_reads_least():
    explorer = ReceptiveFieldExplorer()
    assert [row.size for row in explorer.rows] == [13, 6, 2, 1]
    assert explorer.field == range(21)
    assert explorer.unread == tuple(range(21, 28))
    assert (explorer.selected, explorer.editing) == (None, 0)


@pytest.mark.parametrize(
    ("trait", "value", "rule"),
    [
        ("dimensions", 3, "dimensions must be a whole number from 1 to 2, got 3"),
        ("input_size", 0, "input_size must be a whole number from 1 to 1024, got 0"),
        ("input_size", 1025, "input_size must be a whole number from 1 to 1024, got 1025"),
        ("input_size", True, "input_size must be a whole number"),
        ("input_size", "28", "input_size must be a whole number from 1 to 1024, got '28'"),
        ("input_size", 20, r"'pool2', number 4 of 4, shrinks the map below one pixel"),
        ("in_channels", 2049, "in_channels must be a whole number from 1 to 2048, got 2049"),
        ("layers", [], "layers must be a list of 1 to 28 layers, got "),
        ("layers", [Layer(1)] * 29, "layers must be a list of 1 to 28 layers"),
        ("layers", Layer(3), "layers must be a list of 1 to 28 layers"),
        (
            "layers",
            [Layer(3), Layer(3, 2, kind="transposed", output_shape=60)],
            r"layers\[1\] must leave output_shape out in the explorer",
        ),
        ("layers", [Layer(2, ceil_mode="bare")], "ceil_mode must be True or False, got 'bare'"),
        ("layers", [{"kernel_size": 2, "kind": "unpooling"}], "kind must be one of 'transposed', 'resize'"),
        ("layers", [CONVOLUTION | {"ceil_mode": True}], "ceil_mode must be False for a layer with weights"),
        (
            "layers",
            [{"kernel_size": 2, "kind": "transposed", "ceil_mode": True}],
            'ceil_mode must be False for kind="transposed"',
        ),
        ("layers", [CONVOLUTION | {"output_padding": 1}], "output_padding must be left out for kind="),
        ("layers", [GROWN | {"output_padding": 2}], "output_padding must be below 2"),
        ("layers", [GROWN | {"stride": 16, "output_padding": 16}], "output_padding must be below 16"),
        ("layers", [GROWN | {"padding": "full"}], 'padding must be "valid", "same" or numbers'),
        ("layers", [GROWN | {"padding": "causal"}], 'padding must be "valid", "same" or numbers'),
        (
            "layers",
            [GROWN | {"depthwise": True, "channels": None}],
            'depthwise must be False with kind="tran',
        ),
        ("layers", [{"kernel_size": 2, "kind": "resize", "channels": 3}], "channels must be None with kind="),
        ("layers", [{"kernel_size": 2, "kind": "resize", "stride": 3}], 'stride must be 2 for kind="resize"'),
        (
            "layers",
            [{"kernel_size": 2, "kind": "resize", "padding": 1}],
            'padding must be .* for kind="resize"',
        ),
        ("layers", [Layer(3, 2, padding=15, kind="transposed")] * 5, "'layer 5', number 5 of 5, shrinks"),
        (
            "layers",
            [Layer(16, kind="resize", name="up")] * 3,
            "'up', number 2 of 3, must have a map of",
        ),
        (
            "layers",
            [Layer(16, kind="resize"), Layer(16, 16)] * 4,
            "layers that grow must multiply to at most",
        ),
        ("layers", [Layer(3), 3], r"layers\[1\] must be a Layer or a mapping of settings, got 3"),
        ("layers", [{}], r"layers\[0\]: kernel_size must be a whole number, got None"),
        ("layers", [{"kernel_size": 0}], r"layers\[0\]: kernel_size must be at least 1, got 0"),
        (
            "layers",
            [{"kernel_size": 3, "padding": -1}],
            r"layers\[0\]: padding\[0\] must be at least 0|padding",
        ),
        ("layers", [{"kernel_size": 3, "padding": "some"}], "padding must be one of 'valid', 'same', 'full'"),
        ("layers", [{"kernel_size": 3, "convention": "keras"}], "convention must be one of"),
        ("layers", [{"kernel_size": 3, "name": 7}], "name must be a string, got 7"),
        ("layers", [{"kernel_size": 3, "bias": 1}], "bias must be True or False, got 1"),
        ("layers", [{"kernel_size": 3, "channels": 0}], "channels must be at least 1, got 0"),
        ("layers", [{"kernel_size": 3, "channels": "8"}], "channels must be a whole number, got '8'"),
        ("layers", [{"kernel": 3}], r"layers\[0\]: settings must be among kernel_size, .*, got 'kernel'"),
        ("layers", [Layer(3, padding=(1, 16))], r"padding must be at most 15 in the explorer, got \[1, 16\]"),
        ("layers", [Layer(29, name="wide")], "kernel_size must be at most 16 in the explorer, got 29"),
        ("layers", [{"kernel_size": 3, "depthwise": 1}], "depthwise must be True or False, got 1"),
        (
            "layers",
            [{"kernel_size": 3, "depthwise": True, "channels": 8}],
            r"layers\[0\]: channels must be None for a depthwise layer, .*, got 8",
        ),
        ("layers", [{"kernel_size": 3, "channels": 2049}], "channels must be at most 2048"),
        ("layers", [Layer(15), Layer(15, name="wide")], r"'wide', number 2 of 2, shrinks the map"),
        (
            "layers",
            [{"kernel_size": 3, "stride": 2, "padding": "same", "convention": "pytorch"}],
            'padding="same" must have stride=1',
        ),
        ("editing", 4, "editing must be a layer from 0 to 3, got 4"),
        ("editing", -1, "editing must be a layer from 0 to 3, got -1"),
        ("selected", (0, 13), r"selected must be \(layer, unit\) of maps of \[13, 6, 2, 1\] units, or None"),
        ("selected", (4, 0), "selected must be"),
        ("selected", (0, -1), "selected must be"),
        ("selected", (-1, 0), "selected must be"),
    ],
)
def test_what_is_illegal_is_refused_and_changes_nothing(trait, value, rule):
    explorer = ReceptiveFieldExplorer()
    before = explorer.static_state()
    with pytest.raises(TraitError, match=rule):
        setattr(explorer, trait, value)
    assert explorer.static_state() == before
    with pytest.raises(TraitError, match=rule):
        ReceptiveFieldExplorer(**{trait: value})


@pytest.mark.parametrize("name", MOST_OF_A_LAYER)
def test_the_most_of_each_setting_is_taken(name):
    setting = {"kernel_size": 1, "padding": "same", name: MOST_OF_A_LAYER[name]}
    if name == "output_padding":
        setting |= {"kind": "transposed", "stride": 16, "padding": 0}
    explorer = ReceptiveFieldExplorer(input_size=64, layers=[setting])
    assert explorer.layers[0][name] == MOST_OF_A_LAYER[name]


def test_layers_and_mappings_go_together():
    explorer = ReceptiveFieldExplorer()
    explorer.layers = [Layer(3, padding=1, name="a"), Layer(2, 2, (0, 1)), {**CONVOLUTION, "padding": (1, 1)}]
    assert [layer["padding"] for layer in explorer.layers] == [1, [0, 1], [1, 1]]
    assert [layer["channels"] for layer in explorer.layers] == [None, None, 4]
    assert [row.name for row in explorer.rows] == ["a", "layer 2", "layer 3"]
    explorer.layers = [*explorer.layers, Layer(2)]
    assert len(explorer.rows) == 4
    explorer.layers = [
        *(Layer(2, kind="pooling", ceil_mode=True), Layer(3, 2, output_padding=1, kind="transposed")),
        *(
            Layer(3, kind="resize"),
            {"kernel_size": 2, "kind": "resize"},
            {"kernel_size": 2, "kind": "pooling"},
        ),
        Layer(3, padding="causal"),
    ]
    kinds = [None, "transposed", "resize", "resize", None, None]
    assert [layer["kind"] for layer in explorer.layers] == kinds
    assert [layer["stride"] for layer in explorer.layers] == [2, 2, 3, 2, 2, 1]
    again = ReceptiveFieldExplorer(layers=explorer.layers)
    assert again.layers == explorer.layers
    assert again.rows[-1][:4] == ("layer 6", 90, Fraction(1, 3), 4)


def test_numbers_of_numpy_become_plain():
    explorer = ReceptiveFieldExplorer(
        layers=[{name: np.int64(2) for name in ("kernel_size", "channels", "padding")}]
    )
    again = json.loads(Placeholder(explorer.static_html()).attributes["data-state"])
    assert again["layers"] == explorer.layers


def test_what_fits_only_together_is_set_together():
    explorer = ReceptiveFieldExplorer()
    with explorer.hold_trait_notifications():
        explorer.input_size = 5
        explorer.layers = [Layer(3)]
    assert explorer.rows[0].size == 3
    with pytest.raises(TraitError):
        explorer.set_state({"input_size": 2, "in_channels": 3})
    assert (explorer.input_size, explorer.in_channels) == (5, 1)


def test_what_the_browser_sends_is_checked_as_a_whole():
    explorer = ReceptiveFieldExplorer()
    network = NETWORKS["VGG-16"]
    explorer.set_state({**network, "editing": 17, "selected": [17, 3]})
    assert (explorer.editing, explorer.selected) == (17, (17, 3))
    assert explorer.field == range(-90 + 3 * 32, -90 + 3 * 32 + 212)
    with pytest.raises(TraitError):
        explorer.set_state({"layers": [{"kernel_size": 3}], "editing": 1})
    assert len(explorer.layers) == 18


def test_the_selection_stays_where_there_are_units():
    explorer = ReceptiveFieldExplorer(editing=3, selected=(2, 1))
    explorer.layers = explorer.layers[:2]
    assert (explorer.editing, explorer.selected) == (1, (1, 1))
    explorer.input_size = 7
    assert explorer.selected == (1, 0)


def test_without_a_selection_the_middle_of_the_last_map_is_shown():
    explorer = ReceptiveFieldExplorer(input_size=9, layers=[Layer(3), Layer(3)])
    assert explorer.field == range(2, 7)
    explorer.layers = [Layer(3)]
    assert (explorer.selected, explorer.field) == (None, range(3, 6))


@pytest.mark.parametrize("row", GOLDEN, ids=range(len(GOLDEN)))
def test_python_keeps_to_the_golden_table(row):
    explorer = ReceptiveFieldExplorer(**row["setting"])
    assert [[float(number) for number in each[1:]] for each in explorer.rows] == row["rows"]
    assert list(explorer.unread) == row["unread"]
    assert set(row["middle"]) <= set(explorer.field)


@given(
    st.integers(1, 64),
    st.lists(
        st.builds(
            Layer,
            kernel_size=st.integers(1, 4),
            stride=st.integers(1, 3),
            padding=st.integers(0, 2) | st.sampled_from(["valid", "same"]),
            dilation=st.integers(1, 2),
            convention=st.sampled_from(["tensorflow", "onnx-lower"]),
            kind=st.just("transposed"),
        )
        | st.builds(Layer, kernel_size=st.integers(1, 3), kind=st.just("resize"))
        | st.builds(Layer, kernel_size=st.integers(1, 4), stride=st.integers(1, 3), ceil_mode=st.just(True))
        | st.builds(
            Layer,
            kernel_size=st.integers(1, 4),
            stride=st.integers(1, 3),
            padding=st.integers(0, 4)
            | st.tuples(*[st.integers(0, 4)] * 2)
            | st.sampled_from(["valid", "same", "full"]),
            dilation=st.integers(1, 2),
            convention=st.sampled_from(["tensorflow", "onnx-lower"]),
            name=st.text(max_size=5),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_a_stack_is_what_arithmetic_says_or_is_refused(size, layers):
    try:
        expected = trace(size, layers)
    except ValueError as error:
        with pytest.raises(TraitError, match=re.escape(str(error))):
            ReceptiveFieldExplorer(input_size=size, layers=layers)
        return
    if max(row.size for row in expected) > MOST_UNITS:
        with pytest.raises(TraitError, match="to be drawn, got"):
            ReceptiveFieldExplorer(input_size=size, layers=layers)
        return
    explorer = ReceptiveFieldExplorer(input_size=size, layers=layers)
    assert [row[:5] for row in explorer.rows] == [tuple(row) for row in expected]
    assert explorer.unread == network_unread(size, layers)


# Networks

FRAMES = list(zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True))


def windows_of(model):
    """Kernel size, stride, padding, channels and bias of a model's convolutions and poolings."""
    found = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            window = module.kernel_size[0], module.stride[0], module.padding
            found.append((*window, module.out_channels, module.bias is not None))
        elif isinstance(module, nn.MaxPool2d):
            found.append((module.kernel_size, module.stride, module.padding, None, True))
    return [
        (*window, *rest)
        for *window, padding, channels, bias in found
        for rest in [(pads(padding), channels, bias)]
    ]


def pads(padding):
    """One number for both axes; torch gives two for a convolution, `Conv2dSame` a word."""
    return padding[0] if isinstance(padding, tuple) else padding


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("AlexNet", lambda: torchvision.models.alexnet(weights=None).features),
        ("VGG-16", lambda: torchvision.models.vgg16(weights=None).features),
        ("Fashion-MNIST: model A", lambda: fashion_cnn(stride=2)),
        ("Fashion-MNIST: model B", lambda: fashion_cnn(stride=1)),
        *[
            (
                f"MNIST: stride {stride}, valid",
                lambda stride=stride: mnist_cnn(stride=stride, padding="valid"),
            )
            for stride in (1, 2)
        ],
    ],
)
def test_a_network_is_the_one_of_its_name(name, build):
    network = NETWORKS[name]
    settings = ReceptiveFieldExplorer(**network).layers
    with torch.device("meta"):  # weights would take seconds to draw
        model = build()
    names = ("kernel_size", "stride", "padding", "channels", "bias")
    plain = [{**each, "padding": 0 if each["padding"] == "valid" else each["padding"]} for each in settings]
    assert [tuple(each[setting] for setting in names) for each in plain] == windows_of(model)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_networks_with_same_have_the_maps_of_their_models(stride):
    explorer = ReceptiveFieldExplorer(**NETWORKS[f"MNIST: stride {stride}, same"])
    model = mnist_cnn(stride=stride, padding="same")
    last = explorer.rows[-1]
    assert last.size**2 * 64 == model.fc1.in_features
    learned = [sum(each.numel() for each in layer.parameters()) for layer in (model.conv1, model.conv2)]
    assert [row.parameters for row in explorer.rows if row.parameters] == learned


def test_the_stem_of_resnet_is_torchvisions():
    model = torchvision.models.resnet18(weights=None)
    stem = nn.Sequential(model.conv1, model.maxpool)
    layers = ReceptiveFieldExplorer(**NETWORKS["ResNet stem"]).layers
    names = ("kernel_size", "stride", "padding", "channels", "bias")
    assert [tuple(each[name] for name in names) for each in layers] == windows_of(stem)


def along_the_branch(model, last):
    """What `anatomy` says of the convolutions and poolings on the path to a layer, as an explorer's rows.

    What looks at a whole map to weigh its channels stands beside the path.
    """
    with torch.device("meta"):
        network = torchvision.models.get_model(model, weights=None)
    for module in [*network.modules()]:
        for name, child in module.named_children():
            if isinstance(child, SqueezeExcitation):
                setattr(module, name, nn.Identity())
    table = anatomy(network, 224)
    path = table[: list(table.name).index(last) + 1]
    path = path[path.type.isin(["Conv2d", "MaxPool2d", "Linear"])]
    return [
        (
            row.output_shape[1 if row.type == "Linear" else 2],  # (N, H, W, C) there
            row.jump[0],
            row.receptive_field[0],
            row.start[0],
            row.parameters,
            row.macs,
        )
        for row in path.itertuples()
    ]


@pytest.mark.parametrize(
    ("name", "model", "last"),
    [
        ("AlexNet", "alexnet", "features.12"),
        ("VGG-16", "vgg16", "features.30"),
        ("ResNet stem", "resnet18", "maxpool"),
        ("MobileNetV2, to 14 × 14", "mobilenet_v2", "features.7.conv.2"),
        ("EfficientNet-B0, to 14 × 14", "efficientnet_b0", "features.4.2.block.3.0"),
        ("ConvNeXt-T, to 28 × 28", "convnext_tiny", "features.3.2.block.5"),
        ("ViT-B/16 patches", "vit_b_16", "conv_proj"),
    ],
)
def test_a_network_has_the_numbers_of_torchvisions(name, model, last):
    rows = ReceptiveFieldExplorer(**NETWORKS[name]).rows
    assert [tuple(row[1:]) for row in rows] == along_the_branch(model, last)


@pytest.mark.parametrize(
    ("name", "field", "jump", "start", "macs"),
    [  # Araujo, Norris & Sim 2019 print field, jump and padding of VGG-16
        ("VGG-16", 212, 32, -90, 15_346_630_656),
        ("AlexNet", 195, 32, -66, 655_566_528),
        ("ResNet stem", 11, 4, -5, 118_013_952),
    ],
)
def test_published_numbers_come_out(name, field, jump, start, macs):
    explorer = ReceptiveFieldExplorer(**NETWORKS[name])
    last = explorer.rows[-1]
    assert (last.receptive_field, last.jump, last.start) == (field, jump, start)
    assert sum(row.macs for row in explorer.rows) == macs


def test_a_u_net_has_the_sizes_of_its_paper():
    explorer = ReceptiveFieldExplorer(**NETWORKS["U-Net, through the bottom"])
    sizes = {row.name: row.size for row in explorer.rows}
    # Ronneberger, Fischer & Brox 2015, figure 1
    printed = [572, 570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28]
    assert [explorer.input_size, *sizes.values()][:15] == printed
    assert [sizes[f"up{level}_2"] for level in (4, 3, 2, 1)] == [52, 100, 196, 388]
    across = ReceptiveFieldExplorer(**NETWORKS["U-Net, over the outermost skip"])
    assert across.rows[-1].receptive_field == 9
    assert explorer.rows[-1].jump == 1
    assert len(explorer.field) <= explorer.rows[-1].receptive_field


def test_sound_is_framed_as_by_wav2vec():
    explorer = ReceptiveFieldExplorer(**NETWORKS["Sound in frames, 16 kHz"])
    with torch.device("meta"):
        layers = [nn.Conv1d(512 if place else 1, 512, *FRAMES[place], bias=False) for place in range(7)]
        frames = nn.Sequential(*layers)
        learned = [sum(each.numel() for each in layer.parameters()) for layer in layers]
        last = frames(torch.empty(1, 1, 1024)).shape[-1]
    row = explorer.rows[-1]
    assert (row.receptive_field, row.jump, row.size) == (400, 320, last)
    assert [row.parameters for row in explorer.rows] == learned


def test_a_unit_between_copies_sees_nothing():
    explorer = ReceptiveFieldExplorer(layers=[Layer(1, 2, kind="transposed")], selected=(0, 1))
    assert explorer.field == range(0)
    explorer.selected = (0, 2)
    assert explorer.field == range(1, 2)


def test_neighbors_behind_a_doubling_see_unlike():
    layers = [Layer(3, padding=1), Layer(2, kind="pooling"), Layer(3, padding=1), Layer(2, kind="resize")]
    explorer = ReceptiveFieldExplorer(input_size=14, layers=[*layers, Layer(3, padding=1)])
    seen = []
    for unit in (5, 6, 7):
        explorer.selected = (4, unit)
        seen.append(explorer.field)
    assert seen == [range(1, 11), range(1, 11), range(3, 13)]


# The static form


def test_the_static_form_holds_the_state():
    explorer = ReceptiveFieldExplorer(
        input_size=12, layers=[Layer(3, padding=(0, 1)), CONVOLUTION], selected=(1, 2)
    )
    placeholder = Placeholder(explorer.static_html())
    assert placeholder.tags[:3] == ["div", "p", "table"]
    assert placeholder.attributes["data-module"] == "receptive_field_explorer"
    state = json.loads(placeholder.attributes["data-state"])
    again = ReceptiveFieldExplorer(**{name: value for name, value in state.items() if name != "examples"})
    assert again.static_state() == explorer.static_state()


@pytest.mark.parametrize("text", [*HOSTILE, "".join(HOSTILE)])
def test_no_name_breaks_out_of_the_static_form(text):
    plain, explorer = (ReceptiveFieldExplorer(layers=[Layer(3, name=name)]) for name in ("conv", text))
    explorer.set_trait("examples", {text: NETWORKS["VGG-16"]})
    placeholder = Placeholder(explorer.static_html())
    assert placeholder.tags == Placeholder(plain.static_html()).tags
    assert set(placeholder.attributes) == {"class", "data-module", "data-state"}
    state = json.loads(placeholder.attributes["data-state"])
    assert (state["layers"][0]["name"], list(state["examples"])) == (text, [text])


def test_without_scripts_there_is_a_table():
    fallback = ReceptiveFieldExplorer(**NETWORKS["MNIST: stride 2, valid"]).fallback()
    words = html.unescape(re.sub("<[^>]*>", " ", fallback))
    assert "over an image of 28 by 28 pixels, of which 343 are never read" in words
    rows = [re.findall("<td>(.*?)</td>", row) for row in fallback.split("<tr>")]
    assert rows[-1][:7] == ["pool2", "1", "16", "21", "0", "0", "0"]
    assert rows[-2][5:] == ["18,496", "73,728"]
    sound = ReceptiveFieldExplorer(**NETWORKS["Sound in frames, 16 kHz"]).fallback()
    assert "over a signal of 1024 samples, of which 304 are never read" in sound
    grown = ReceptiveFieldExplorer(layers=[Layer(2, kind="resize", name="double")]).fallback()
    assert "<td>double</td><td>56</td><td>1/2</td>" in grown


def test_torch_is_not_imported():
    code = (
        "import sys; from helpers.widgets import ReceptiveFieldExplorer as Explorer; "
        "Explorer().static_html(); Explorer().rows; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
