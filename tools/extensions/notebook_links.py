"""Sphinx extension: a link in the output of a cell to a label in another notebook leads to its page.

Code that runs in a notebook knows notebooks and no pages: `href="10_mnist.ipynb#mnist"` opens the chapter in
JupyterLab, and here it becomes the address of its page, or of its place where all chapters are on one.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

LINK = re.compile(r'href="([\w/.-]+)\.ipynb#([\w-]+)"')

logger = getLogger(__name__)


def resolve(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Turn the links of a page that has been written; one that leads nowhere is a warning."""
    labels = app.env.domaindata["std"]["anonlabels"]

    def address(link: re.Match[str]) -> str:
        path, label = link.groups()
        document, anchor, *_ = labels.get(label, ("", ""))
        if posixpath.basename(document) != posixpath.basename(path):
            logger.warning("%s: no label %s in %s.ipynb", page, label, path)
            return link[0]
        if app.builder.name == "singlehtml":
            return f'href="#{anchor}"'
        return f'href="{app.builder.get_relative_uri(page, document)}#{anchor}"'

    if "body" in context:
        context["body"] = LINK.sub(address, context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
