"""Run jupyter-book with a process a core to read and write pages, and without work that a build can spare.

Its command line has no option for either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

# jsonschema, which reads notebooks, would use it to check addresses, and no notebook has one to check; its
# grammars take two seconds to build.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

import jupyter_book.sphinx  # noqa: E402
import sphinx_jupyterbook_latex  # noqa: E402
import sphinx_multitoc_numbering  # noqa: E402
from jupyter_book.cli.main import main  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from sphinx.environment import BuildEnvironment  # noqa: E402

# They do not say that they are safe where pages are read in parallel. The first acts in no build of HTML, the
# second numbers the chapters once all pages are read.
UNDECLARED = [sphinx_jupyterbook_latex, sphinx_multitoc_numbering]


def declared(setup: Callable[[Sphinx], Any]) -> Callable[[Sphinx], dict[str, bool]]:
    """The set-up of an extension, which says so."""

    def safe(app: Sphinx) -> dict[str, bool]:
        setup(app)
        return {"parallel_read_safe": True, "parallel_write_safe": True}

    return safe


def unless_nothing_was_read(check: Callable[..., Iterable[str]]) -> Callable[..., Iterable[str]]:
    """The question which pages depend on those that were read: of none, none does.

    To number the figures Sphinx would load every page to answer it.
    """

    def dependents(env: BuildEnvironment, app: Sphinx, already: set[str]) -> Iterable[str]:
        return check(env, app, already) if already else ()

    return dependents


if __name__ == "__main__":
    BuildEnvironment.check_dependents = unless_nothing_was_read(  # type: ignore[method-assign, assignment]
        BuildEnvironment.check_dependents
    )
    for extension in UNDECLARED:
        extension.setup = declared(extension.setup)
    jupyter_book.sphinx.build_sphinx = partial(jupyter_book.sphinx.build_sphinx, jobs=os.cpu_count())
    main()
