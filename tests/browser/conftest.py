"""Fixtures for the checks of the built pages: the pages, a server on loopback, and a Chromium that reaches nothing else."""

import functools
import http.server
import os
import sys
import threading
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "tools"))
import browser as chromium_finder  # noqa: E402

# --disable-background-networking and the rest keep Chromium itself from calling its makers.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def built_pages() -> list[str]:
    """Every page a reader can open, as paths below the root of the book."""
    return sorted(
        str(path.relative_to(HTML))
        for folder in ("book", "notebooks")
        for path in (HTML / folder).rglob("*.html")
    )


def pytest_generate_tests(metafunc):
    if "page_path" in metafunc.fixturenames:
        metafunc.parametrize("page_path", built_pages())


@pytest.fixture(scope="session", autouse=True)
def _book_is_built():
    if not built_pages():
        pytest.fail(f"no pages in {HTML}: run `make book` first")


@pytest.fixture(scope="session")
def chromium():
    path = chromium_finder.find()
    if path is None:
        if os.environ.get("STRIDE_BOOK_BROWSER") == "required":
            pytest.fail(chromium_finder.ADVICE)
        pytest.skip(chromium_finder.ADVICE)
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield instance
        instance.close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def server():
    """Serve the built book on loopback; yields the address of its root."""
    handler = functools.partial(QuietHandler, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as instance:
        threading.Thread(target=instance.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{instance.server_port}/"
        instance.shutdown()


@pytest.fixture(params=["http", "file"])
def root(request):
    """Address of the book's root, once from a server and once from the disk."""
    return request.getfixturevalue("server") if request.param == "http" else HTML.as_uri() + "/"


class Visit:
    """One opened page and what happened on it: requests to other hosts, console messages, failed requests."""

    def __init__(self, page, root):
        self.page = page
        self.elsewhere = []
        self.console = []
        self.failed = []
        page.route(lambda url: not url.startswith((root, "data:", "blob:")), self._refuse)
        page.on(
            "console",
            lambda message: message.type in ("error", "warning") and self.console.append(message.text),
        )
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("response", lambda response: response.status >= 400 and self.failed.append(response.url))

    def _refuse(self, route):
        self.elsewhere.append(route.request.url)
        route.abort()


@pytest.fixture
def visit(chromium, root):
    """Open a page by its path, wait until it has settled, return the `Visit`."""
    context = chromium.new_context()

    def open_page(path):
        opened = Visit(context.new_page(), root)
        opened.page.goto(root + path, wait_until="load")
        opened.page.evaluate("() => window.MathJax?.startup?.promise")
        return opened

    yield open_page
    context.close()
