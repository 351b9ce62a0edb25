"""The feature map explorer in Python: what it takes and refuses, torch's maps, a model that follows it."""

import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from traitlets import TraitError

from helpers.convolution import convolve2d
from helpers.layers import Conv2dSame
from helpers.models import mnist_cnn
from helpers.widgets import FeatureMapExplorer

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "maps.json").read_text(encoding="utf-8"))
HOSTILE = "'\"></div><script>alert(1)</script>&#39;<!--\\'"


class Placeholder(HTMLParser):
    """What a browser makes of a static form: its elements, and the state in the first."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.state = [], None
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if self.state is None:
            self.state = json.loads(dict(attributes)["data-state"])


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return mnist_cnn(stride=1, padding="same")


def test_the_defaults_are_plain():
    explorer = FeatureMapExplorer()
    assert (explorer.stride, explorer.padding, explorer.relu) == (1, 0, False)
    assert (explorer.filter, explorer.selected) == ("vertical edges", (0, 0))
    assert explorer.output.shape == (26, 26)
    assert explorer.maps.shape == (7, 26, 26)
    assert np.ptp(explorer.image) > 0


@pytest.mark.parametrize(
    ("trait", "value", "rule"),
    [
        ("stride", 0, "stride must be a whole number from 1 to 8, got 0"),
        ("stride", (1, 2), "stride must be a whole number"),
        ("stride", True, "stride must be a whole number"),
        ("padding", 7, "padding must be a whole number from 0 to 6, 'valid' or 'same', got 7"),
        ("padding", "full", "'valid' or 'same', got 'full'"),
        ("padding", (1, 1), "padding must be"),
        ("image", "seven", "image must be a grid of 3 to 32 rows and columns of finite numbers"),
        ("image", np.zeros((1, 28, 28)), "image must be a grid"),
        ("image", np.zeros((33, 28)), "image must be a grid of 3 to 32"),
        ("image", [[0.0, float("inf"), 0.0]] * 3, "finite numbers"),
        ("filters", 3, "filters must be grids by name or an array"),
        ("filters", "blur", "filters must be grids by name or an array"),
        ("filters", [], "filters must be 1 to 64 filters of one shape, each of another name, got 0"),
        ("filters", np.ones((65, 3, 3)), "got 65 of 65 names"),
        ("filters", np.ones((2, 8, 8)), "grids of 1 to 7 rows"),
        ("filters", {"a": [[1]], "b": [[1, 2]]}, r"shapes \[\(1, 1\), \(1, 2\)\]"),
        ("filters", {3: [[1]]}, "filters must have text for names, of 1 to 200 characters, got 3"),
        ("filters", {"": [[1]]}, "filters must have text for names, of 1 to 200 characters, got ''"),
        ("filters", [{"name": "a", "weights": [[1]], "bias": 0}] * 2, "got 2 of 1 names"),
        ("filters", [{"name": "a", "weights": [[1]]}], "with a finite bias; 'a' has .* and None"),
        ("filters", [{"name": "a", "weights": [[1]], "bias": float("nan")}], "with a finite bias"),
        ("filter", "edges", "filter must be one of 'vertical edges', .*, got 'edges'"),
        ("layer", "conv1", "layer must be one of a model's, which is given as model=..., got 'conv1'"),
        ("selected", (26, 0), r"selected must be \(row, column\) of the \(26, 26\) values of the map"),
        ("selected", (0, -1), "selected must be"),
        ("relu", "yes", "relu"),
    ],
)
def test_what_is_illegal_is_refused_and_changes_nothing(trait, value, rule):
    explorer = FeatureMapExplorer()
    before = explorer.static_state()
    with pytest.raises(TraitError, match=rule):
        setattr(explorer, trait, value)
    assert explorer.static_state() == before
    with pytest.raises(TraitError, match=rule):
        FeatureMapExplorer(**{trait: value})


def test_a_filter_is_no_wider_than_the_padded_image():
    explorer = FeatureMapExplorer(np.eye(3), filters={"mean": np.ones((5, 5))}, padding=1)
    with pytest.raises(TraitError, match=r"for size=3 .* which spans 5"):
        explorer.padding = 0
    assert explorer.padding == 1


def test_filters_come_in_three_forms():
    weights = np.arange(18.0).reshape(2, 3, 3)
    explorer = FeatureMapExplorer(filters=weights)
    assert [each["name"] for each in explorer.filters] == ["filter 0", "filter 1"]
    assert explorer.filter == "filter 0"
    record = tuple(tuple(map(tuple, kernel)) for kernel in weights.tolist())  # as `Record.conv1` has them
    assert FeatureMapExplorer(filters=record).filters == explorer.filters
    named = FeatureMapExplorer(filters={"a": weights[0], "b": torch.tensor(weights[1], requires_grad=True)})
    np.testing.assert_array_equal(named.maps, explorer.maps)
    assert FeatureMapExplorer(filters=named.filters, filter="b").filters == named.filters


def test_the_filter_and_the_selection_stay_inside():
    explorer = FeatureMapExplorer(filter="blur", selected=(20, 9))
    explorer.stride = 3
    assert explorer.selected == (8, 8)
    explorer.filters = {"mine": np.ones((3, 3))}
    assert explorer.filter == "mine"


def test_what_the_browser_sends_is_checked_as_a_whole():
    explorer = FeatureMapExplorer()
    explorer.set_state({"stride": 2, "padding": "same", "selected": [13, 13], "filter": "blur"})
    assert (explorer.stride, explorer.padding, explorer.output.shape) == (2, "same", (14, 14))
    with pytest.raises(TraitError):
        explorer.set_state({"stride": 3, "padding": "none"})
    assert explorer.stride == 2


@pytest.mark.parametrize("row", GOLDEN, ids=range(len(GOLDEN)))
def test_python_keeps_to_the_golden_table(row):
    explorer = FeatureMapExplorer(**row["setting"])
    setting = explorer._setting()
    assert [list(sides) for sides in setting.pads] == row["pads"]
    assert setting.pixels_never_read == row["unread"]
    np.testing.assert_allclose(explorer.maps, row["maps"], atol=1e-9)


@given(
    shape=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    taps=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.integers(1, 8),
    padding=st.integers(0, 6) | st.sampled_from(["valid", "same"]),
    relu=st.booleans(),
    seed=st.integers(0, 99),
)
def test_torch_agrees_with_the_reference_convolution(shape, taps, stride, padding, relu, seed):
    chance = np.random.default_rng(seed)
    image, kernels, biases = chance.normal(size=shape), chance.normal(size=(2, *taps)), chance.normal(size=2)
    filters = [
        {"name": str(place), "weights": kernel, "bias": bias}
        for place, (kernel, bias) in enumerate(zip(kernels, biases, strict=True))
    ]
    try:
        explorer = FeatureMapExplorer(image, filters=filters, stride=stride, padding=padding, relu=relu)
    except TraitError:
        assume(False)
    for kernel, bias, ours in zip(kernels, biases, explorer.maps, strict=True):
        expected = convolve2d(image, kernel, stride=stride, padding=padding) + bias
        np.testing.assert_allclose(ours, np.maximum(expected, 0) if relu else expected, atol=1e-9)


def test_the_output_is_the_map_of_the_filter():
    explorer = FeatureMapExplorer(filter="blur")
    np.testing.assert_array_equal(explorer.output, explorer.maps[4])


# A model


def test_at_its_own_setting_a_model_computes_what_it_is(model):
    image = torch.rand(28, 28)
    with torch.inference_mode():
        expected = {
            name: model[: place + 1](image[None, None])[0]
            for place, (name, _) in enumerate(model.named_children())
        }
    explorer = FeatureMapExplorer(image, model=model)
    assert (explorer.stride, explorer.padding, explorer.layer) == (1, "same", "relu2")
    assert explorer._live["layers"] == ["conv1", "pool1", "relu1", "conv2", "pool2", "relu2"]
    np.testing.assert_allclose(explorer.maps, expected["conv1"], atol=1e-6)
    for layer in explorer._live["layers"]:
        explorer.layer = layer
        np.testing.assert_allclose(explorer.layer_maps, expected[layer], atol=1e-6, err_msg=layer)


def test_the_sliders_drive_the_model_and_leave_it_as_it_is(model):
    explorer = FeatureMapExplorer(torch.rand(28, 28), model=model, layer="conv1")
    explorer.stride, explorer.padding = 2, 1
    assert explorer.layer_maps.shape == (32, 14, 14)
    conv = nn.Conv2d(1, 32, 3, stride=2, padding=1)
    conv.load_state_dict(model.conv1.state_dict())
    expected = conv(torch.tensor(explorer.image)[None, None])[0].detach()
    np.testing.assert_allclose(explorer.layer_maps, expected, atol=1e-6)
    assert (model.conv1.stride, model.conv1.padding) == ((1, 1), "same")
    with torch.no_grad():
        model.conv1.weight.mul_(2)
    np.testing.assert_allclose(explorer.layer_maps, expected, atol=1e-6, err_msg="it keeps a copy")


def test_the_browser_gets_what_torch_computed(model):
    explorer = FeatureMapExplorer(torch.rand(28, 28), model=model)
    for change in ({}, {"stride": 2}, {"layer": "conv2"}, {"image": np.eye(28)}):
        explorer.set_trait(*next(iter(change.items()))) if change else None
        live = explorer._live
        assert [live[name] for name in ("layer", "stride", "padding")] == [
            explorer.layer,
            explorer.stride,
            explorer.padding,
        ]
        assert "problem" not in live
        sent = np.frombuffer(explorer._live_maps, np.float32).reshape(live["shape"])
        np.testing.assert_array_equal(sent, explorer.layer_maps)


def test_a_layer_that_cannot_run_says_why_and_the_rest_goes_on():
    explorer = FeatureMapExplorer(model=mnist_cnn(stride=1, padding="valid"), stride=8)
    assert explorer._live["problem"].startswith("conv2 cannot take maps of (2, 2): ")
    assert (explorer._live["shape"], explorer._live_maps) == ((0, 0, 0), b"")
    with pytest.raises(ValueError, match="conv2 cannot take maps"):
        _ = explorer.layer_maps
    explorer.layer = "pool1"
    assert "problem" not in explorer._live
    assert explorer.layer_maps.shape == (32, 2, 2)


def test_a_model_in_training_is_shown_as_it_evaluates():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Dropout(0.5)).train()
    explorer = FeatureMapExplorer(torch.rand(6, 6), model=model)
    np.testing.assert_allclose(explorer.layer_maps, explorer.maps, atol=1e-6)
    assert model[1].training


def test_more_than_64_maps_are_not_sent():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 70, 1))
    explorer = FeatureMapExplorer(torch.rand(6, 6), model=model)
    assert explorer.layer_maps.shape == (70, 4, 4)
    assert explorer._live["shape"] == (70, 4, 4)
    assert len(explorer._live_maps) == 64 * 16 * 4


@pytest.mark.parametrize(
    ("convolution", "expected"),
    [
        (nn.Conv2d(1, 2, 3, stride=2, padding=1), (2, 1)),
        (nn.Conv2d(1, 2, 3, padding="same", bias=False), (1, "same")),
        (Conv2dSame(1, 2, 3, 2), (2, "same")),
        (nn.Conv2d(1, 2, (1, 3), padding=0), (1, 0)),
    ],
)
def test_a_convolution_alone_is_a_model(convolution, expected):
    explorer = FeatureMapExplorer(torch.rand(9, 9), model=convolution)
    assert (explorer.stride, explorer.padding) == expected
    output = convolution(torch.tensor(explorer.image)[None, None])[0].detach()
    np.testing.assert_allclose(explorer.maps, output, atol=1e-6)
    np.testing.assert_allclose(explorer.layer_maps, output, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "error", "rule"),
    [
        (nn.Linear(3, 3), TypeError, "model must be an nn.Conv2d or an nn.Sequential that begins with one"),
        (nn.Sequential(), TypeError, "model must be"),
        (nn.Sequential(nn.ReLU(), nn.Conv2d(1, 1, 3)), TypeError, "model must be"),
        (nn.Conv2d(3, 8, 3), ValueError, "must begin with a convolution of one channel, not dilated"),
        (nn.Conv2d(1, 8, 3, dilation=2), ValueError, "not dilated"),
        (nn.Conv2d(1, 8, 3, padding=1, padding_mode="reflect"), ValueError, "padded with zeros, got Conv2d"),
        (Conv2dSame(1, 8, 3, padding_mode="circular"), ValueError, "padded with zeros"),
        (nn.Conv2d(1, 8, 3, padding=(1, 0)), TraitError, "padding must be a whole number"),
        (nn.Conv2d(1, 8, 9), TraitError, "grids of 1 to 7 rows"),
    ],
)
def test_a_model_that_cannot_be_shown_is_refused(model, error, rule):
    with pytest.raises(error, match=rule):
        FeatureMapExplorer(model=model)


def test_a_model_brings_its_filters(model):
    with pytest.raises(ValueError, match="filters must not be given with a model"):
        FeatureMapExplorer(model=model, filters=np.ones((1, 3, 3)))
    explorer = FeatureMapExplorer(model=model)
    with pytest.raises(TraitError, match="filters must stay those of the model"):
        explorer.filters = np.ones((1, 3, 3))
    with pytest.raises(TraitError, match=r"layer must be one of 'conv1', .*'relu2', got 'fc1'"):
        explorer.layer = "fc1"
    with pytest.raises(ValueError, match="layer_maps needs a model"):
        _ = FeatureMapExplorer().layer_maps


# The static form


def test_the_static_form_holds_the_state():
    explorer = FeatureMapExplorer(stride=2, padding="same", filter="blur", relu=True, selected=(1, 2))
    placeholder = Placeholder(explorer.static_html())
    assert placeholder.tags == ["div", "p"]
    again = FeatureMapExplorer(
        **{name: value for name, value in placeholder.state.items() if name != "layer"}
    )
    assert again.static_state() == explorer.static_state()


def test_what_torch_computed_is_not_in_the_page(model):
    state = Placeholder(FeatureMapExplorer(model=model).static_html()).state
    assert set(state) == {"filter", "filters", "image", "layer", "padding", "relu", "selected", "stride"}


def test_no_text_breaks_out_of_the_static_form():
    explorer = FeatureMapExplorer(filters={HOSTILE: np.ones((3, 3))})
    placeholder = Placeholder(explorer.static_html())
    assert placeholder.tags == ["div", "p"]
    assert placeholder.state["filter"] == placeholder.state["filters"][0]["name"] == HOSTILE


def test_the_output_holds_the_live_view_and_the_static_form():
    data, _ = FeatureMapExplorer()._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= set(data)


def test_without_scripts_there_are_two_sentences():
    words = html.unescape(re.sub("<[^>]*>", "", FeatureMapExplorer(stride=2).fallback()))
    assert "7 filters of 3 by 3 pixels move over an image of 28 by 28 with stride 2 and padding 0." in words
    assert "Each makes a map of 13 by 13, and 55 pixels are never read." in words


def test_torch_is_not_imported_before_it_is_asked():
    code = (
        "import sys; from helpers.widgets import FeatureMapExplorer as Explorer; Explorer().static_html(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
