"""Run jupyter-book with a process a core to read and write pages; its command line has no option for that."""

from __future__ import annotations

import os
from functools import partial

import jupyter_book.sphinx
import sphinx_multitoc_numbering
from jupyter_book.cli.main import main
from sphinx.application import Sphinx

number_chapters = sphinx_multitoc_numbering.setup


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up the numbering of chapters, and declare what it does not: it counts when all pages are read."""
    number_chapters(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sphinx_multitoc_numbering.setup = setup
    jupyter_book.sphinx.build_sphinx = partial(jupyter_book.sphinx.build_sphinx, jobs=os.cpu_count())
    main()
