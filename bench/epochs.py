"""Time one epoch of the four MNIST networks: ours, Keras, and the usual torch loop, side by side in one run.

`make bench`, or `python bench/epochs.py [turns]`. All three see the same 60,000 images and validate
nothing. Ours trains as a sweep does, one process a core and one thread each; the other two give all cores to
one network after the other. TensorFlow is fetched into an environment of its own that uv keeps in its cache;
where it cannot be had, Keras is left out and the output says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from helpers.data import Images, load_or_draw
from helpers.models import keras_init_, mnist_cnn
from helpers.sources import MNIST_SETTINGS, MnistSetting
from helpers.training import fit, streams
from study.experiments.memory import Adam, keep_freed_memory
from study.experiments.runner import Died, local_workers, run_on_workers
from study.experiments.runs import cost

# The slowest first, so that two processes end together.
SETTINGS = list(MNIST_SETTINGS.values())
BATCH_SIZE = 64
KERAS = Path(__file__).with_name("keras_epoch.py")
TENSORFLOW = "tensorflow-cpu==2.21.0"


def main() -> int:
    """Let the sides take turns, and print the median of each and their ratios; return the exit status."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"training: one epoch of each of {len(SETTINGS)} networks, {len(images())} images, {cores()} cores")
    sides: dict[str, Callable[[], float]] = {"ours": ours, "DataLoader and ToTensor": usual}
    with tempfile.TemporaryDirectory() as folder:
        keras = keras_side(Path(folder))
        if keras is not None:
            sides["Keras"] = keras
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(turns):
            for name, side in sides.items():
                seconds[name].append(side())
                print(f"  {name}: {seconds[name][-1]:.1f} s", flush=True)
    middle = {name: median(taken) for name, taken in seconds.items()}
    for name, taken in middle.items():
        print(f"  {name}: {taken:.1f} s, {taken / middle['ours']:.2f} times ours (median of {turns})")
    print(f"  share of the rate of matrix multiplication that ours reaches: {share(middle['ours']):.0%}")
    return 0


@cache
def images() -> Images:
    """The training images, loaded once a process."""
    return load_or_draw("mnist", split="train")


def cores() -> int:
    """How many processes can run at once."""
    return os.cpu_count() or 1


def ours() -> float:
    """Seconds from the first step of the first network to the last step of the last."""
    with local_workers(cores()) as client:
        finished = [spans for _, spans in run_on_workers(train_ours, SETTINGS, client=client)]
    spans = [span for span in finished if not isinstance(span, Died)]
    if len(spans) < len(SETTINGS):
        raise RuntimeError("a worker died; is there memory for one process a core?")
    return max(end for _, end in spans) - min(start for start, _ in spans)


def train_ours(setting: MnistSetting) -> tuple[float, float]:
    """Train one network as the experiments do; return when it began and when it ended."""
    torch.set_num_threads(1)
    keep_freed_memory()
    train, model = images(), mnist_cnn(**setting._asdict())
    keras_init_(model, streams(0).initialization)
    warm_up = train.first(2 * BATCH_SIZE)
    fit_one_epoch = partial(fit, model, epochs=1, batch_size=BATCH_SIZE, seed=0, device="cpu", optimizer=Adam)
    fit_one_epoch(warm_up, warm_up)
    start = time.time()  # not perf_counter: it is compared between processes
    history = fit_one_epoch(train, warm_up)
    return start, start + history.epochs[0].seconds


class Pictures(Dataset[tuple[Tensor, int]]):
    """The images one by one, as `torchvision.datasets.MNIST` with `ToTensor` hands them out."""

    def __init__(self, source: Images) -> None:
        self.images, self.labels, self.transform = source.images, source.labels, ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy(), mode="L")
        return self.transform(picture), int(self.labels[index])


def tutorial_network(stride: int, padding: str) -> nn.Sequential:
    """The network as one writes it down: default layout and weights, the source's order of layers."""
    convolution = partial(nn.Conv2d, kernel_size=3, stride=stride, padding=int(padding == "same"))
    features = [
        convolution(1, 32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        convolution(32, 64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    ]
    return nn.Sequential(*features, nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, 10))


def usual() -> float:
    """Seconds that the loop of the tutorials takes for the four networks, all cores to each."""
    torch.set_num_threads(cores())
    loader = DataLoader(Pictures(images()), batch_size=BATCH_SIZE, shuffle=True)
    start = time.perf_counter()
    for stride, padding in SETTINGS:
        model = tutorial_network(stride, padding)
        model(torch.zeros(1, 1, 28, 28))  # so that the first dense layer knows its size
        optimizer = torch.optim.Adam(model.parameters())
        for batch, labels in loader:
            loss = F.cross_entropy(model(batch), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return time.perf_counter() - start


def keras_side(folder: Path) -> Callable[[], float] | None:
    """How to time Keras; None if its environment cannot be made here."""
    uv = Path(sys.executable).with_name("uv")
    python = [str(uv), "run", "--no-project", "--python", sys.executable, "--with", TENSORFLOW, "python"]
    tried = subprocess.run([*python, "-c", "import tensorflow"], capture_output=True, text=True)
    if tried.returncode:
        print(f"  Keras is left out, since {TENSORFLOW} could not be had:\n{tried.stderr[-500:]}")
        return None
    data = folder / "images.npz"
    np.savez(data, images=images().images.numpy(), labels=images().labels.numpy())

    def keras() -> float:
        command = [*python, str(KERAS), str(data), str(BATCH_SIZE), json.dumps(SETTINGS)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout.split()[-1])

    return keras


def share(seconds: float) -> float:
    """Arithmetic done in that time, of what all cores do when they only multiply large matrices.

    A training step computes each layer about three times: forward, for the weights, and for the layer below.
    """
    macs = sum(3 * cost(mnist_cnn(**setting._asdict())).macs for setting in SETTINGS)
    return macs * len(images()) / seconds / matrix_rate()


def matrix_rate(size: int = 2048, *, times: int = 10) -> float:
    """Multiply-accumulates a second, in float32 on all cores."""
    torch.set_num_threads(cores())
    matrix = torch.rand(size, size)
    nn.functional.linear(matrix, matrix)
    start = time.perf_counter()
    for _ in range(times):
        nn.functional.linear(matrix, matrix)
    return times * size**3 / (time.perf_counter() - start)


if __name__ == "__main__":
    raise SystemExit(main())
