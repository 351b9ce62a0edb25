"""The base of the explorers: one widget, live in JupyterLab and drawn in the built page without a kernel."""

import html
import json
import re
from pathlib import Path
from typing import Any

import anywidget

MODULE_FOLDER = Path(__file__).resolve().parent
PALETTE = MODULE_FOLDER.parent / "palette.json"
LIBRARIES = ("common", "picture", "share", "arithmetic", "drills", "engine")  # each imports those before it

# The pages' theme and JupyterLab each say in their own way that it is dark.
_DARK = 'html[data-theme="dark"], body[data-jp-theme-light="false"]'
_IMPORT = re.compile(rf'^import \{{([^}}]*)\}} from "\./({"|".join(LIBRARIES)})\.mjs";\n', flags=re.MULTILINE)
_TABLE = re.compile(r'^import (\w+) from "(\.\./\w+\.json)" with \{ type: "json" \};\n', flags=re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function\*?) (\w+))", flags=re.MULTILINE)


def module_names() -> list[str]:
    """Names of the modules and of their page scripts, in the order in which a page loads them."""
    return [*LIBRARIES, *sorted({path.stem for path in MODULE_FOLDER.glob("*.mjs")} - {*LIBRARIES})]


def libraries_of(name: str) -> list[str]:
    """The libraries that the module `name` needs, in the order in which a page loads them."""
    direct = {library for _, library in _IMPORT.findall(_source(name))}
    needed = direct.union(*map(libraries_of, direct))
    return [library for library in LIBRARIES if library in needed]


def live_module(name: str) -> str:
    """The module `name` for anywidget, as one text: `import` could not find another file there.

    Raises:
        ValueError: if the module imports anything but a library, or has no `export default` at its end.
    """
    parts = [_EXPORT.sub("", _source(library)) for library in libraries_of(name)]
    return _IMPORT.sub("", "".join([*parts, _source(name)]))


def page_script(name: str) -> str:
    """The module `name` as a plain script that puts it into `window.BOOK_WIDGETS`.

    A page opened from the disk may not import a module: browsers refuse `import()` on file:// addresses. So
    the module becomes the body of a function, which returns the module's default export; that of a library
    returns all its exports, and the others read them there.

    Raises:
        ValueError: as `live_module`.
    """
    source = _source(name)
    if name in LIBRARIES:
        body, result = source, f"{{ {', '.join(_EXPORT.findall(source))} }};"
    else:
        body, _, result = source.partition("\nexport default ")
    body = _IMPORT.sub(r"const {\1} = window.BOOK_WIDGETS.\2;\n", _EXPORT.sub("", body))
    function = f'(() => {{\n"use strict";\n{body}\nreturn {result}}})()'
    return f'(window.BOOK_WIDGETS ??= {{}})["{name}"] = {function};\n'


def style_sheet() -> str:
    """The palette as CSS variables, `--book-NAME`, light and dark, and the explorers' own rules."""
    palette = json.loads(PALETTE.read_text(encoding="utf-8"))
    light, dark = (
        " ".join(f"--book-{name.replace('_', '-')}: {colors[theme]};" for name, colors in palette.items())
        for theme in ("light", "dark")
    )
    rules = (MODULE_FOLDER / "widgets.css").read_text(encoding="utf-8")
    return f":root {{ {light} }}\n{_DARK} {{ {dark} }}\n{rules}"


def _source(name: str) -> str:
    """The text of a module, checked to be one that both hosts can run."""
    source = (MODULE_FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    source = _TABLE.sub(lambda table: f"const {table[1]} = {_compact(table[2])};\n", source)
    _, _, result = source.partition("\nexport default ")
    if name not in LIBRARIES and (not result or "\n" in result.strip()):
        raise ValueError(f"{name}.mjs must have one `export default`, on its last line")
    allowed = LIBRARIES[: LIBRARIES.index(name)] if name in LIBRARIES else LIBRARIES
    imported = [library for _, library in _IMPORT.findall(source)]
    is_plain = not re.search(r"^import\b|\bimport\(", _IMPORT.sub("", source), flags=re.MULTILINE)
    if not is_plain or len(imported) > len(set(imported)) or not set(imported) <= set(allowed):
        raise ValueError(
            f"{name}.mjs must not import anything but names from {' and '.join(allowed) or 'no module'}, "
            "once each: neither host could find another file"
        )
    return source


def _compact(path: str) -> str:
    """A table that modules share with Python, as a JavaScript expression."""
    table = json.loads((MODULE_FOLDER / path).read_text(encoding="utf-8"))
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"))


class BookWidget(anywidget.AnyWidget):
    """A widget whose saved output also holds a static form of itself.

    A subclass names its ES module, tags its traits `sync=True`, and says in `fallback` what a reader sees who
    runs no script:

        class Counter(BookWidget, module="counter"):    # counter.mjs beside this file
            count = Int(0).tag(sync=True)

            def fallback(self) -> str:
                return f"<p>The count is {self.count}.</p>"

    JupyterLab shows the live view. In the built page the static form takes its place: a placeholder with the
    name of the module and the state as JSON, which `site/widgets.js` draws with the same module. So all that
    a reader can do without Python has to be computed in the module, from traits that are JSON.

    Raises:
        TypeError: for a keyword that is no trait, naming those there are.
    """

    _module = ""
    _css = style_sheet()

    def __init__(self, **traits: Any) -> None:
        for name in traits:
            if not (name.startswith("_") or self.has_trait(name)):
                raise TypeError(self._lack_of(name))
        super().__init__(**traits)

    def __init_subclass__(cls, *, module: str = "", **keywords: Any) -> None:
        if module:  # traitlets makes further subclasses, with the traits that anywidget adds to an instance
            cls._module = module
            cls._esm = live_module(module)
        super().__init_subclass__(**keywords)

    def fallback(self) -> str:
        """What stands in the page until the module draws, as HTML; whoever overrides it escapes its text."""
        return "<p>An interactive figure, which needs JavaScript.</p>"

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse a name that the widget does not have: it would be set in silence, and nothing would move.

        Raises:
            AttributeError: naming what can be set.
        """
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(self._lack_of(name))
        super().__setattr__(name, value)

    def _lack_of(self, name: str) -> str:
        return f"{type(self).__name__} has no {name!r}; it has {', '.join(self._own())}"

    def _own(self) -> list[str]:
        """Names of the synced traits, without those that only a live widget has."""
        inherited = anywidget.AnyWidget.class_trait_names()
        names = [name for name in self.trait_names(sync=True) if name not in inherited]
        return [name for name in sorted(names) if not name.startswith("_")]

    def static_state(self) -> dict[str, Any]:
        """The synced traits of this widget, without those that only a live one has."""
        return {name: getattr(self, name) for name in self._own()}

    def static_html(self) -> str:
        """The placeholder that the built page upgrades.

        Raises:
            ValueError: if a number of the state is infinite or not a number, which JSON cannot say.
        """
        state = json.dumps(self.static_state(), allow_nan=False, separators=(",", ":"))
        # Escaped last, so that no text of the state can end the attribute or open a tag. The attribute stands
        # in single quotes: JSON is full of the double ones, and each would take six characters.
        state = html.escape(state, quote=False).replace("'", "&#39;")
        module = f'class="book-widget" data-module="{self._module}"'
        return f"<div {module} data-state='{state}'>{self.fallback()}</div>"

    def _repr_mimebundle_(self, **keywords: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**keywords)
        if bundle is not None:
            bundle[0]["text/html"] = self.static_html()
        return bundle
