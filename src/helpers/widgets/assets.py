"""What the browser is given: the explorers' modules as page scripts, and one style sheet with the palette."""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PALETTE = FOLDER.parent / "palette.json"

# The pages' theme and JupyterLab each say in their own way that it is dark.
_DARK = 'html[data-theme="dark"], body[data-jp-theme-light="false"]'


def module_names() -> list[str]:
    """Names of the explorers' modules, which are also the names of their page scripts."""
    return sorted(path.stem for path in FOLDER.glob("*.mjs"))


def page_script(name: str) -> str:
    """The module `name` as a plain script that puts it into `window.BOOK_WIDGETS`.

    A page opened from the disk may not import a module: browsers refuse `import()` on file:// addresses. So
    the module becomes the body of a function, and its default export what the function returns.

    Raises:
        ValueError: if the module imports something, or does not end with its only `export default`.
    """
    source = (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    body, _, result = source.partition("\nexport default ")
    if not result or "\n" in result.strip():
        raise ValueError(f"{name}.mjs must have one `export default`, on its last line")
    if re.search(r"^import\b|\bimport\(", source, flags=re.MULTILINE):
        raise ValueError(f"{name}.mjs must not import anything: neither host could resolve it")
    body = re.sub(r"^export ", "", body, flags=re.MULTILINE)
    function = f'(() => {{\n"use strict";\n{body}\nreturn {result}}})()'
    return f'(window.BOOK_WIDGETS ??= {{}})["{name}"] = {function};\n'


def style_sheet() -> str:
    """The palette as CSS variables, `--book-NAME`, light and dark, and the explorers' own rules."""
    palette = json.loads(PALETTE.read_text(encoding="utf-8"))
    light, dark = (
        " ".join(f"--book-{name.replace('_', '-')}: {colors[theme]};" for name, colors in palette.items())
        for theme in ("light", "dark")
    )
    rules = (FOLDER / "widgets.css").read_text(encoding="utf-8")
    return f":root {{ {light} }}\n{_DARK} {{ {dark} }}\n{rules}"
