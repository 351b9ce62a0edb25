"""Measure how fast the page's engine learns: `make bench`, or `python bench/training.py`.

Images a second for each of four settings, with 8 and 16 filters and with 32 and 64, one batch of each in turn
in one browser: the engine, ConvNetJS (fetched from npm, and checked), and the two convolutions alone in plain
loops. Beside it torch on one thread of the same machine. Then the explorer itself: seconds to 90% test
accuracy on the drawn digits, the longest task of the page meanwhile, and bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from playwright.sync_api import Page, sync_playwright

from helpers.models import small_cnn
from helpers.widgets import TrainingExplorer
from helpers.widgets.base import page_script

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "browser"))
from browser import ADVICE, FLAGS, find
from explorer_page import serve, write_assets, write_page  # type: ignore[import-not-found]

PACKAGE, SHA256 = "convnetjs@0.3.0", "d6575958fa62ea25c9a59e884157aca448b8bd949fa7424f2f208732cddd7552"
SETTINGS: dict[str, dict[str, Any]] = {
    "(1, same)": {"strides": (1, 1), "padding": "same"},
    "(1, valid)": {"strides": (1, 1), "padding": "valid"},
    "(2, same)": {"strides": (2, 2), "padding": "same"},
    "(2, valid)": {"strides": (2, 2), "padding": "valid"},
}
WIDTHS = ((8, 16), (32, 64))
BATCH, TURNS = 32, 5

# One batch of each in turn; the median milliseconds of each. ConvNetJS has no Adam: momentum costs it less.
RACE = """async ([network, channels, batch, turns]) => {
    const { networkOf, initialize, learn, adam } = await import("./engine.mjs");
    const { planOf } = await import("./training_explorer.mjs");
    const plain = { name: "", convention: "tensorflow", kernel_size: 3, pool: true, border: 0 };
    const { layers } = planOf({ ...plain, ...network }, channels);
    const images = [...Array(batch).keys()].map((each) =>
        Float32Array.from({ length: 784 }, (_, at) => (at * (each + 3)) % 5 === 0 ? ((at * 7) % 4) / 3 : 0));
    const ours = networkOf([1, 28, 28], layers);
    initialize(ours, 1);
    const pad = network.padding === "same" ? 1 : 0;
    const racers = { engine() {
        for (let each = 0; each < batch; each++) learn(ours, images[each], each % 10);
        adam(ours, batch, { rate: 0.005 });
    } };
    if (window.convnetjs) {
        const theirs = new convnetjs.Net();
        const part = (place) => {
            const [filters, stride] = [channels[place], network.strides[place]];
            const conv = { type: "conv", sx: 3, filters, stride, pad, activation: "relu" };
            return [conv, { type: "pool", sx: 2, stride: 2 }];
        };
        theirs.makeLayers([{ type: "input", out_sx: 28, out_sy: 28, out_depth: 1 }, ...part(0), ...part(1),
            { type: "softmax", num_classes: 10 }]);
        const method = { method: "sgd", momentum: 0.9, learning_rate: 0.005, batch_size: batch };
        const trainer = new convnetjs.SGDTrainer(theirs, method);
        const volumes = images.map((image) => {
            const volume = new convnetjs.Vol(28, 28, 1, 0);
            volume.w.set(image);
            return volume;
        });
        racers.convnetjs = () => volumes.forEach((volume, each) => trainer.train(volume, each % 10));
    }
    racers.loops = loops(layers, images);
    const times = Object.fromEntries(Object.keys(racers).map((name) => [name, []]));
    for (let turn = -1; turn < turns; turn++) { // the first is for the compiler
        for (const [name, act] of Object.entries(racers)) {
            const start = performance.now();
            act();
            if (turn >= 0) times[name].push(performance.now() - start);
        }
    }
    return times;

    /** The two convolutions alone, forward and backward, as one would write them down. */
    function loops(layers, images) {
        const shapes = [];
        let [depth, size] = [1, 28];
        for (const { kind, filters, stride, pads } of layers) {
            if (kind === "pooling") size = size >> 1;
            if (kind !== "convolution") continue;
            const out = Math.floor((size + pads[0][0] + pads[0][1] - 3) / stride) + 1;
            const many = (count) => new Float64Array(count).fill(0.1);
            const [x, w, y] = [depth * size * size, filters * depth * 9, filters * out * out];
            const numbers = { x: many(x), w: many(w), y: many(y), dx: many(x), dw: many(w) };
            shapes.push({ depth, size, filters, stride, before: pads[0][0], out, ...numbers });
            [depth, size] = [filters, out];
        }
        return () => images.forEach(() => shapes.forEach((shape) => (pass(shape, true), pass(shape, false))));
    }
    function pass({ depth, size, filters, stride, before, out, x, w, y, dx, dw }, isForward) {
        for (let f = 0; f < filters; f++) for (let r = 0; r < out; r++) for (let c = 0; c < out; c++) {
            let sum = 0;
            const slope = y[(f * out + r) * out + c];
            for (let d = 0; d < depth; d++) for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) {
                const [row, column] = [r * stride - before + i, c * stride - before + j];
                if (row < 0 || column < 0 || row >= size || column >= size) continue;
                const [at, tap] = [(d * size + row) * size + column, (f * depth + d) * 9 + 3 * i + j];
                if (isForward) sum += x[at] * w[tap];
                else {
                    dw[tap] += slope * x[at];
                    dx[at] += slope * w[tap];
                }
            }
            if (isForward) y[(f * out + r) * out + c] = sum;
        }
    }
}"""
WATCH = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask" });
}"""


def main() -> int:
    """Measure and print; return the exit status."""
    path = find()
    if path is None:
        print(ADVICE, file=sys.stderr)
        return 2
    report_bytes()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_assets(Path(folder))
        write_page(Path(folder), "index.html", TrainingExplorer(epochs=12))
        library = convnetjs(Path(folder))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        with serve(Path(folder)) as address:
            race, run = browser.new_page(), browser.new_page()
            for page in (race, run):
                page.goto(address)
                page.wait_for_selector(".book-widget[data-ready]")
            if library:
                race.add_script_tag(content=library)
            report_race(race)
            race.close()  # what it leaves to be collected is not the explorer's
            report_run(run)
        browser.close()
    return 0


def convnetjs(folder: Path) -> str:
    """The text of ConvNetJS, out of npm; empty where there is no npm, or no network."""
    try:
        subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, timeout=120
        )
    except (OSError, subprocess.SubprocessError) as error:
        print(f"without ConvNetJS, which npm did not give: {error}")
        return ""
    (archive,) = folder.glob("*.tgz")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{PACKAGE} must have the digest {SHA256}; npm gave another file")
    with tarfile.open(archive) as files:
        member = files.extractfile("package/build/convnet.js")
        assert member is not None
        return member.read().decode()


def report_bytes() -> None:
    """Print what a page with the explorer loads, plain and compressed."""
    for name in ("common", "picture", "engine", "training_explorer"):
        script = page_script(name).encode()
        print(f"{name}.js: {len(script) / 1000:.1f} kB, {len(gzip.compress(script)) / 1000:.1f} kB as sent")


def report_race(page: Page) -> None:
    """Print images a second of each setting, and the ratios."""
    for channels in WIDTHS:
        for name, setting in SETTINGS.items():
            times = page.evaluate(RACE, [setting, channels, BATCH, TURNS])
            rates = {racer: 1000 * BATCH / median(each) for racer, each in times.items()}
            rates["torch"] = 1000 * BATCH / median(torch_times(setting, channels))
            ratios = ", ".join(
                f"{rates['engine'] / rate:.1f} times {racer} ({rate:,.0f})"
                for racer, rate in rates.items()
                if racer != "engine"
            )
            rate = f"{rates['engine']:,.0f} images a second"
            print(f"{name}, {channels[0]} and {channels[1]} filters: {rate}, {ratios}", flush=True)


def torch_times(setting: dict[str, Any], channels: tuple[int, int]) -> list[float]:
    """Milliseconds of batches in torch on one thread."""
    torch.set_num_threads(1)
    model = small_cnn(**setting, channels=channels)
    adam = torch.optim.Adam(model.parameters(), lr=0.005, fused=True)
    images, labels = torch.rand(BATCH, 1, 28, 28), torch.arange(BATCH) % 10
    times = []
    for _ in range(TURNS + 3):
        start = time.perf_counter()
        adam.zero_grad()
        F.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
        adam.step()
        times.append(1000 * (time.perf_counter() - start))
    return times[3:]


def report_run(page: Page) -> None:
    """Print the seconds of training until 90%, and the longest task of the page's own thread."""
    page.evaluate(WATCH)
    page.locator("[part=train]").click()
    page.wait_for_function("document.querySelector('[part=train]').textContent === 'Go on'", timeout=600_000)
    points = page.evaluate("document.querySelector('.book-widget').bookModel.get('_history')")
    for name in SETTINGS:
        own = [each for each in points if each["network"] == name]
        reached = [each["seconds"] for each in own if each["accuracy"] >= 0.9]
        best = f"not reached in 12 epochs, {max(each['accuracy'] for each in own):.1%} at most"
        said = f"after {reached[0]:.1f} seconds of its own" if reached else best
        print(f"{name}, 90% of the drawn test digits: {said}")
    longest = page.evaluate("window.longest")
    print(f"longest task of the page while it trained: {f'{longest:.0f} ms' if longest else 'below 50 ms'}")


if __name__ == "__main__":
    raise SystemExit(main())
