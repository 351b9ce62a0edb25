"""Time the four MNIST networks in Keras; `epochs.py` runs this in an environment of its own.

Arguments: an .npz file of images and labels, the batch size, and the settings as JSON. Prints the seconds of
one epoch of all settings; compiling and tracing are done before, on a few batches.
"""

import json
import sys
import time

import keras
import numpy as np
from keras import layers


def network(stride: int, padding: str) -> keras.Model:
    """The network of `stride-padding-mnist`."""
    window = {"kernel_size": 3, "strides": stride, "padding": padding, "activation": "relu"}
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, **window),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, **window),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Train each network for one epoch, and print how long that took."""
    path, batch_size, settings = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    stored = np.load(path)
    images, labels = stored["images"][..., None].astype(np.float32) / 255, stored["labels"]
    few = 4 * batch_size
    seconds = 0.0
    for stride, padding in settings:
        model = network(stride, padding)
        model.fit(images[:few], labels[:few], batch_size=batch_size, verbose=0)
        start = time.perf_counter()
        model.fit(images, labels, batch_size=batch_size, verbose=0)
        seconds += time.perf_counter() - start
    print(seconds)


if __name__ == "__main__":
    main()
