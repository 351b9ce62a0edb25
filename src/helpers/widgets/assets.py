"""What the browser is given: the explorers' modules for both hosts, and one style sheet with the palette."""

import json
import re
from pathlib import Path

MODULE_FOLDER = Path(__file__).resolve().parent
PALETTE = MODULE_FOLDER.parent / "palette.json"
COMMON = "common"  # the module that the others import

# The pages' theme and JupyterLab each say in their own way that it is dark.
_DARK = 'html[data-theme="dark"], body[data-jp-theme-light="false"]'
_IMPORT = re.compile(rf'^import \{{([^}}]*)\}} from "\./{COMMON}\.mjs";\n', flags=re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function) (\w+))", flags=re.MULTILINE)


def module_names() -> list[str]:
    """Names of the modules and of their page scripts, in the order in which a page loads them."""
    return [COMMON, *sorted({path.stem for path in MODULE_FOLDER.glob("*.mjs")} - {COMMON})]


def live_module(name: str) -> str:
    """The module `name` for anywidget, as one text: `import` could not find another file there.

    Raises:
        ValueError: if the module imports anything but the common one, or has no `export default` at its end.
    """
    source = _source(name)
    if not _IMPORT.search(source):
        return source
    return _EXPORT.sub("", _source(COMMON)) + _IMPORT.sub("", source)


def page_script(name: str) -> str:
    """The module `name` as a plain script that puts it into `window.BOOK_WIDGETS`.

    A page opened from the disk may not import a module: browsers refuse `import()` on file:// addresses. So
    the module becomes the body of a function, which returns the module's default export; that of the common
    module returns all its exports, and the others read them there.

    Raises:
        ValueError: as `live_module`.
    """
    source = _source(name)
    if name == COMMON:
        body, result = source, f"{{ {', '.join(_EXPORT.findall(source))} }};"
    else:
        body, _, result = source.partition("\nexport default ")
    body = _IMPORT.sub(rf"const {{\1}} = window.BOOK_WIDGETS.{COMMON};\n", _EXPORT.sub("", body))
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
    _, _, result = source.partition("\nexport default ")
    if name != COMMON and (not result or "\n" in result.strip()):
        raise ValueError(f"{name}.mjs must have one `export default`, on its last line")
    if re.search(r"^import\b|\bimport\(", _IMPORT.sub("", source, count=1), flags=re.MULTILINE):
        raise ValueError(
            f"{name}.mjs must not import anything but names from ./{COMMON}.mjs, once: "
            "neither host could find another file"
        )
    return source
