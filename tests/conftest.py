"""What holds for all tests."""

import os
import re

import pytest
from xdist.scheduler import LoadScopeScheduling

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a test a core; more threads would only wait for each other


class Together(LoadScopeScheduling):
    """Gives one worker what shares something costly: a page, JupyterLab, a cluster, the cases of a test."""

    def _split_scope(self, nodeid):
        if page := re.search(r"\[(?:http|file):([\w/.]+)", nodeid):
            return page[1]
        if "test_lab.py" in nodeid:
            return "lab"
        if re.search(r"test_experiments_(runner|sweep|command)\.py", nodeid):
            return "cluster"
        return nodeid.partition("[")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Called by pytest-xdist, where it is asked for workers."""
    return Together(config, log)
