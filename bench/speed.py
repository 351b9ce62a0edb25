"""Measure speed as ratios, side by side in one run: `make bench`, or `python bench/speed.py convolution`.

The two sides of a ratio take turns, so that a busy machine slows both; the median of the turns is compared.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy import signal
from torch import nn

from helpers.anatomy import anatomy as read
from helpers.anatomy import load_model
from helpers.arithmetic import network_unread, output_size, trace
from helpers.arithmetic.layer import Layer
from helpers.convolution import convolve2d, convolve2d_loops
from helpers.layers import Conv2dSame

Work = Callable[[], Any]


def main() -> int:
    """Run the benchmarks named on the command line, or all of them; return the exit status."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    for name in names:
        print(f"\n{name}: {BENCHMARKS[name].__doc__}", flush=True)
        BENCHMARKS[name]()
    return 0


def compare(ours: tuple[str, Work], theirs: tuple[str, Work], *, turns: int = 15) -> None:
    """Print how long each side takes, and how many times as long theirs takes as ours."""
    seconds: dict[str, list[float]] = {ours[0]: [], theirs[0]: []}
    for turn in range(turns):
        # Who goes second finds the caches warm: they take turns at that too.
        for name, work in (ours, theirs) if turn % 2 else (theirs, ours):
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    one, other = map(median, seconds.values())
    sides = ", ".join(f"{name} {median(taken) * 1e3:.2f} ms" for name, taken in seconds.items())
    print(f"  {sides}: {other / one:.2f} times (median of {turns})")


def repeat(times: int, work: Work) -> Work:
    """Do a short piece of work often enough for the clock to see it."""

    def repeated() -> None:
        for _ in range(times):
            work()

    return repeated


def arithmetic() -> None:
    """Microseconds a call."""
    layers = [Layer(3, 2), Layer(2, 2), Layer(3, 2), Layer(2, 2)]
    calls: dict[str, Work] = {
        "output_size": lambda: output_size(224, kernel_size=7, stride=2, padding=3),
        "trace of four layers": lambda: trace(224, layers),
        "network_unread of four layers": lambda: network_unread(224, layers),
    }
    for label, call in calls.items():
        start = time.perf_counter()
        repeat(1000, call)()
        print(f"  {label}: {(time.perf_counter() - start) * 1e3:.1f} us (mean of 1000 calls)")


def convolution() -> None:
    """Compare convolve2d with the double loop and with scipy, at 256x256 and a 3x3 kernel."""
    generator = np.random.default_rng(0)
    image, kernel = generator.normal(size=(256, 256)), generator.normal(size=(3, 3))
    compare(
        ("convolve2d", lambda: convolve2d(image, kernel)),
        ("the double loop", lambda: convolve2d_loops(image, kernel)),
        turns=5,
    )
    for stride in (1, 2):

        def ours(stride: int = stride) -> Any:
            return convolve2d(image, kernel, stride=stride)

        def scipys(stride: int = stride) -> Any:
            return signal.correlate2d(image, kernel, "valid")[::stride, ::stride]

        compare(
            (f"20 x convolve2d at stride {stride}", repeat(20, ours)),
            ("20 x scipy.signal.correlate2d", repeat(20, scipys)),
        )


@torch.inference_mode()
def layers() -> None:
    """Compare Conv2dSame with Conv2d(padding=1), 64 channels at 56x56, where both pad alike."""
    same, explicit = Conv2dSame(64, 64, 3), nn.Conv2d(64, 64, 3, padding=1)
    explicit.load_state_dict(same.state_dict())
    images = torch.randn(8, 64, 56, 56)
    compare(("Conv2dSame", lambda: same(images)), ("Conv2d(padding=1)", lambda: explicit(images)), turns=41)


def anatomy() -> None:
    """Compare anatomy with torchinfo, both on ResNet-50 at 224x224 on the meta device."""
    from torchinfo import summary

    model = load_model("torchvision:resnet50")
    start = time.perf_counter()
    read(model, 224)
    print(f"  first call of anatomy: {time.perf_counter() - start:.2f} s")
    settings: dict[str, Any] = {"input_size": (1, 3, 224, 224), "device": "meta", "verbose": 0}
    compare(("anatomy", lambda: read(model, 224)), ("torchinfo", lambda: summary(model, **settings)))


def lengths() -> None:
    """Time and memory of anatomy against the length of its input, for sound, images and video."""
    sound = nn.Sequential(
        *(
            nn.Conv1d(1 if i == 0 else 64, 64, k, s)
            for i, (k, s) in enumerate(zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True))
        )
    )
    video = nn.Sequential(nn.Conv3d(3, 8, 3, 2, 1), nn.MaxPool3d(2), nn.Conv3d(8, 16, 3, padding=1))
    image = load_model("torchvision:resnet18")
    cases: dict[str, tuple[nn.Module, list[Any]]] = {
        "seven convolutions over sound": (sound, [(1, 1, n) for n in (10_000, 40_000, 160_000)]),
        "resnet18": (image, [1024, 2048, 4096]),
        "two convolutions over video": (video, [(3, 64, n, n) for n in (128, 256, 512)]),
    }
    for name, (model, sizes) in cases.items():
        for size in sizes:
            read(model, size)
            start = time.perf_counter()
            read(model, size)
            seconds = time.perf_counter() - start
            tracemalloc.start()
            read(model, size)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            print(f"  {name}, {size}: {seconds:.2f} s, {peak / 1e6:.0f} MB", flush=True)


BENCHMARKS: dict[str, Callable[[], None]] = {
    "arithmetic": arithmetic,
    "convolution": convolution,
    "layers": layers,
    "anatomy": anatomy,
    "lengths": lengths,
}

if __name__ == "__main__":
    raise SystemExit(main())
