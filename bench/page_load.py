"""Measure how the heaviest pages load on a phone: `make bench`, or `python bench/page_load.py PAGE...`.

Chromium plays a mid-range phone: a quarter of this processor's speed, 1.6 Mbit/s, 150 ms a round trip. Text
travels compressed, as hosts send it. It measures the pages of the last `make book`.
"""

from __future__ import annotations

import functools
import gzip
import http.server
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
from browser import ADVICE, FLAGS, find

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"
COMPRESSED = {".html", ".js", ".css", ".svg", ".json"}
HEAVIEST = 5
# In milliseconds and bytes a second.
SPEED = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
LARGEST_SHIFT = 0.05

# A long task blocks for what it takes beyond 50 ms.
OBSERVE = """
window.vitals = { lcp: 0, shift: 0, blocking: 0, moved: [] };
const observe = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
observe("largest-contentful-paint", (entry) => { vitals.lcp = entry.startTime; });
observe("longtask", (entry) => { vitals.blocking += entry.duration - 50; });
observe("layout-shift", (entry) => {
    if (entry.hadRecentInput) return;
    vitals.shift += entry.value;
    vitals.moved.push(...entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "text"));
});
"""


class Host(http.server.SimpleHTTPRequestHandler):
    """Serves files as a host of static pages does: text compressed."""

    def do_GET(self) -> None:
        """Answer with the file, compressed where that helps."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().do_GET()
        body = sent(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@functools.cache
def sent(path: Path) -> bytes:
    """A file as it travels: text compressed."""
    content = path.read_bytes()
    return gzip.compress(content, compresslevel=6) if path.suffix in COMPRESSED else content


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; gives the address of its root."""
    handler = functools.partial(Host, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as instance:
        threading.Thread(target=instance.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{instance.server_port}/"
        instance.shutdown()


def main() -> int:
    """Measure the pages named, or the front page and the heaviest; return 1 if one of them shifts."""
    path = find()
    pages = [Path(name).resolve() for name in sys.argv[1:]] or heaviest()
    if path is None or not pages:
        print(ADVICE if pages else f"no pages in {HTML}: run `make book` first", file=sys.stderr)
        return 2
    shifts = []
    with sync_playwright() as playwright, serve(HTML) as root:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for page in pages:
            name = page.relative_to(HTML).as_posix()
            vitals = visit(browser, root + name)
            shifts.append(vitals["shift"])
            print(
                f"{name}: {vitals['bytes'] / 1e3:.0f} kB, largest paint after {vitals['lcp'] / 1e3:.1f} s, "
                f"layout shift {vitals['shift']:.3f}, blocked for {vitals['blocking'] / 1e3:.1f} s"
            )
            for moved in vitals["moved"] if vitals["shift"] > LARGEST_SHIFT else []:
                print(f"  moved: {moved}")
        browser.close()
    return int(max(shifts) > LARGEST_SHIFT)


def heaviest() -> list[Path]:
    """The front page, and the pages whose own text is longest as it travels."""
    chapters = sorted((HTML / "notebooks").glob("*.html"), key=lambda page: -len(sent(page)))
    return [HTML / "book" / "intro.html", *chapters[:HEAVIEST]] if chapters else []


def visit(browser: Browser, address: str) -> dict[str, Any]:
    """Load a page on the phone, with an empty cache; return what was observed until it was quiet."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    session = context.new_cdp_session(page)
    loaded: list[float] = []
    session.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SPEED)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="load", timeout=120_000)
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.wait_for_timeout(1000)
    vitals: dict[str, Any] = page.evaluate("window.vitals")
    context.close()
    return vitals | {"bytes": sum(loaded)}


if __name__ == "__main__":
    raise SystemExit(main())
