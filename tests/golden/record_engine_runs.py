"""Records the test accuracies of 20 runs of the page's engine, of two settings, on the drawn digits.

    .venv/bin/python tests/golden/record_engine_runs.py

It writes engine_runs.json beside itself: what study/LOG.md compares with the runs of torch. It takes minutes.
"""

import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools"), str(ROOT / "tests" / "browser")]

import browser  # noqa: E402
from explorer_page import serve, write_assets, write_page  # noqa: E402

from helpers.widgets import TrainingExplorer  # noqa: E402

TARGET = Path(__file__).with_name("engine_runs.json")
SEEDS = range(1, 21)
NAMES = {"s1-same": "(1, same)", "s2-valid": "(2, valid)"}
RUN = """async (state) => {
    const { openDesk } = await import("./engine.mjs");
    const { sessionFor, unpack } = await import("./training_explorer.mjs");
    await document.querySelector(".book-widget").bookModel.loadImages("digits");
    const packed = Uint8Array.from(atob(window.BOOK_IMAGES.digits), (sign) => sign.charCodeAt(0));
    const points = [];
    const desk = openDesk((message) => message.kind === "point" && points.push(message.points[0]), () => 0);
    desk.take({ ...sessionFor(state, await unpack(packed)), every: 10000 });
    desk.take({ act: "train", until: 2000 * state.epochs });
    desk.advance(1);
    return points.at(-1).accuracy;
}"""


def main() -> None:
    """Make every run, one after the other."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_assets(Path(folder))
        write_page(Path(folder), "index.html", TrainingExplorer())
        instance = playwright.chromium.launch(executable_path=browser.find(), args=browser.FLAGS)
        with serve(Path(folder)) as address:
            page = instance.new_page()
            page.goto(address)
            page.wait_for_selector(".book-widget[data-ready]")
            state = TrainingExplorer().static_state()
            for variant, name in NAMES.items():
                networks = [each for each in state["networks"] if each["name"] == name]
                runs = [page.evaluate(RUN, state | {"networks": networks, "seed": seed}) for seed in SEEDS]
                found[variant] = runs
                print(variant, runs, flush=True)
        instance.close()
    TARGET.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
