"""One network in each kind of file has one table; ONNX operators agree with ONNX's own evaluator."""

import json
import re
import zipfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from helpers.anatomy import IncompleteAnatomy, anatomy, load_model
from helpers.anatomy.__main__ import main

SIZE = (1, 3, 33, 30)
COLUMNS = [
    "output_shape",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
    "receptive_field",
    "jump",
]
COLUMNS += ["start", "parameters", "macs", "activation_bytes", "pixels_unread", "padding_unread", "unknown"]


def network():
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, 2, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(8, 8, 3, dilation=2, groups=8),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 2 * 2, 5),
    ).eval()


def keras_layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, "data_format": "channels_last"} | config}


def keras_config():
    """The same network as Keras writes it, with explicit padding."""
    window = {"padding": "valid", "use_bias": True, "activation": "linear", "dilation_rate": [1, 1]}
    layers = [
        keras_layer("InputLayer", "image", batch_shape=[None, 33, 30, 3]),
        keras_layer("ZeroPadding2D", "pad", padding=[[2, 2], [2, 2]]),
        keras_layer("Conv2D", "a", filters=8, kernel_size=[5, 5], strides=[2, 2], **window),
        keras_layer("ReLU", "relu"),
        keras_layer("ZeroPadding2D", "pad_2", padding=[[1, 1], [1, 1]]),
        keras_layer("MaxPooling2D", "pool", pool_size=[3, 3], strides=[2, 2], padding="valid"),
        keras_layer(
            "DepthwiseConv2D",
            "b",
            kernel_size=[3, 3],
            strides=[1, 1],
            depth_multiplier=1,
            **{**window, "dilation_rate": [2, 2]},
        ),
        keras_layer("AveragePooling2D", "mean", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        keras_layer("Flatten", "flat"),
        keras_layer("Dense", "dense", units=5, use_bias=True, activation="linear"),
    ]
    return {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}


def write_keras(path, config):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    return path


def write(kind, folder):
    model, image = network(), torch.zeros(SIZE)
    path = folder / f"net.{kind.split()[0]}"
    if kind == "pt scripted":
        torch.jit.save(torch.jit.script(model), path)
    elif kind == "pt traced":
        torch.jit.save(torch.jit.trace(model, image), path)
    elif kind == "pt2":
        torch.export.save(torch.export.export(model, (image,)), path)
    elif kind == "onnx":
        torch.onnx.export(model, (image,), path, dynamo=True, verbose=False)
    else:
        write_keras(path, keras_config())
    return str(path)


def rows(table):
    """What each layer is and reads: the first row of each kernel or matrix, and what the model returns."""
    kept = table[table.parameters.gt(0) | table.kernel_size.notna()]
    return kept[COLUMNS].astype(str).values.tolist()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("kind", ["pt scripted", "pt traced", "pt2", "onnx", "keras"])
def test_one_network_has_one_table_whatever_the_file(kind, tmp_path):
    expected = anatomy(network(), SIZE)
    found = anatomy(load_model(write(kind, tmp_path), trust=kind == "pt2"), SIZE)
    assert rows(found) == rows(expected)
    assert len(rows(found)) == 5
    assert found.macs.sum() == expected.macs.sum()


def graph(nodes, outputs, image=(1, 3, 9, 8), weights=()):
    """A model of ONNX, and its inputs."""
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, image)]
    returned = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in outputs]
    initial = [numpy_helper.from_array(value, name) for name, value in dict(weights).items()]
    return helper.make_model(
        helper.make_graph(nodes, "net", given, returned, initial), opset_imports=[helper.make_opsetid("", 18)]
    )


rng = np.random.default_rng(0)
KERNEL = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
node = helper.make_node
OPERATORS = {
    "SAME_UPPER": node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2]),
    "SAME_LOWER": node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=[2, 2]),
    "uneven pads": node("Conv", ["x", "w"], ["y"], pads=[0, 1, 2, 1], strides=[2, 1]),
    "ConvTranspose": node("ConvTranspose", ["x", "v"], ["y"], strides=[2, 2], pads=[0, 0, 1, 1]),
    "MaxPool": node("MaxPool", ["x"], ["y"], kernel_shape=[2, 3], auto_pad="SAME_UPPER", strides=[2, 2]),
    "AveragePool": node("AveragePool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 1]),
    "Slice": node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"]),
    "Split": node("Split", ["x"], ["y", "z"], axis=2, num_outputs=2),
    "Pad": node("Pad", ["x", "pads"], ["y"], mode="reflect"),
    "Gather": node("Gather", ["x", "index"], ["y"], axis=3),
    "DepthToSpace": node("DepthToSpace", ["x"], ["y"], blocksize=2),
    "SpaceToDepth": node("SpaceToDepth", ["x"], ["y"], blocksize=2),
    "ReduceMean": node("ReduceMean", ["x", "axes"], ["y"], keepdims=0),
    "Resize": node(
        "Resize",
        ["x", "", "scales"],
        ["y"],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    ),
    "LayerNormalization": node("LayerNormalization", ["x", "scale"], ["y"]),
    "Flatten": node("Flatten", ["x"], ["y"], axis=2),
    "Transpose": node("Transpose", ["x"], ["y"]),
    "Clip": node("Clip", ["x", "low"], ["y"]),
    "LSTM": node("LSTM", ["x", "lstm_w", "lstm_r", "lstm_b"], ["y", "h", "c"], hidden_size=2),
    "LSTM by batch": node("LSTM", ["x", "lstm_w", "lstm_r"], ["y", "h", "c"], hidden_size=2, layout=1),
    "GRU": node("GRU", ["x", "gru_w", "gru_r", "gru_b"], ["y", "h"], hidden_size=2, linear_before_reset=1),
    "RNN": node("RNN", ["x", "rnn_w", "rnn_r", "rnn_b"], ["y", "h"], hidden_size=2),
    "ScatterND": node("ScatterND", ["x", "places", "update"], ["y"]),
    "CumSum": node("CumSum", ["x", "last"], ["y"]),
}
WEIGHTS = {
    "w": KERNEL,
    "v": KERNEL.transpose(1, 0, 2, 3).copy(),
    "starts": np.array([7, 1]),
    "ends": np.array([0, 100]),
    "axes": np.array([2, 3]),
    "steps": np.array([-2, 2]),
    "pads": np.array([0, 0, 1, 2, 0, 0, 2, 0]),
    "index": np.array([[0, 3], [7, 1]]),
    "scales": np.array([1, 1, 2, 2], np.float32),
    "scale": np.ones(8, np.float32) * 2,
    "low": np.array(0.25, np.float32),
    "places": np.array([[0, 1]]),
    "update": np.ones((1, 9, 8), np.float32),
    "last": np.array(3),
    **{
        f"{kind}_{name}": rng.normal(size=(1, gates * 2, *size)).astype(np.float32)
        for kind, gates in {"lstm": 4, "gru": 3, "rnn": 1}.items()
        for name, size in {"w": (8,), "r": (2,)}.items()
    },
    **{
        f"{kind}_b": rng.normal(size=(1, gates * 4)).astype(np.float32)
        for kind, gates in {"lstm": 4, "gru": 3, "rnn": 1}.items()
    },
}
IMAGES = {"DepthToSpace": (1, 8, 3, 4), "SpaceToDepth": (1, 2, 8, 6)}
IMAGES |= dict.fromkeys(("LSTM", "LSTM by batch", "GRU", "RNN"), (3, 4, 8))


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_compute_what_onnx_says(name, tmp_path):
    operator = OPERATORS[name]
    image = IMAGES.get(name, (1, 3, 9, 8))
    weights = {key: value for key, value in WEIGHTS.items() if key in operator.input}
    made = graph([operator], operator.output, image, weights)
    onnx.save(made, tmp_path / "net.onnx")
    x = rng.normal(size=image).astype(np.float32)
    with torch.no_grad():
        found = load_model(str(tmp_path / "net.onnx"))(torch.from_numpy(x))
    found = found if isinstance(found, list) else [found]
    for ours, theirs in zip(found, ReferenceEvaluator(made).run(None, {"x": x}), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "start"), [("SAME_UPPER", (-1, 0)), ("SAME_LOWER", (-1, -1))])
def test_auto_pad_follows_its_own_convention(kind, start, tmp_path):
    onnx.save(graph([OPERATORS[kind]], ["y"], weights={"w": KERNEL}), tmp_path / "net.onnx")
    row = anatomy(load_model(str(tmp_path / "net.onnx")), (1, 3, 9, 8)).iloc[-1]
    assert (row.start, row.output_shape) == (start, (1, 4, 5, 4))


def of_nodes(tmp_path, *nodes, size=(1, 3, 8, 8)):
    """The table of a chain of nodes from "x" to "z"."""
    onnx.save(graph([*nodes], ["z"], image=size), tmp_path / "net.onnx")
    return anatomy(load_model(str(tmp_path / "net.onnx")), size)


def test_an_operator_that_only_onnx_can_compute_is_measured(tmp_path):
    table = of_nodes(
        tmp_path,
        node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Det", ["y"], ["d"]),
        node("Relu", ["d"], ["z"]),
    )
    row = table.iloc[1]
    assert (row.type, row.output_shape, row.receptive_field, row.unknown) == (
        "Det",
        (1, 3),
        (8, 8),
        ("macs",),
    )
    assert "measured on random values" in row.note
    assert table.iloc[2].receptive_field == (8, 8)


def test_an_operator_that_returns_places_is_unknown(tmp_path):
    row = of_nodes(tmp_path, node("NonZero", ["x"], ["z"])).iloc[0]
    assert {"receptive_field", "pixels_unread", "macs"} <= set(row.unknown)


def test_an_operator_that_nobody_knows_is_named(tmp_path):
    with pytest.raises(IncompleteAnatomy, match="no ONNX operator 'Nobody'") as caught:
        of_nodes(tmp_path, node("Relu", ["x"], ["y"]), node("Nobody", ["y"], ["z"]))
    assert list(caught.value.table.type) == ["Relu"]
    assert str(caught.value).startswith("anatomy cannot follow layer 'Nobody_1'")


class Recurrent(nn.Module):
    """A convolution over frames, then a recurrent layer over them, steps first as ONNX wants them."""

    def __init__(self, kind, **options):
        super().__init__()
        self.conv = nn.Conv1d(3, 4, 5, 2)
        self.rnn = kind(4, 6, **options)

    def forward(self, x):
        return self.rnn(self.conv(x).permute(2, 0, 1))[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_have_one_table_in_onnx_and_torch(kind, bidirectional, tmp_path):
    model = Recurrent(kind, bidirectional=bidirectional).eval()
    torch.onnx.export(model, (torch.zeros(1, 3, 25),), tmp_path / "net.onnx", dynamo=False)
    loaded = load_model(str(tmp_path / "net.onnx"))
    expected, found = anatomy(model, (1, 3, 25)), anatomy(loaded, (1, 3, 25))
    assert expected.receptive_field.iloc[-1] == (25,)
    for column in ("output_shape", "receptive_field", "pixels_unread", "unknown"):
        assert found[column].iloc[-1] == expected[column].iloc[-1]
    assert (found.parameters.sum(), found.macs.sum()) == (expected.parameters.sum(), expected.macs.sum())
    x = torch.randn(1, 3, 25)
    with torch.no_grad():
        torch.testing.assert_close(loaded(x), model(x))


def test_an_lstm_of_onnx_that_runs_backward_reads_what_comes_after(tmp_path):
    lstm = node("LSTM", ["x", "w", "r"], ["z"], hidden_size=2, direction="reverse")
    weights = {"w": WEIGHTS["lstm_w"][..., :3], "r": WEIGHTS["lstm_r"]}
    onnx.save(graph([lstm], ["z"], image=(5, 1, 3), weights=weights), tmp_path / "net.onnx")
    x = torch.randn(5, 1, 3, requires_grad=True)
    loaded = load_model(str(tmp_path / "net.onnx"))
    loaded(x)[1].sum().backward()  # the second step
    assert x.grad.abs().sum((1, 2)).ne(0).tolist() == [False, True, True, True, True]


def functional(*layers, ends):
    return {"class_name": "Functional", "config": {"name": "net", "layers": list(layers), **ends}}


def joined(layer, *names):
    args = [{"config": {"keras_history": [name, 0, 0]}} for name in names]
    layer["inbound_nodes"] = [{"args": [args if len(args) > 1 else args[0]]}] if names else []
    return layer


def test_a_functional_keras_model_with_branches(tmp_path):
    same = {"padding": "same", "use_bias": False, "activation": "relu", "dilation_rate": [1, 1]}
    config = functional(
        joined(keras_layer("InputLayer", "image", batch_shape=[None, None, None, 3])),
        joined(keras_layer("Conv2D", "a", filters=4, kernel_size=[3, 3], strides=[2, 2], **same), "image"),
        joined(keras_layer("Conv2D", "b", filters=4, kernel_size=[3, 3], strides=[1, 1], **same), "a"),
        joined(keras_layer("Add", "add"), "a", "b"),
        joined(
            keras_layer("Conv2DTranspose", "up", filters=2, kernel_size=[3, 3], strides=[2, 2], **same), "add"
        ),
        joined(keras_layer("Concatenate", "cat", axis=-1), "up", "image"),
        joined(keras_layer("GlobalAveragePooling2D", "mean"), "cat"),
        ends={"input_layers": ["image", 0, 0], "output_layers": [["mean", 0, 0]]},
    )
    table = anatomy(load_model(str(write_keras(tmp_path / "net.keras", config))), (8, 10)).set_index("name")
    assert table.start["a"] == (0, 0)  # TensorFlow puts the odd pixel of padding after the map
    assert table.output_shape["up"] == (1, 2, 8, 10)
    assert table.output_shape["mean"] == (1, 5)
    assert (table.receptive_field["b"], table.jump["b"]) == ((7, 7), (2, 2))
    assert table.parameters.sum() == 9 * (3 * 4 + 4 * 4 + 4 * 2)


SMALL = {"kernel_size": [3, 3], "strides": [2, 2], "dilation_rate": [1, 1], "use_bias": True, "filters": 2}
OTHERWISE = {  # settings that this reader knows of and does not know how to read
    "works along axis 1": keras_layer("BatchNormalization", "f", axis=1, scale=True, center=True),
    "works along axis [1, 2]": keras_layer("LayerNormalization", "f", axis=[1, 2]),
    "works along axis -2": keras_layer("Softmax", "f", axis=-2),
    "slope for each position": keras_layer("PReLU", "f", shared_axes=None),
    "output_padding of its own": keras_layer(
        "Conv2DTranspose", "f", padding="same", output_padding=[0, 0], activation="linear", **SMALL
    ),
    "has the interpolation 'bicubic'": keras_layer("UpSampling2D", "f", size=[2, 2], interpolation="bicubic"),
    "has the activation 'mine'": keras_layer("Activation", "f", activation={"config": "mine"}),
    "has its channels first": keras_layer("MaxPooling2D", "f")
    | {"config": {"name": "f", "data_format": "channels_first"}},
    "got": keras_layer("Reshape", "f", target_shape=[5]),  # torch's own words: it does not fit
}


@pytest.mark.parametrize("reason", OTHERWISE)
def test_a_keras_layer_that_is_set_otherwise_is_refused(reason, tmp_path):
    layers = [keras_layer("InputLayer", "image", batch_shape=[None, 8, 8, 3]), OTHERWISE[reason]]
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}
    with pytest.raises(ValueError, match=re.escape(reason)) as raised:
        load_model(str(write_keras(tmp_path / "net.keras", config)))
    assert str(raised.value).startswith("source must have layers that are known here and fit together, got ")


def test_keras_layers_have_the_parameters_that_their_config_says(tmp_path):
    image = keras_layer("InputLayer", "image", batch_shape=[None, 8, 8, 3])
    for layer, parameters in (
        (keras_layer("PReLU", "f", shared_axes=[1, 2]), 3),
        (keras_layer("LayerNormalization", "f", axis=-1, scale=True, center=False), 3),
        (keras_layer("LayerNormalization", "f", axis=[3], scale=True, center=True), 6),
        (keras_layer("BatchNormalization", "f", axis=3, scale=False, center=True), 3),
        (keras_layer("Softmax", "f", axis=3), 0),
    ):
        config = {"class_name": "Sequential", "config": {"name": "net", "layers": [image, layer]}}
        table = anatomy(load_model(str(write_keras(tmp_path / "net.keras", config))), 8)
        assert table.parameters.sum() == parameters, layer


def recurrent_keras(kind, *, both=False, **options):
    layer = keras_layer(kind, "f", **{"units": 5, "use_bias": True, "return_sequences": True} | options)
    return keras_layer("Bidirectional", "both", layer=layer, merge_mode="sum") if both else layer


@pytest.mark.parametrize(
    ("layer", "parameters", "shape", "field"),
    [
        (recurrent_keras("LSTM"), 4 * 5 * (5 + 3 + 1), (1, 5, 9), (9,)),
        (recurrent_keras("LSTM", use_bias=False, return_sequences=False), 4 * 5 * (5 + 3), (1, 5), (9,)),
        (recurrent_keras("GRU"), 3 * 5 * (5 + 3 + 2), (1, 5, 9), (9,)),
        (recurrent_keras("GRU", reset_after=False), 3 * 5 * (5 + 3 + 1), (1, 5, 9), (9,)),
        (recurrent_keras("SimpleRNN"), 5 * (5 + 3 + 1), (1, 5, 9), (9,)),
        (recurrent_keras("LSTM", both=True), 2 * 4 * 5 * (5 + 3 + 1), (1, 5, 9), (9,)),
    ],
)
def test_recurrent_keras_layers(layer, parameters, shape, field, tmp_path):
    image = keras_layer("InputLayer", "image", batch_shape=[None, 9, 3])
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": [image, layer]}}
    row = anatomy(load_model(str(write_keras(tmp_path / "net.keras", config))), (9,)).iloc[-1]
    assert (row.parameters, row.output_shape, row.receptive_field) == (parameters, shape, field)
    ways, gates = 2 if layer["class_name"] == "Bidirectional" else 1, {"L": 4, "G": 3, "S": 1}
    kind = layer["config"].get("layer", layer)["class_name"]
    assert row.macs == ways * gates[kind[0]] * 5 * (5 + 3) * 9


BAD = {
    "weights.keras": b"PK",
    "custom.keras": {
        "class_name": "Sequential",
        "config": {
            "name": "n",
            "layers": [
                keras_layer("InputLayer", "i", batch_shape=[None, 8, 8, 3]),
                keras_layer("Lambda", "f"),
            ],
        },
    },
    "subclassed.keras": {"class_name": "MyNet", "config": {}},
    "net.onnx": b"not a graph",
    "empty.onnx": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_is_one_line(name, tmp_path, capsys):
    path, content = tmp_path / name, BAD[name]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write_keras(path, content)
    assert main([str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: source must ")
    assert error.count("\n") == 1
    assert name in error
