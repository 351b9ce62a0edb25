"""Sphinx extension: leave out of the package's reference what no one has written a word about."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def skip(app: Sphinx, what: str, name: str, member: Any, is_skipped: bool, options: Any) -> bool | None:
    """Skip the fields of named tuples, which Python documents by number; their class says what they are."""
    return True if (getattr(member, "__doc__", "") or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")  # whose event it is
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
