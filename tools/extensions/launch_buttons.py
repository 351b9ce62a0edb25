"""Sphinx extension: each chapter opens on Colab and Binder, once `_config.yml` has a `repository.url`.

Both open what readers get: the notebooks that `reader_notebooks` has made, which the workflow that publishes
the pages puts on a branch of their own, with all else that Binder needs. `tools/install_cell.py` gives them a
cell that installs the package where it is missing.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.config import Config

BRANCH = "notebooks"  # as .github/workflows/pages.yml calls it
HOSTS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
    "notebook_interface": "jupyterlab",
}


def add_buttons(app: Sphinx, config: Config) -> None:
    """Give the chapters their buttons, and the book its address, if that of the repository is known."""
    options = config.html_theme_options
    if options.get("repository_url"):
        options |= {"launch_buttons": HOSTS, "repository_branch": BRANCH}
        on_github = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+?)/?", options["repository_url"])
        if on_github and not config.html_baseurl:
            config.html_baseurl = "https://{}.github.io/{}/".format(*on_github.groups())


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("config-inited", add_buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
