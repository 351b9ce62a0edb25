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

A transposed convolution spreads the same pixels by the same kernel: again each digit is the pixel that one
tap has brought. An average is recorded as the sum of the pixels over the count, times 60, which every count
up to 5 divides; its pixels are those of the maximum. "keras-1d" and "keras-3d" are the layers of one and
three dimensions, "tensorflow-3d" the operator of three; the window lies on the first axis.

Left out are settings that a framework refuses: in Keras a stride together with a dilation, and everywhere a
kernel larger than the input without padding. TensorFlow 2.21 with oneDNN does not always refuse that one: a
kernel of size + 1 returns uninitialized memory. TensorFlow and Keras have no transposed convolution with a
dilation on the CPU, and JAX no average pooling of its own.
"""

import itertools
import json
import os
from collections import defaultdict
from functools import partial
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
GROWING = [  # the same, of transposed convolutions
    *itertools.product(range(1, 7), range(1, 6), range(1, 5), (1, 2)),
    *itertools.product((14, 112), (2, 3, 4), (2,), (1,)),
]
ENDS = 4  # of a long output, so many of its first and of its last values


def pixels(size):
    return np.arange(1, size + 1, dtype=np.float32)


def taps(kernel_size):
    return 16.0 ** np.arange(kernel_size, dtype=np.float32)


def tensorflow_convolution(padding, size, kernel_size, stride, dilation):
    image, kernel = pixels(size).reshape(1, -1, 1, 1), taps(kernel_size).reshape(-1, 1, 1, 1)
    return tf.nn.conv2d(image, kernel, stride, padding.upper(), dilations=dilation)


def tensorflow_3d_convolution(padding, size, kernel_size, stride, dilation):
    image, kernel = pixels(size).reshape(1, -1, 1, 1, 1), taps(kernel_size).reshape(-1, 1, 1, 1, 1)
    if dilation > 1:  # the operator takes none on the CPU; the one that does takes no stride
        return tf.nn.convolution(image, kernel, (stride, 1, 1), padding.upper(), dilations=(dilation, 1, 1))
    return tf.nn.conv3d(image, kernel, (1, stride, 1, 1, 1), padding.upper())


def keras_layer(kind, dimensions, padding, size, kernel_size, stride, dilation):
    """A layer of Keras whose window lies on the first of its axes."""

    def along(value):
        return (value,) + (1,) * (dimensions - 1)

    layer = getattr(keras.layers, f"Conv{dimensions}D{kind}")(
        1,
        along(kernel_size),
        strides=along(stride) if dimensions < 3 or dilation == 1 else 1,
        padding=padding,
        dilation_rate=along(dilation) if dilation > 1 else 1,
        use_bias=False,
    )
    image = pixels(size).reshape(1, -1, *(1,) * dimensions)
    layer.build(image.shape)
    layer.set_weights([taps(kernel_size).reshape(-1, *(1,) * (dimensions + 1))])
    return layer(image)


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


def tensorflow_transposed(padding, size, kernel_size, stride, dilation, output_size=None):
    """The gradient of a convolution, to the size that Keras gives it unless another one is asked for."""
    reach = dilation * (kernel_size - 1) + 1
    whole = size * stride if padding == "same" else (size - 1) * stride + max(reach, stride)
    image, kernel = pixels(size).reshape(1, -1, 1, 1), taps(kernel_size).reshape(-1, 1, 1, 1)
    shape = (1, output_size or whole, 1, 1)
    return tf.nn.conv2d_transpose(image, kernel, shape, (stride, 1), padding.upper(), dilations=(dilation, 1))


def jax_transposed(padding, size, kernel_size, stride, dilation):
    image, kernel = pixels(size).reshape(1, -1, 1), taps(kernel_size).reshape(-1, 1, 1)
    return jax.lax.conv_transpose(
        image,
        kernel,
        (stride,),
        padding.upper(),
        rhs_dilation=(dilation,),
        dimension_numbers=("NHC", "HIO", "NHC"),
        transpose_kernel=True,
    )


def tensorflow_maximum(padding, signal, kernel_size, stride):
    return tf.nn.max_pool2d(signal.reshape(1, -1, 1, 1), (kernel_size, 1), stride, padding.upper())


def keras_maximum(padding, signal, kernel_size, stride):
    return keras.layers.MaxPooling2D((kernel_size, 1), stride, padding)(signal.reshape(1, -1, 1, 1))


def jax_maximum(padding, signal, kernel_size, stride):
    return jax.lax.reduce_window(signal, -np.inf, jax.lax.max, (kernel_size,), (stride,), padding.upper())


def keras_1d_maximum(padding, signal, kernel_size, stride):
    return keras.layers.MaxPooling1D(kernel_size, stride, padding)(signal.reshape(1, -1, 1))


def keras_3d_maximum(padding, signal, kernel_size, stride):
    layer = keras.layers.MaxPooling3D((kernel_size, 1, 1), (stride, 1, 1), padding)
    return layer(signal.reshape(1, -1, 1, 1, 1))


def tensorflow_average(padding, signal, kernel_size, stride):
    return tf.nn.avg_pool2d(signal.reshape(1, -1, 1, 1), (kernel_size, 1), stride, padding.upper())


def keras_average(padding, signal, kernel_size, stride):
    return keras.layers.AveragePooling2D((kernel_size, 1), stride, padding)(signal.reshape(1, -1, 1, 1))


def keras_1d_average(padding, signal, kernel_size, stride):
    return keras.layers.AveragePooling1D(kernel_size, stride, padding)(signal.reshape(1, -1, 1))


CONVOLUTIONS = {
    "tensorflow": tensorflow_convolution,
    "tensorflow-3d": tensorflow_3d_convolution,
    "keras": keras_convolution,
    "keras-1d": partial(keras_layer, "", 1),
    "keras-3d": partial(keras_layer, "", 3),
    "jax": jax_convolution,
}
TRANSPOSED = {
    "tensorflow": tensorflow_transposed,
    "keras": partial(keras_layer, "Transpose", 2),
    "keras-1d": partial(keras_layer, "Transpose", 1),
    "keras-3d": partial(keras_layer, "Transpose", 3),
    "jax": jax_transposed,
}
MAXIMA = {
    "tensorflow": tensorflow_maximum,
    "keras": keras_maximum,
    "keras-1d": keras_1d_maximum,
    "keras-3d": keras_3d_maximum,
    "jax": jax_maximum,
}
AVERAGES = {"tensorflow": tensorflow_average, "keras": keras_average, "keras-1d": keras_1d_average}
KNOWN_TO = {
    "same": ("tensorflow", "tensorflow-3d", "keras", "keras-1d", "keras-3d", "jax"),
    "valid": ("tensorflow", "tensorflow-3d", "keras", "keras-1d", "keras-3d", "jax"),
    "same_lower": ("jax",),
    "causal": ("keras",),
}


def is_left_out(operation, framework, padding, size, kernel_size, stride, dilation):
    if framework.endswith(("-1d", "-3d")) and size > 6:  # one and three dimensions: enough to see the rule
        return True
    if operation == "transposed":
        return dilation > 1 and framework != "jax"
    is_too_large = padding == "valid" and dilation * (kernel_size - 1) >= size
    is_both = framework.startswith(("keras", "tensorflow-3d")) and stride > 1 and dilation > 1
    return is_too_large or is_both


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


def average(framework, padding, size, kernel_size, stride, _dilation):
    mean = AVERAGES[framework](padding, pixels(size), kernel_size, stride)
    values = np.round(60 * np.asarray(mean, dtype=np.float64).ravel(), 3)
    return [len(values), ends(integers(values))]


def transpose(framework, padding, *window):
    values = integers(TRANSPOSED[framework](padding, *window))
    return [len(values), ends(values)]


def record(operation, padding):
    """Rows of one operation and padding, grouped by the frameworks that gave the same output."""
    compute, functions, windows = OPERATIONS[operation]
    groups = defaultdict(list)
    for window in windows:
        if "pooling" in operation and window[-1] > 1:
            continue
        answers = defaultdict(list)
        for framework in KNOWN_TO[padding]:
            if framework in functions and not is_left_out(operation, framework, padding, *window):
                answers[json.dumps([*window, *compute(framework, padding, *window)])].append(framework)
        for row, frameworks in answers.items():
            groups[tuple(frameworks)].append(row)
    return groups


def record_output_sizes(padding):
    """Every size that TensorFlow accepts for the output of a transposed convolution, and the one before."""
    rows = []
    for size, kernel_size, stride in itertools.product((1, 2, 5), range(1, 6), range(1, 5)):
        for output_size in range(1, size * stride + kernel_size + 1):
            window = (size, kernel_size, stride, 1)
            try:
                values = integers(tensorflow_transposed(padding, *window, output_size))
            except (tf.errors.InvalidArgumentError, ValueError):
                continue
            rows.append(json.dumps([*window, output_size, ends(values)]))
    return {("tensorflow",): rows}


OPERATIONS = {
    "convolution": (convolve, CONVOLUTIONS, SETTINGS),
    "max_pooling": (pool, MAXIMA, SETTINGS),
    "average_pooling": (average, AVERAGES, SETTINGS),
    "transposed": (transpose, TRANSPOSED, GROWING),
}


def as_json(operation, padding, frameworks, rows):
    header = json.dumps({"operation": operation, "padding": padding, "recorded_by": frameworks})
    return header[:-1] + ', "rows": [\n' + ",\n".join(row.replace(" ", "") for row in rows) + "]}"


def main():
    versions = {module.__name__: module.__version__ for module in (tf, keras, jax)}
    recorded = {
        (operation, padding): record(operation, padding)
        for operation in OPERATIONS
        for padding in KNOWN_TO
        if padding in ("same", "valid") or operation == "convolution"
    }
    recorded["max_pooling", "same_lower"] = record("max_pooling", "same_lower")
    for padding in ("same", "valid"):
        recorded["transposed_to_size", padding] = record_output_sizes(padding)
    tables = [
        as_json(*names, frameworks, rows)
        for names, groups in recorded.items()
        for frameworks, rows in groups.items()
    ]
    header = json.dumps({"versions": versions, "ends": ENDS})
    TARGET.write_text(header[:-1] + ', "tables": [\n' + ",\n".join(tables) + "]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
