"""A page that holds nothing but explorers: how it is written, and how a test takes hold of what is in it."""

import contextlib
import functools
import http.server
import shutil
import threading
from pathlib import Path

import stage
from axe_playwright_python.sync_playwright import Axe

from helpers.data import packed_excerpt
from helpers.widgets import base

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
HOSTILE = "'\"></div><img src=x onerror='window.hacked=1'><script>window.hacked=1</script>&#39;"
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serve(folder):
    """Serve a folder on loopback; gives the address of its root."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as instance:
        threading.Thread(target=instance.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{instance.server_port}/"
        instance.shutdown()


@functools.cache
def drawn_digits():
    """The script of the images that take seconds to draw."""
    return stage.image_script("digits", packed_excerpt("digits"))


def write_assets(folder):
    """All that a page of explorers loads, and the modules themselves, for the tests of their arithmetic."""
    for name in base.module_names():
        (folder / f"{name}.js").write_text(base.page_script(name), encoding="utf-8")
        shutil.copy(base.MODULE_FOLDER / f"{name}.mjs", folder)
    (folder / "widgets" / "images").mkdir(parents=True)
    (folder / "widgets" / "images" / "digits.js").write_text(drawn_digits(), encoding="utf-8")
    for table in ("snippets.json", "drills.json"):  # above the root of a server is its root
        shutil.copy(base.MODULE_FOLDER.parent / table, folder)
    (folder / "widgets.css").write_text(base.style_sheet(), encoding="utf-8")
    shutil.copy(ROOT / "site" / "widgets.js", folder)


def write_page(folder, name, *widgets):
    """A page of the book's kind that holds nothing but the explorers, and loads what they need."""
    held = {each._module for each in widgets}
    loaded = held.union(*map(base.libraries_of, held))
    scripts = "".join(
        f'<script defer src="{module}.js"></script>' for module in base.module_names() if module in loaded
    )
    body = "".join(f"<h2>Explorer {place}</h2>{each.static_html()}" for place, each in enumerate(widgets))
    theme = "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"
    (folder / name).write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Explorers</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<script>document.documentElement.dataset.theme = {theme}</script>"
        '<link rel="stylesheet" href="widgets.css">'
        "<style>html { font-family: sans-serif; background: #fff; color: #1a1a1a }"
        "html[data-theme=dark] { background: #121212; color: #e8e8e8 } main { max-width: 45rem }</style>"
        f'{scripts}<script defer src="widgets.js"></script></head>'
        f"<body><main><h1>Explorers</h1>{body}</main></body></html>",
        encoding="utf-8",
    )


def explorer(page, place=0):
    return page.locator(".book-widget[data-ready]").nth(place)


def trait(page, name, place=0):
    return explorer(page, place).evaluate("(place, name) => place.bookModel.get(name)", name)


def put(page, place=0, **traits):
    explorer(page, place).evaluate("(place, traits) => place.bookModel.set(traits)", traits)


def part(page, name, place=0):
    return explorer(page, place).locator(f"[part={name}]")


def text(page, name, place=0):
    return part(page, name, place).inner_text()


def slider(page, name, place=0):
    return explorer(page, place).locator(f"input[name={name}]").first


def fold(page, title, place=0):
    """A fold of an explorer, opened, and filled with what is written when it is opened."""
    found = explorer(page, place).locator(".fold", has=page.get_by_text(title, exact=True))
    if found.get_attribute("open") is None:
        found.evaluate(
            """(fold) => new Promise((done) => {
                fold.addEventListener("toggle", done, { once: true });
                fold.querySelector("summary").click();
            })"""
        )
    return found


def swipe(page, path):
    """Move a finger along the places of a path, as slowly as a finger does; a faster one flings."""
    touch = page.context.new_cdp_session(page)
    for step, place in enumerate(path):
        kind = "touchMove" if step else "touchStart"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
        page.wait_for_timeout(50)  # a fling would eat the next tap
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def heard_outside(page, node, key):
    """The key pressed on a node if it reaches the rest of the page, else None."""
    page.evaluate("document.addEventListener('keydown', (event) => { window.heard = event.key; })")
    node.focus()
    page.keyboard.press(key)
    return page.evaluate("window.heard ?? null")


def listeners(page, module, then="() => {}"):
    """How many listeners a view has while it is there and after its clean-up; `then` is done with it between.

    What the view writes to its model after that is found in `window.written`.
    """
    return explorer(page).evaluate(
        """(place, [module, then]) => {
            const found = new Set();
            const model = {
                get: (name) => place.bookModel.get(name),
                set: (changes) => Object.assign(window.written ??= {}, changes),
                save_changes() {},
                on: (event, listener) => found.add(listener),
                off: (event, listener) => found.delete(listener),
            };
            const el = document.createElement("div");
            document.body.append(el);
            const cleanUp = window.BOOK_WIDGETS[module].render({ model, el });
            eval(then)(el);
            const before = found.size;
            cleanUp();
            window.written = null;
            return [before, found.size];
        }""",
        [module, then],
    )


# axe parses the colors of each element anew, which takes half of its time; most pages have twenty of them.
REMEMBER_COLORS = """() => {
    const { prototype } = axe.commons.color.Color;
    const { parseString } = prototype;
    const known = new Map();
    prototype.parseString = function (text) {
        if (!known.has(text)) {
            parseString.call(this, text);
            known.set(text, [this.r, this.g, this.b, this.alpha]);
        }
        [this.r, this.g, this.b, this.alpha] = known.get(text);
        return this;
    };
}"""
# Of texts that look alike on one ground, the first tells the contrast of all. A text counts as one of them if
# it lies in the flow: not placed by itself nor in what is, crossed by nothing that is, nor cut in two.
SKIP_REPEATED = """() => {
    const parts = [null, "::before", "::after"];
    const CLEAR = "rgba(0, 0, 0, 0),none,1,none,normal,false,false";
    const known = new Map([[document.documentElement, { ground: "", cut: [[0, 0, Infinity, Infinity]] }]]);
    const box = (element) => {
        const { left, top, right, bottom } = element.getBoundingClientRect();
        return [left + scrollX, top + scrollY, right + scrollX, bottom + scrollY];
    };
    const meet = (one, other) =>
        one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
    const within = (one, other) =>
        one[0] >= other[0] - 1 && one[1] >= other[1] - 1 && one[2] <= other[2] + 1 && one[3] <= other[3] + 1;
    const place = (element) => {
        const [style, ...drawn] = parts.map((part) => getComputedStyle(element, part));
        const above = known.get(element.parentElement);
        const sides = [style.marginTop, style.marginRight, style.marginBottom, style.marginLeft];
        const moved = [style.top, style.right, style.bottom, style.left].some((side) => parseFloat(side));
        const apart = above.apart || style.float !== "none" || style.transform !== "none"
            || !(style.position === "static" || (style.position === "relative" && !moved))
            || sides.some((side) => parseFloat(side) < 0);
        const below = drawn.map((part) => part.content !== "none" && part.backgroundColor);
        const paint = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
            style.mixBlendMode, ...below].join();
        return { style, apart, ground: paint === CLEAR ? above.ground : `${above.ground}; ${paint}`,
            cut: style.overflow === "visible" ? above.cut : [...above.cut, box(element)] };
    };
    const all = [...document.querySelectorAll("body, body *")];
    for (const element of all) known.set(element, place(element));
    const loose = all.filter((element) => {
        const { apart, style } = known.get(element);
        return apart && style.clip === "auto" && element.checkVisibility();
    }).map(box);
    const met = new Set();
    for (const element of all) {
        const { style, apart, ground, cut } = known.get(element);
        const words = [...element.childNodes].map((each) => (each.nodeType === 3 ? each.data : "")).join("");
        const here = box(element);
        const whole = cut.every((edge) => within(here, edge)), gone = cut.some((edge) => !meet(here, edge));
        const lies = words.trim() && !apart && (whole || gone) && here[2] > here[0] && here[3] > here[1]
            && element.checkVisibility() && !loose.some((each) => meet(here, each));
        const look = [style.color, style.fontSize, style.fontWeight, style.textShadow,
            style.webkitTextStroke, words.trim().length === 1, whole, ground].join();
        element.toggleAttribute("data-repeated", Boolean(lies) && met.has(look));
        if (lies) met.add(look);
    }
    axe.configure({ rules: [{ id: "color-contrast", selector: "*:not([data-repeated])" }] });
}"""
COLOR_RULES = """(tags) => axe.getRules(tags)
    .filter((rule) => rule.tags.includes("cat.color")).map((rule) => rule.ruleId)"""
# What there is to see, and where: all that the other rules can tell one theme from another by.
SHOWN = """() => JSON.stringify([...document.querySelectorAll("body *")].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
        && [element.tagName, x, y, width, height];
}))"""


def load_axe(page):
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
        page.evaluate(REMEMBER_COLORS)


def violations(page, rules=None):
    load_axe(page)
    page.evaluate(SKIP_REPEATED)
    options = {"runOnly": rules or ALL_RULES, "resultTypes": ["violations"]}
    found = page.evaluate("(options) => axe.run(options)", options)["violations"]
    return [
        (each["id"], node["html"][:200], node["failureSummary"]) for each in found for node in each["nodes"]
    ]


def violations_in_both_themes(page):
    """What axe finds in the light theme; then in the dark one, by rules of color if all else is the same."""
    switch = "(theme) => { document.documentElement.dataset.theme = theme; }"
    load_axe(page)
    page.evaluate(switch, "light")
    shown, found = page.evaluate(SHOWN), violations(page)
    page.evaluate(switch, "dark")
    is_same = page.evaluate(SHOWN) == shown
    found += violations(page, page.evaluate(COLOR_RULES, ALL_RULES) if is_same else ALL_RULES)
    page.evaluate(switch, "light")
    return found
