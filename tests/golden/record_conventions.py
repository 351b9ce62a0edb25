"""Records what TensorFlow, Keras and JAX compute, so that the tests need none of the three.

Run it in an environment of its own, never in the book's:

    python -m venv recorder
    recorder/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 jax==0.10.2 numpy
    recorder/bin/python tests/golden/record_conventions.py

It writes conventions.json beside itself; those are the versions that recorded the committed file.

Everything is exact. A convolution runs over the pixels 1, 2, ..., size with the kernel 1, 16, 256, ...: up
to size 15 each hexadecimal digit of an output is the pixel that one tap has read, 0 for padding, and every
output stays below 2**24, up to which float32 counts. A pooling takes the maximum of -1, -2, ..., -size and
again of -size, ..., -1, which tells the first and the last pixel of each window; padding with zeros would
show as 0.

Left out are settings that a framework refuses: in Keras a stride together with a dilation, and everywhere a
kernel larger than the input without padding. TensorFlow 2.21 with oneDNN does not always refuse that one: a
kernel of size + 1 returns uninitialized memory.
"""

import itertools
import json
import os
from collections import defaultdict
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import jax
import keras
import numpy as np
import tensorflow as tf

TARGET = Path(__file__).with_name("conventions.json")
SETTINGS = [  # size, kernel_size, stride, dilation
    *itertools.product(range(1, 14), range(1, 6), range(1, 5), (1, 2)),
    *itertools.product((28, 224), (2, 3, 5), (1, 2, 4), (1, 2)),
]
ENDS = 4  # of a long output, so many of its first and of its last values


def pixels(size):
    return np.arange(1, size + 1, dtype=np.float32)


def taps(kernel_size):
    return 16.0 ** np.arange(kernel_size, dtype=np.float32)


def tensorflow_convolution(padding, size, kernel_size, stride, dilation):
    image, kernel = pixels(size).reshape(1, -1, 1, 1), taps(kernel_size).reshape(-1, 1, 1, 1)
    return tf.nn.conv2d(image, kernel, stride, padding.upper(), dilations=dilation)


def keras_convolution(padding, size, kernel_size, stride, dilation):
    settings = {"strides": stride, "padding": padding, "dilation_rate": dilation, "use_bias": False}
    if padding == "causal":  # exists in one dimension only
        layer, shape = keras.layers.Conv1D(1, kernel_size, **settings), (-1, 1, 1)
    else:
        layer, shape = keras.layers.Conv2D(1, (kernel_size, 1), **settings), (-1, 1, 1, 1)
    image = pixels(size).reshape(1, *shape[:-1])
    layer.build(image.shape)
    layer.set_weights([taps(kernel_size).reshape(shape)])
    return layer(image)


def jax_convolution(padding, size, kernel_size, stride, dilation):
    image, kernel = pixels(size).reshape(1, 1, -1), taps(kernel_size).reshape(1, 1, -1)
    return jax.lax.conv_general_dilated(image, kernel, (stride,), padding.upper(), rhs_dilation=(dilation,))


def tensorflow_maximum(padding, signal, kernel_size, stride):
    return tf.nn.max_pool2d(signal.reshape(1, -1, 1, 1), (kernel_size, 1), stride, padding.upper())


def keras_maximum(padding, signal, kernel_size, stride):
    return keras.layers.MaxPooling2D((kernel_size, 1), stride, padding)(signal.reshape(1, -1, 1, 1))


def jax_maximum(padding, signal, kernel_size, stride):
    return jax.lax.reduce_window(signal, -np.inf, jax.lax.max, (kernel_size,), (stride,), padding.upper())


CONVOLUTIONS = {"tensorflow": tensorflow_convolution, "keras": keras_convolution, "jax": jax_convolution}
MAXIMA = {"tensorflow": tensorflow_maximum, "keras": keras_maximum, "jax": jax_maximum}
KNOWN_TO = {
    "same": ("tensorflow", "keras", "jax"),
    "valid": ("tensorflow", "keras", "jax"),
    "same_lower": ("jax",),
    "causal": ("keras",),
}


def is_left_out(framework, padding, size, kernel_size, stride, dilation):
    is_too_large = padding == "valid" and dilation * (kernel_size - 1) >= size
    return is_too_large or (framework == "keras" and stride > 1 and dilation > 1)


def integers(values):
    """A framework's output as a list of ints, which it must be."""
    numbers = np.asarray(values, dtype=np.float64).ravel()
    if not np.array_equal(numbers, numbers.astype(np.int64)):
        raise ValueError(f"not exact: {numbers}")
    return numbers.astype(np.int64).tolist()


def ends(values):
    """A short list as it is, a long one without its middle."""
    return values if len(values) <= 2 * ENDS else values[:ENDS] + values[-ENDS:]


def convolve(framework, padding, *window):
    values = integers(CONVOLUTIONS[framework](padding, *window))
    return [len(values), ends(values)]


def pool(framework, padding, size, kernel_size, stride, _dilation):
    maximum = MAXIMA[framework]
    first = [-value for value in integers(maximum(padding, -pixels(size), kernel_size, stride))]
    last = [
        size + 1 + value for value in integers(maximum(padding, -pixels(size)[::-1], kernel_size, stride))
    ]
    return [len(first), ends(first), ends(last)]


def record(compute, padding):
    """Rows of one operation and padding, grouped by the frameworks that gave the same output."""
    groups = defaultdict(list)
    dilations = (1, 2) if compute is convolve else (1,)
    for window in SETTINGS:
        if window[-1] not in dilations:
            continue
        answers = defaultdict(list)
        for framework in KNOWN_TO[padding]:
            if not is_left_out(framework, padding, *window):
                answers[json.dumps([*window, *compute(framework, padding, *window)])].append(framework)
        for row, frameworks in answers.items():
            groups[tuple(frameworks)].append(row)
    return groups


def as_json(operation, padding, frameworks, rows):
    header = json.dumps({"operation": operation, "padding": padding, "recorded_by": frameworks})
    return header[:-1] + ', "rows": [\n' + ",\n".join(row.replace(" ", "") for row in rows) + "]}"


def main():
    versions = {module.__name__: module.__version__ for module in (tf, keras, jax)}
    tables = [
        as_json(operation, padding, frameworks, rows)
        for operation, compute in (("convolution", convolve), ("max_pooling", pool))
        for padding in KNOWN_TO
        if (operation, padding) != ("max_pooling", "causal")
        for frameworks, rows in record(compute, padding).items()
    ]
    header = json.dumps({"versions": versions, "ends": ENDS})
    TARGET.write_text(header[:-1] + ', "tables": [\n' + ",\n".join(tables) + "]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
