"""Records the code that `helpers.arithmetic.snippet` writes, after it ran in its framework, and what it made.

Run it in an environment of its own, never in the book's:

    python -m venv recorder
    recorder/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 jax==0.10.2 flax==0.12.8 onnx==1.23.2
    PYTHONPATH=src recorder/bin/python tests/golden/record_snippets.py

It writes snippets.json beside itself; those are the versions that recorded the committed file. ONNX's nodes
run in its reference evaluator. PyTorch's lines run there if it is installed, and at every test.

Everything is exact: images and weights are small whole numbers. Two channels go in and three come out, and
the weight is put into the order that `weight_axes` names, so a wrong order shows. All frameworks have to make
the same numbers, which are stored once, by sums that a shift changes. Where a framework lacks the layer, the
sentence of the error is stored.
"""

import json
import os
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from helpers.arithmetic import Layer, snippet

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

TARGET = Path(__file__).with_name("snippets.json")
FRAMEWORKS = ("pytorch", "keras", "tensorflow", "jax", "flax", "onnx")
IN_CHANNELS, OUT_CHANNELS = 2, 3
SIZES = (7, 8)
SETTINGS = [
    *({"kernel_size": 3, "stride": stride, "padding": padding} for stride in (1, 2) for padding in (0, 1, 3)),
    *(
        {"kernel_size": kernel_size, "stride": stride, "padding": "same"}
        for kernel_size in (2, 3, 4)
        for stride in (1, 2, 3)
    ),
    {"kernel_size": 3, "stride": 2, "padding": "same", "convention": "onnx-lower"},
    {"kernel_size": 4, "padding": "same", "convention": "pytorch"},
    {"kernel_size": 3, "padding": "valid", "stride": 2},
    {"kernel_size": 3, "padding": "full"},
    {"kernel_size": 3, "padding": "causal", "stride": 2},
    {"kernel_size": 4, "stride": 2, "padding": (2, 0)},
    {"kernel_size": 3, "dilation": 2, "padding": 2},
    {"kernel_size": 3, "dilation": 2, "padding": "same"},
    {"kernel_size": 3, "dilation": 2, "stride": 2, "padding": (1, 2)},
    {"kernel_size": 3, "dilation": 2, "stride": 2, "padding": "same"},
    *({"kernel_size": kernel_size, "kind": "pooling"} for kernel_size in (2, 3)),
    {"kernel_size": 1, "stride": 2, "kind": "pooling"},
    {"kernel_size": 2, "stride": 1, "kind": "pooling"},
    {"kernel_size": 3, "stride": 2, "padding": 1, "kind": "pooling"},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "ceil_mode": True, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": "bare"},
    {"kernel_size": 3, "stride": 2, "padding": (0, 1), "kind": "pooling"},
    {"kernel_size": 3, "dilation": 2, "stride": 1, "padding": 1, "kind": "pooling"},
    *(
        {"kernel_size": kernel_size, "stride": 2, "padding": "same", "kind": "pooling"}
        for kernel_size in (2, 3)
    ),
    {"kernel_size": 3, "stride": 2, "padding": "same", "convention": "onnx-lower", "kind": "pooling"},
    *(
        {"kernel_size": kernel_size, "stride": stride, "padding": padding, "kind": "transposed"}
        for kernel_size in (2, 3, 4)
        for stride in (1, 2, 3)
        for padding in ("valid", "same", 1)
    ),
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "kind": "transposed"},
    {"kernel_size": 2, "stride": 3, "padding": 0, "output_padding": 2, "kind": "transposed"},
    {"kernel_size": 4, "stride": 2, "padding": (2, 0), "kind": "transposed"},
    {"kernel_size": 4, "stride": 2, "padding": (0, 3), "output_padding": 1, "kind": "transposed"},
    {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 1, "output_padding": 1, "kind": "transposed"},
    {"kernel_size": 3, "stride": 2, "padding": 0, "output_shape": 16, "kind": "transposed"},
    {"kernel_size": 3, "stride": 2, "padding": "same", "output_shape": 13, "kind": "transposed"},
    {"kernel_size": 3, "stride": 2, "padding": "same", "convention": "onnx-lower", "kind": "transposed"},
]
APART = [  # along the height, along the width
    ({"kernel_size": 3, "stride": 2}, {"kernel_size": 2}),
    ({"kernel_size": 3, "padding": 1}, {"kernel_size": 5, "stride": 2, "padding": 2}),
    ({"kernel_size": 3, "stride": 2, "padding": (0, 1)}, {"kernel_size": 3, "stride": 2, "padding": 1}),
    ({"kernel_size": 2, "padding": "same"}, {"kernel_size": 3, "stride": 2, "padding": "same"}),
    ({"kernel_size": 2, "padding": "valid"}, {"kernel_size": 3, "padding": "same"}),
    ({"kernel_size": 3, "dilation": 2, "padding": 1}, {"kernel_size": 3}),
    ({"kernel_size": 3, "dilation": 2, "stride": 3}, {"kernel_size": 3, "padding": (2, 0)}),
    ({"kernel_size": 2, "kind": "pooling"}, {"kernel_size": 3, "kind": "pooling"}),
    ({"kernel_size": 1, "stride": 1, "kind": "pooling"}, {"kernel_size": 3, "padding": 1, "kind": "pooling"}),
    (
        {"kernel_size": 2, "stride": 2, "padding": (0, 1), "kind": "pooling"},
        {"kernel_size": 3, "stride": 1, "padding": 1, "kind": "pooling"},
    ),
    (
        {"kernel_size": 3, "stride": 2, "ceil_mode": True},
        {"kernel_size": 2, "stride": 2, "ceil_mode": True, "kind": "pooling"},
    ),
    (
        {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "kind": "transposed"},
        {"kernel_size": 4, "stride": 1, "padding": (1, 2), "kind": "transposed"},
    ),
    (
        {"kernel_size": 2, "stride": 3, "padding": "same", "kind": "transposed"},
        {"kernel_size": 4, "stride": 2, "padding": "same", "kind": "transposed"},
    ),
]


def both(value):
    """What holds along the height, and along the width."""
    return value if isinstance(value, tuple) else (value, value)


def image(size):
    """Whole numbers from -4 to 4, (batch, height, width, channels)."""
    shape = (1, *both(size), IN_CHANNELS)
    return (np.arange(np.prod(shape)).reshape(shape) * 5 % 9 - 4.0).astype("f4")


def weight(layer):
    """Whole numbers from -3 to 3, (height, width, in, out)."""
    shape = (*(each.kernel_size for each in both(layer)), IN_CHANNELS, OUT_CHANNELS)
    return (np.arange(np.prod(shape)).reshape(shape) * 3 % 7 - 3.0).astype("f4")


def ordered(array, axes, wanted):
    """An array with its axes in another order; both orders are texts such as "(height, width)"."""
    old, new = (text.strip("()").split(", ") for text in (axes, wanted))
    return np.ascontiguousarray(array.transpose([old.index(name) for name in new]))


def run_pytorch(code, x, kernel):
    import torch

    names = {"x": torch.from_numpy(x)}
    exec(code, names)
    if kernel is not None:
        names["layer"].weight.data = torch.from_numpy(kernel)
        names["layer"].bias.data.zero_()
        exec(code.splitlines()[-1], names)
    return names["y"].detach().numpy()


def run_keras(code, x, kernel):
    names = {"x": x}
    exec(code, names)
    if kernel is not None:
        names["layer"].set_weights([kernel, np.zeros(OUT_CHANNELS, "f4")])
        exec(code.splitlines()[-1], names)
    return np.asarray(names["y"])


def run_tensorflow(code, x, kernel):
    names = {"x": x, "weight": kernel}
    exec(code, names)
    return np.asarray(names["y"])


run_jax = run_tensorflow


def run_flax(code, x, kernel):
    names = {"x": x}
    exec(code, names)
    if kernel is not None:
        assert names["layer"].kernel.shape == kernel.shape
        names["layer"].kernel[...] = kernel
        exec(code.splitlines()[-1], names)
    return np.asarray(names["y"])


def run_onnx(code, x, kernel):
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    names = {}
    exec(code, names)
    arrays = {"x": x} if kernel is None else {"x": x, "weight": kernel}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, each.shape) for name, each in arrays.items()
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    model = helper.make_model(helper.make_graph([names["node"]], "layer", inputs, outputs))
    return ReferenceEvaluator(model).run(None, arrays)[0]


RUN = {
    "pytorch": run_pytorch,
    "keras": run_keras,
    "tensorflow": run_tensorflow,
    "jax": run_jax,
    "flax": run_flax,
    "onnx": run_onnx,
}


def values(framework, found, layer, size):
    """What the code of a framework makes of the image, (height, width, channels), as whole numbers."""
    last = "(batch, height, width, channels)"
    x = ordered(image(size), last, found.image_axes)
    kernel = None
    if found.weight_axes:
        kernel = ordered(weight(layer), "(height, width, in, out)", found.weight_axes)
    made = ordered(RUN[framework](found.code, x, kernel), found.image_axes, last)[0]
    assert np.array_equal(made, np.round(made)), "not exact"
    return made.astype(int)


def sums(numbers):
    """The shape of an output and its weighted sums along height and width, which a shift changes."""
    down, across = (np.arange(1, count + 1) for count in numbers.shape[:2])
    return (
        [*numbers.shape],
        np.einsum("ijc,i->cj", numbers, down).tolist(),
        np.einsum("ijc,j->ci", numbers, across).tolist(),
    )


def cases():
    """Every setting that a size allows, with the text or the refusal of each framework."""
    alike = [(given, size) for given in SETTINGS for size in SIZES]
    for given, size in [*alike, *((given, size) for given in APART for size in (7, (8, 7)))]:
        layer = tuple(Layer(**each) for each in given) if isinstance(given, tuple) else Layer(**given)
        codes, refused = {}, {}
        for framework in FRAMEWORKS:
            try:
                codes[framework] = snippet(
                    layer, framework, size=size, in_channels=IN_CHANNELS, out_channels=OUT_CHANNELS
                )
            except ValueError as error:
                refused[framework] = str(error)
        if codes:
            yield given, layer, size, codes, refused


def main():
    packages = ("tensorflow-cpu", "keras", "jax", "flax", "onnx")
    versions = {name: metadata.version(name) for name in packages}
    has_torch = find_spec("torch") is not None
    rows, wrong = [], []
    for given, layer, size, codes, refused in cases():
        made = {}
        for framework, found in codes.items():
            if framework == "pytorch" and not has_torch:
                continue
            try:
                made[framework] = values(framework, found, layer, size)
            except Exception as error:
                wrong.append((given, size, framework, found.code, f"{type(error).__name__}: {error}"))
        first = next(iter(made.values()))
        for framework, numbers in made.items():
            if not np.array_equal(numbers, first):
                wrong.append((given, size, framework, codes[framework].code, (numbers.shape, first.shape)))
        texts = {framework: found.code for framework, found in codes.items()}
        rows.append({"layer": given, "size": size, "made": sums(first), "code": texts, "refused": refused})
    for each in wrong:
        print(*each, sep="\n", end="\n\n")
    if wrong:
        raise SystemExit(f"{len(wrong)} snippets are wrong: nothing was written")
    lines = ",\n".join(json.dumps(row) for row in rows)
    header = json.dumps({"versions": versions})
    TARGET.write_text(f'{header[:-1]}, "cases": [\n{lines}]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
