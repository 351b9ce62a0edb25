"""Sphinx extension: each chapter opens on Colab and Binder, once `_config.yml` has a `repository.url`.

Colab opens a notebook as it is committed, so `tools/install_cell.py` commits a cell that installs the
package. Binder builds what `.binder` says.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.config import Config

HOSTS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
    "notebook_interface": "jupyterlab",
}


def add_buttons(app: Sphinx, config: Config) -> None:
    """Give the chapters their buttons, if the address of the repository is known."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options["launch_buttons"] = HOSTS


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("config-inited", add_buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
