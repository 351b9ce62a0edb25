"""Run jupyter-book with a process a core to read and write pages; its command line has no option for that."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import jupyter_book.sphinx
import sphinx_jupyterbook_latex
import sphinx_multitoc_numbering
from jupyter_book.cli.main import main
from sphinx.application import Sphinx

# They do not say that they are safe where pages are read in parallel. The first acts in no build of HTML, the
# second numbers the chapters once all pages are read.
UNDECLARED = [sphinx_jupyterbook_latex, sphinx_multitoc_numbering]


def declared(setup: Callable[[Sphinx], Any]) -> Callable[[Sphinx], dict[str, bool]]:
    """The set-up of an extension, which says so."""

    def safe(app: Sphinx) -> dict[str, bool]:
        setup(app)
        return {"parallel_read_safe": True, "parallel_write_safe": True}

    return safe


if __name__ == "__main__":
    for extension in UNDECLARED:
        extension.setup = declared(extension.setup)
    jupyter_book.sphinx.build_sphinx = partial(jupyter_book.sphinx.build_sphinx, jobs=os.cpu_count())
    main()
