"""The training explorer in Python: what it takes and refuses, what it knows before a run, how that begins."""

import numpy as np
import pytest
import torch
from traitlets import TraitError

from helpers.models import keras_init_, small_cnn
from helpers.widgets import TrainingExplorer
from helpers.widgets.page_networks import MOST_OF_A_NETWORK, TRAINING_PRESETS, image_order

ODD = [
    {"strides": (3, 1), "padding": 2, "kernel_size": 5, "pool": False},
    {"strides": (1, 2), "padding": "same", "convention": "onnx-lower", "border": 3},
    {"padding": "same", "convention": "pytorch", "kernel_size": 4},
    {"strides": (2, 2), "border": 9},
]


def in_torch(network, channels=(8, 16)):
    return small_cnn(**{name: value for name, value in network.items() if name != "name"}, channels=channels)


@pytest.mark.parametrize("networks", [None, ODD], ids=["the four settings", "odd ones"])
def test_plans_are_those_of_the_same_networks_in_torch(networks):
    explorer = TrainingExplorer(**({"networks": networks} if networks else {}))
    for network, plan in zip(explorer.networks, explorer.plans, strict=True):
        model = in_torch(network)
        keras_init_(model, torch.Generator().manual_seed(3))
        assert plan.parameters == sum(each.numel() for each in model.parameters()), network
        image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(4))
        sizes = [28 + network["border"]]
        for name, layer in model.named_children():
            image = layer(image)
            sizes += [image.shape[-1]] if name.startswith(("conv", "pool")) else []
        assert plan.sizes == tuple(sizes), network
        reads = torch.zeros(28, 28, dtype=torch.bool)
        for seed in range(20):  # a pixel that no ReLU or maximum hides in any of them
            images = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(seed)).requires_grad_()
            model(images).square().sum().backward()
            reads |= (images.grad != 0).any(dim=0)[0]
        assert plan.unread == int((~reads).sum()), network


@pytest.mark.parametrize(
    ("trait", "value", "rule"),
    [
        ("networks", [], "networks must be 1 to 4 mappings"),
        ("networks", [{}] * 5, "networks must be 1 to 4 mappings"),
        ("networks", "AB", "networks must be 1 to 4 mappings"),
        ("networks", [3], "networks: each must be a mapping of name, strides"),
        ("networks", [{"stride": 2}], "with .'stride'."),
        ("networks", [{"strides": 2}], "strides must be two, of the first and the second convolution, got 2"),
        ("networks", [{"strides": (0, 1)}], "strides must be at least 1, got 0"),
        ("networks", [{"strides": (1, 5)}], "strides must be from 1 to 4, got 5"),
        ("networks", [{"padding": "full"}], "padding must be a number, 'valid' or 'same', got 'full'"),
        ("networks", [{"padding": 4}], "padding must be from 0 to 3, got 4"),
        ("networks", [{"kernel_size": 8}], "kernel_size must be from 1 to 7, got 8"),
        ("networks", [{"border": 13}], "border must be from 0 to 12, got 13"),
        ("networks", [{"pool": "yes"}], "pool must be"),
        ("networks", [{"convention": "caffe"}], "convention must be one of"),
        ("networks", [{"name": "a"}, {"name": "a"}], "networks must have a name each"),
        ("networks", [{"strides": (4, 4)}], r"\(4, valid\): pool2 has no window that fits"),
        (
            "networks",
            [{"strides": (2, 2), "padding": "same", "convention": "pytorch"}],
            'padding="same" must have stride=1 in the "pytorch" convention, got stride=2',
        ),
        ("channels", (8, 65), "channels must be a whole number from 1 to 64"),
        ("images", "cifar", "images must be one of 'mnist', 'digits', 'garments', got 'cifar'"),
        ("change", "turned", "change must be one of 'none', 'corner', 'shuffled'"),
        ("seed", -1, "seed must be a whole number from 0 to 999999"),
        ("epochs", 0, "epochs must be a whole number from 1 to 50"),
        ("batch_size", 257, "batch_size must be a whole number from 1 to 256"),
        ("learning_rate", 1, "learning_rate must be a number from 0.0001 to 0.1, got 1"),
        ("learning_rate", float("nan"), "learning_rate must be"),
        ("editing", 4, "editing must be a network from 0 to 3, got 4"),
    ],
)
def test_what_is_illegal_is_refused_and_changes_nothing(trait, value, rule):
    explorer = TrainingExplorer()
    before = explorer.static_state()
    with pytest.raises(TraitError, match=rule):
        setattr(explorer, trait, value)
    assert explorer.static_state() == before


def test_a_network_without_a_name_is_called_by_its_setting():
    explorer = TrainingExplorer(networks=[{"strides": [2, 1]}, {"padding": "same"}, {"padding": 2}])
    assert [each["name"] for each in explorer.networks] == ["(2 then 1, valid)", "(1, same)", "(1, 2)"]


@pytest.mark.parametrize("name", TRAINING_PRESETS)
def test_every_preset_can_be_trained(name):
    explorer = TrainingExplorer(**TRAINING_PRESETS[name])
    assert all(plan.parameters > 0 for plan in explorer.plans)


def test_fewer_networks_keep_the_chosen_one_among_them():
    explorer = TrainingExplorer(editing=3)
    explorer.networks = [{}]
    assert explorer.editing == 0


def test_a_start_is_as_keras_draws_it_and_the_seed_decides_it():
    explorer = TrainingExplorer(seed=5)
    found = explorer.start["(1, same)"]
    model = in_torch(explorer.networks[0])
    assert [each.shape for each in found] == [tuple(each.shape) for each in model.parameters()]
    for weight, layer in zip(found[::2], (model.conv1, model.conv2, model.fc1), strict=True):
        inputs, outputs = torch.nn.init._calculate_fan_in_and_fan_out(layer.weight)
        bound = np.sqrt(6 / (inputs + outputs))
        assert 0.9 * bound < np.abs(weight).max() <= bound
        assert abs(weight.mean()) < bound / 3
    assert all((bias == 0).all() for bias in found[1::2])
    valid = explorer.start["(1, valid)"]
    np.testing.assert_array_equal(found[2], valid[2], "layers alike begin alike")
    explorer.seed = 6
    assert (explorer.start["(1, same)"][0] != found[0]).any()


def test_each_epoch_shows_every_image_once_in_another_order():
    epochs = image_order(3, images=50)
    first, second, again = next(epochs), next(epochs), next(image_order(3, images=50))
    assert sorted(first) == sorted(second) == list(range(50))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert (first != next(image_order(4, images=50))).any()


def test_images_are_given_to_the_browser_when_it_asks(monkeypatch):
    explorer = TrainingExplorer()
    assert explorer._packed == b""
    monkeypatch.setattr("helpers.data.packed_excerpt", lambda name: f"packed {name}".encode())
    explorer._wanted = "garments"
    assert explorer._packed == b"packed garments"

    def absent(name):
        raise OSError("no such folder")

    monkeypatch.setattr("helpers.data.packed_excerpt", absent)
    explorer._wanted = "mnist"
    assert explorer._problem == "no such folder"


def test_what_the_browser_reports_is_read_in_python():
    explorer = TrainingExplorer(networks=[{"strides": (2, 2)}, {}], channels=(2, 3))
    explorer._history = [{"network": "(1, valid)", "seen": 500, "accuracy": 0.5, "loss": 1.5, "seconds": 0.2}]
    assert explorer.history[-1]["accuracy"] == 0.5
    start = explorer.start
    for ours, theirs in zip(explorer.weights["(1, valid)"], start["(1, valid)"], strict=True):
        np.testing.assert_array_equal(ours, theirs, "nothing is reported yet")
    flat = [each.ravel() for arrays in start.values() for each in arrays]
    explorer._weights = (np.concatenate(flat) + 1).tobytes()
    for ours, theirs in zip(explorer.weights["(1, valid)"], start["(1, valid)"], strict=True):
        np.testing.assert_array_equal(ours, theirs + np.float32(1))


def test_the_static_form_says_what_is_known_and_holds_no_report():
    explorer = TrainingExplorer(networks=[{"name": "<b>a</b>"}])
    assert "&lt;b&gt;a&lt;/b&gt;" in explorer.fallback()
    assert "28 → 26 → 13 → 11 → 5" in explorer.fallback()
    assert not any(name.startswith("_") for name in explorer.static_state())


def test_the_ends_of_each_setting_are_legal():
    for name, most in MOST_OF_A_NETWORK.items():
        value = (most, 1) if name == "strides" else most
        explorer = TrainingExplorer(networks=[{"padding": 3, "pool": False, name: value}])
        assert explorer.networks[0][name] == value
