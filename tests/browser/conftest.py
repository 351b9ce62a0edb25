"""The built pages, a server on loopback, and a Chromium that reaches nothing else."""

import os

import browser as chromium_finder
import pytest
from explorer_page import HTML, serve
from playwright.sync_api import sync_playwright

SIZE = {"width": 1000, "height": 1600}


def built_pages():
    """Every page a reader can open, as a path below the root of the book."""
    folders = [HTML / "book", HTML / "notebooks"]
    return sorted(str(path.relative_to(HTML)) for folder in folders for path in folder.rglob("*.html"))


def pytest_generate_tests(metafunc):
    if "opened" in metafunc.fixturenames:
        origins = ("http",) if "served" in metafunc.fixturenames else ("http", "file")
        places = [(origin, path) for path in built_pages() for origin in origins]
        names = [f"{origin}:{path}" for origin, path in places]
        metafunc.parametrize("opened", places, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def _book_is_built(request):
    if not built_pages() and any("opened" in item.fixturenames for item in request.session.items):
        pytest.fail(f"no pages in {HTML}: run `make book` first")


@pytest.fixture(scope="session")
def chromium():
    path = chromium_finder.find()
    if path is None:
        if os.environ.get("STRIDE_BOOK_BROWSER") == "required":
            pytest.fail(chromium_finder.ADVICE)
        pytest.skip(chromium_finder.ADVICE)
    with sync_playwright() as playwright:
        flags = [*chromium_finder.FLAGS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        instance = playwright.chromium.launch(executable_path=path, args=flags)
        yield instance
        instance.close()


@pytest.fixture(scope="session")
def server():
    """Serve the built book on loopback; gives the address of its root."""
    with serve(HTML) as address:
        yield address


class Visit:
    """One open page, and what happened on it: what it loaded, what it could not, messages on the console."""

    def __init__(self, page, root, path):
        self.page = page
        self.root = root
        self.loaded, self.elsewhere, self.failed, self.console = [], [], [], []
        self.listeners = {
            "request": self._ask,
            "console": self._hear,
            "pageerror": lambda error: self.console.append(str(error)),
            "requestfailed": lambda request: self.failed.append(request.url),
            "response": self._note,
        }
        for event, listener in self.listeners.items():
            page.on(event, listener)
        page.goto(root + path, wait_until="load")
        page.evaluate("() => window.MathJax?.startup?.promise")

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.console.append(message.text)

    def _note(self, response):
        (self.failed if response.status >= 400 else self.loaded).append(response.url)

    def _ask(self, request):
        if not request.url.startswith((self.root, "data:", "blob:")):
            self.elsewhere.append(request.url)


@pytest.fixture(scope="session")
def opened(request, chromium, server):
    """One page of the book, opened once for all its tests, from the server or from the disk."""
    origin, path = request.param
    # Without motion, so that axe-core sees no color on its way to another.
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield Visit(context.new_page(), server if origin == "http" else HTML.as_uri() + "/", path)
    context.close()


@pytest.fixture
def served(opened):
    """The page from the server only, for what is the same from the disk."""
    return opened


@pytest.fixture(scope="session")
def shared_window(chromium):
    """Where tests open their pages in turn: to start another window takes as long as to open a page in it."""
    context = chromium.new_context(viewport=SIZE)
    yield context.new_page()
    context.close()


def leave(visit):
    """Leave the window that tests share as it was before."""
    window = visit.page
    for event, listener in visit.listeners.items():
        window.remove_listener(event, listener)
    window.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    for page in window.context.pages:
        if page is not window:
            page.close()
    window.mouse.move(0, 0)
    window.goto("about:blank")
    window.set_viewport_size(SIZE)
    window.emulate_media(media="null", color_scheme="null")


@pytest.fixture
def open_page(chromium, shared_window, site):
    """Open a page of the module's `site`; whatever goes wrong on it fails the test.

    It has a window of its own if that is asked for: by a test that changes what `leave` cannot take back, as
    permissions, the clock or a script for each page; or if one is in use, or is to have another size.
    """
    visits = []

    def opened(path="index.html", origin="file", *, own=False, **context):
        if own or context or visits:
            page = chromium.new_context(**{"viewport": SIZE} | context).new_page()
        else:
            page = shared_window
        visits.append(Visit(page, site[origin], path))
        return page

    yield opened
    for visit in visits:
        if visit.page is shared_window:
            leave(visit)
        else:
            visit.page.context.close()
    for visit in visits:
        heard = [message for message in visit.console if "Canvas2D" not in message]  # axe's own
        assert (visit.elsewhere, visit.failed, heard) == ([], [], [])


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(params=["http", "file"])
def either(request, open_page):
    """The page as it comes from a server, and as it comes from the disk."""
    return open_page(origin=request.param)
