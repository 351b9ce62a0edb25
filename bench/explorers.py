"""Measure what one step of a slider costs the browser: `make bench`, or `python bench/explorers.py`.

From Chromium's own trace: the time that its main thread spends on script, style, layout and paint until the
step is drawn. A step fits one frame of a 60 Hz screen if it takes less than 16 ms. Each explorer is measured
on a plain page, and in the built chapter that it stands in, whose elements and rules have their share.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from helpers.widgets import BookWidget, ConvolutionExplorer, FeatureMapExplorer, ReceptiveFieldExplorer
from helpers.widgets.base import module_names, page_script, style_sheet
from helpers.widgets.networks import NETWORKS

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
from browser import ADVICE, FLAGS, find

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html" / "notebooks"
SHIM = ROOT / "site" / "widgets.js"
CHAPTERS = {
    "convolution_explorer": "03_padding",
    "receptive_field_explorer": "04_receptive_field_and_cost",
    "feature_map_explorer": "12_fashion_mnist",
}
CATEGORIES = ["devtools.timeline", "blink.user_timing", "toplevel"]
PHASES = {
    "script": {"EventDispatch", "FunctionCall", "RunMicrotasks", "ParseHTML"},
    "style": {"UpdateLayoutTree"},
    "layout": {"Layout"},
    "paint": {"PrePaint", "Paint", "Layerize", "Commit"},
}
STEPS = 5  # to the right and back, on each slider; further away it is no longer the size that is measured
TURNS = 4
CHANCE = np.random.default_rng(0)

# One piece of script, for how much the machine itself varies.
YARDSTICK = """() => [...Array(200)].map(() => {
    const start = performance.now();
    let sum = 0;
    for (let turn = 0; turn < 2e5; turn++) sum += (turn * turn) % 7;
    return performance.now() - start + 0 * sum;
})"""

# What is measured: the explorer, and the sliders that are moved in it.
CASES: dict[str, tuple[BookWidget, list[str]]] = {
    "ConvolutionExplorer, 7 x 7": (ConvolutionExplorer(), ["stride", "padding", "input_size", "kernel_size"]),
    "ConvolutionExplorer, 12 x 12": (
        ConvolutionExplorer(input_size=12),
        ["stride", "padding", "kernel_size"],
    ),
    "ConvolutionExplorer, 32 x 32": (
        ConvolutionExplorer(input_size=32, image="seven"),
        ["stride", "padding", "kernel_size"],
    ),
    "ConvolutionExplorer, max pooling of 7 x 7": (
        ConvolutionExplorer(kind="max pooling"),
        ["stride", "input_size", "kernel_size"],
    ),
    "ConvolutionExplorer, average pooling of 32 x 32": (
        ConvolutionExplorer(kind="average pooling", input_size=32, image="seven"),
        ["stride", "kernel_size"],
    ),
    "ConvolutionExplorer, transposed, 4 x 4 to 9 x 9": (
        ConvolutionExplorer(kind="transposed", input_size=4, stride=2),
        ["stride", "input_size", "kernel_size"],
    ),
    "ConvolutionExplorer, transposed, 15 x 15 to 31 x 31": (
        ConvolutionExplorer(kind="transposed", input_size=15, stride=2),
        ["input_size", "kernel_size"],
    ),
    "ReceptiveFieldExplorer, 4 layers over 28 pixels": (
        ReceptiveFieldExplorer(),
        ["input_size", "kernel_size", "stride", "dilation"],
    ),
    "ReceptiveFieldExplorer, VGG-16 over 224 pixels": (
        ReceptiveFieldExplorer(**NETWORKS["VGG-16"]),
        ["input_size", "kernel_size", "stride", "padding"],
    ),
    "ReceptiveFieldExplorer, EfficientNet-B0 over 224 pixels": (
        ReceptiveFieldExplorer(**NETWORKS["EfficientNet-B0, to 14 × 14"]),
        ["input_size", "kernel_size", "stride", "padding"],
    ),
    "ReceptiveFieldExplorer, U-Net over 572 pixels": (
        ReceptiveFieldExplorer(**NETWORKS["U-Net, through the bottom"]),
        ["input_size", "kernel_size", "padding"],
    ),
    "ReceptiveFieldExplorer, frames of 1024 samples": (
        ReceptiveFieldExplorer(**NETWORKS["Sound in frames, 16 kHz"]),
        ["input_size", "kernel_size", "stride"],
    ),
    "ReceptiveFieldExplorer, 24 layers over 256 pixels": (
        ReceptiveFieldExplorer(
            input_size=256, layers=[{"kernel_size": 3, "padding": 1, "channels": 64}] * 24
        ),
        ["kernel_size", "stride", "padding"],
    ),
    "FeatureMapExplorer, 7 filters of 3 x 3 over 28 x 28": (FeatureMapExplorer(), ["stride", "padding"]),
    "FeatureMapExplorer, 64 filters of 7 x 7 over 32 x 32": (
        FeatureMapExplorer(CHANCE.normal(size=(32, 32)), filters=CHANCE.normal(size=(64, 7, 7))),
        ["stride", "padding"],
    ),
}


def main() -> int:
    """Measure every case and print it; return the exit status."""
    path = find()
    if path is None:
        print(ADVICE, file=sys.stderr)
        return 2
    missing = [name for name in CHAPTERS.values() if not (HTML / f"{name}.html").is_file()]
    if missing:
        print(f"not built: {', '.join(missing)}; run `make book` first", file=sys.stderr)
        return 2
    for name in module_names():
        size = len(page_script(name).encode())
        print(f"{name}.js: {size / 1000:.1f} kB a page, once for all its explorers")
    print(f"widgets.css: {len(style_sheet().encode()) / 1000:.1f} kB\n")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for name, (widget, sliders) in CASES.items():
            print(f"{name}, its placeholder {len(widget.static_html()) / 1000:.1f} kB:")
            plain, chapter = write_page(Path(folder), widget), HTML / f"{CHAPTERS[widget._module]}.html"
            report("plain", measure(browser, plain, widget, sliders))
            report(chapter.stem, measure(browser, chapter, widget, sliders))
            report_loop(browser.new_page())
        browser.close()
    return 0


def write_page(folder: Path, widget: BookWidget) -> Path:
    """A page with one explorer and as much text around it as a chapter has."""
    scripts = "".join(f"<script>{page_script(name)}</script>" for name in module_names())
    text = "<p>Some words of a chapter.</p>" * 200
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{style_sheet()} main {{ width: 45rem }}'
        "</style>"
        f"<main>{widget.static_html()}{text}</main>{scripts}<script>{SHIM.read_text(encoding='utf-8')}</script>",
        encoding="utf-8",
    )
    return page


def measure(browser: Browser, file: Path, widget: BookWidget, sliders: list[str]) -> dict[str, Any]:
    """The trace of the steps of one explorer on one page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    explorer = place(page, file, widget)
    for slider in sliders:
        walk(page, explorer, slider)  # once unmeasured, so that the compiler has seen the code
    browser.start_tracing(page=page, categories=CATEGORIES)
    for slider in sliders * TURNS:
        walk(page, explorer, slider)
    trace: dict[str, Any] = json.loads(browser.stop_tracing())
    page.close()
    return trace


def place(page: Page, file: Path, widget: BookWidget) -> Locator:
    """Open a page and put this explorer where the page has its first of the kind."""
    page.goto(file.as_uri())
    explorer = page.locator(f'.book-widget[data-module="{widget._module}"]').first
    drawn = explorer.and_(page.locator("[data-ready]"))
    drawn.wait_for()
    explorer.evaluate("(old, html) => (old.outerHTML = html)", widget.static_html())
    page.add_script_tag(path=SHIM)  # draws what is not drawn
    drawn.wait_for()
    return explorer


def walk(page: Page, explorer: Locator, slider: str) -> None:
    """Move a slider to the right and back, one step at a time, each until it is drawn."""
    explorer.locator(f"input[name={slider}]").first.focus()
    for key in ["ArrowRight"] * STEPS + ["ArrowLeft"] * STEPS:
        page.evaluate("performance.mark('step')")
        page.keyboard.press(key)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def report(name: str, trace: dict[str, Any]) -> None:
    """Print the median and the 95th percentile of a step, and its phases."""
    events = trace["traceEvents"]
    marks = [event for event in events if event["name"] == "step" and event["ph"] in "RIi"]
    thread = (marks[0]["pid"], marks[0]["tid"])
    starts = sorted(event["ts"] for event in marks)
    work = [event for event in events if event["ph"] == "X" and (event["pid"], event["tid"]) == thread]
    totals: list[float] = []
    phases: dict[str, list[float]] = {phase: [] for phase in PHASES}
    for start, end in zip(starts, [*starts[1:], float("inf")], strict=True):
        step = [event for event in work if start <= event["ts"] < end]
        totals.append(covered([event for event in step if event["name"] in set().union(*PHASES.values())]))
        for phase, names in PHASES.items():
            phases[phase].append(covered([event for event in step if event["name"] in names]))
    parts = ", ".join(f"{phase} {median(times):.1f}" for phase, times in phases.items())
    steps = f"{median(totals):.1f} ms a step, 95% below {high(totals):.1f} ms, of {len(totals)}"
    print(f"  {name}: {steps} ({parts})")


def report_loop(page: Page) -> None:
    """Print how long one and the same script takes, run after run."""
    times = page.evaluate(YARDSTICK)
    print(f"  one loop of script, for comparison: {median(times):.1f} ms, 95% below {high(times):.1f} ms")
    page.close()


def high(times: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(times, n=20)[-1]


def covered(events: list[dict[str, Any]]) -> float:
    """Milliseconds that the thread itself took for the events; what runs inside another counts once.

    The thread's own clock stands still while other programs have the processor.
    """
    total, until = 0.0, 0.0
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        if event["ts"] >= until:
            total += event.get("tdur", event["dur"])
            until = event["ts"] + event["dur"]
    return total / 1000


if __name__ == "__main__":
    raise SystemExit(main())
