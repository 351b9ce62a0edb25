"""Every page, opened as a reader opens it: from a server and from the disk."""

import re
from urllib.parse import urlsplit

import pytest
from explorer_page import HTML, violations_in_both_themes
from page_load import sent  # of bench

HEAVIEST = 1_200_000  # bytes that a page may transfer, text compressed
SCRIPTS = [
    r"(accessibility|widgets|widgets/\w+)\.js",  # ours
    r"(documentation_options|doctools|sphinx_highlight)\.js",
    r"(clipboard\.min|copybutton|togglebutton|design-tabs)\.js",
    r"scripts/(bootstrap|pydata-sphinx-theme|sphinx-book-theme)\.js",
]
# What the theme and jupyterquiz put into the pages; under a policy of `script-src 'self'` it would not run.
INLINE = [
    r"document\.documentElement\.dataset\.mode = localStorage.*",
    r"(let|var) toggle\w+ = '[^']*';",
    r"DOCUMENTATION_OPTIONS\.(search_as_you_type|pagename) = [^;]*;",
    r"// Activate the search field on page load.*",
    r"window\.MathJax = \{.*",
    r"\(\(\) => \{ let MathJax; var questionsquiz_.*",
]
HANDLERS = {"toggleFullScreen()", "window.print()"}


def test_nothing_is_asked_of_another_host(opened):
    assert opened.elsewhere == []


def test_nothing_fails(opened):
    assert opened.failed == []
    assert opened.console == []


def test_the_page_has_one_title(served):
    assert served.page.locator("article.bd-article h1").count() == 1


def test_math_is_drawn(opened):
    page = opened.page
    sources = page.locator("span.math, div.math").count()
    assert page.locator(".math mjx-container").count() >= sources
    assert page.locator("mjx-merror").count() == 0
    visible = page.locator("article.bd-article").inner_text()
    assert not re.search(r"\\\(|\\\[|\\begin\{", visible), "raw TeX on the page"


def test_values_are_written_for_a_reader(served):
    visible = served.page.locator("article.bd-article").inner_text()
    raw = r"np\.(?:int|float|bool|str)\w*\([^)]*\)|<[^<>]* object at 0x|\bdtype: (?:int|float|object)\w*"
    assert re.findall(raw, visible) == []


def test_images_are_loaded(opened):
    widths = opened.page.locator("article.bd-article img").evaluate_all(
        """(images) => Promise.all(images.map(async (image) => {
            image.loading = "eager";
            await image.decode();
            return image.naturalWidth;
        }))"""
    )
    assert 0 not in widths


def test_images_have_written_alternatives(served):
    images = served.page.locator("article.bd-article img")
    for text in images.evaluate_all("(images) => images.map((image) => image.getAttribute('alt') ?? '')"):
        assert len(text) > 20, f"no text alternative: {text!r}"
        assert not re.search(r"\.(png|svg|jpe?g)$|<Figure size", text), f"not written for a reader: {text!r}"


def test_links_inside_the_book_lead_somewhere(served):
    page = served.page
    broken = page.evaluate(
        """() => [...document.querySelectorAll("article.bd-article a[href^='#']:not([href^='#explorer='])")]
            .map((link) => decodeURIComponent(link.hash.slice(1)))
            .filter((id) => id && !document.getElementById(id))"""
    )
    assert broken == []


def test_the_page_does_not_scroll_sideways(served):
    # A phone, the narrowest that WCAG asks for, and 1280 pixels at 200%.
    widths = (390, 320, 640)
    page = served.page
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        found.append(page.evaluate("document.documentElement.scrollWidth"))
    page.set_viewport_size({"width": 1280, "height": 900})
    assert all(wide <= width for wide, width in zip(found, widths, strict=True)), found


def test_nothing_moves_for_whoever_asked_for_that(served):
    moving = served.page.evaluate(
        """() => {
            const longest = (times) => Math.max(...times.split(",").map(parseFloat));
            const styles = [...document.querySelectorAll("*")].flatMap((element) =>
                [null, "::before", "::after"].map((part) => [element, getComputedStyle(element, part)]));
            return styles
                .filter(([, style]) => style.scrollBehavior !== "auto"
                    || longest(`${style.transitionDuration}, ${style.animationDuration}`) > 0.01)
                .map(([element]) => element.outerHTML.slice(0, 80));
        }"""
    )
    assert moving == []


def test_axe_finds_nothing(served):
    assert violations_in_both_themes(served.page) == []


def test_the_page_is_light_enough_for_a_phone(served):
    files = [HTML / urlsplit(address).path[1:] for address in set(served.loaded)]
    sizes = {path.name: len(sent(path)) for path in files if path.is_file()}
    assert sum(sizes.values()) <= HEAVIEST, sizes


def test_the_page_loads_no_script_but_what_it_needs(served):
    sources = served.page.evaluate(
        "[...document.querySelectorAll('script[src]')].map((script) => script.src)"
    )
    names = [urlsplit(source).path.removeprefix("/").removeprefix("_static/") for source in sources]
    has_math = served.page.locator("span.math, div.math").count()
    allowed = "|".join([*SCRIPTS, *([r"mathjax/[\w-]+\.js"] if has_math else [])])
    assert [name for name in names if not re.fullmatch(allowed, name)] == []


def test_no_script_of_ours_stands_in_the_page(served):
    scripts = served.page.locator("script:not([src])").all()
    inline = [re.sub(r"\s+", " ", script.text_content()).strip() for script in scripts]
    assert [text[:90] for text in inline if not re.fullmatch("|".join(INLINE), text)] == []
    handlers = served.page.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap((element) =>
            [...element.attributes].filter(({ name }) => name.startsWith("on")).map(({ value }) => value))"""
    )
    assert set(handlers) <= HANDLERS


FAULTS = {
    "[data-theme=dark] p { color: #333 }": ["color-contrast"],
    "p { color: #888 }": ["color-contrast"],  # in the light theme
    "[data-theme=dark] button { display: block }": ["button-name"],
    "p { color: #000 }": ["color-contrast"],  # in the dark one
    "": [],
}


def faults(chromium, style, body):
    """The rules that a page breaks, once for each place and theme."""
    page = chromium.new_page()
    page.set_content(
        f"<!doctype html><html lang=en data-theme=light><title>A page</title><style>{style}</style>"
        f"<main><h1>A page</h1>{body}</main></html>"
    )
    found = [name for name, *_ in violations_in_both_themes(page)]
    page.close()
    return found


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_in_one_theme_is_found(chromium, rule):
    style = f"[data-theme=dark] body {{ background: #111; color: #fff }} button {{ display: none }} {rule}"
    assert set(faults(chromium, style, "<p>Some text.</p><button></button>")) == set(FAULTS[rule])


@pytest.mark.parametrize(
    "row",
    [
        '<td style="color: #888">nine',
        '<tr style="background: #888"><td>nine',
        '<td style="font-size: 9px">nine',
    ],
)
def test_a_faint_cell_is_found_among_cells_that_look_alike(chromium, row):
    style = "[hidden] { display: none } td { color: #767676 } td[style*=size] { color: #888 }"
    table = f"<table><tr hidden><td>one<td>two<tr><td>three<td>four<tr><td>five{row}</table>"
    assert faults(chromium, style, table) == ["color-contrast"] * 2


UNDER = "width: 100%; height: 4em; background: #888"


@pytest.mark.parametrize(
    "style",
    [
        "",
        "p { color: #888 }",  # the first has one letter, which may be no text
        f"div {{ {UNDER}; position: absolute; z-index: -1 }}",
        f"div {{ {UNDER}; margin-bottom: -4em }}",
        "main > p { height: 0; overflow: hidden } section p { background: #888 }",
        "section { opacity: 0.5 }",
        "section { filter: opacity(1); background: #888 }",
    ],
)
def test_a_faint_text_is_found_among_texts_that_look_alike(chromium, style):
    body = "<p>o<p>two words<div></div><section><p>three</section>"
    found = faults(chromium, f"p {{ color: #767676; margin: 0 }} {style}", body)
    assert set(found) == ({"color-contrast"} if style else set())
