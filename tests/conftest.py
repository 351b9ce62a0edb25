"""What holds for all tests."""

import functools
import gc
import multiprocessing
import os
import re
import sys
from multiprocessing import forkserver

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a test a core; more threads would only wait for each other
# With nbformat comes jsonschema, which would build 38 grammars of addresses, of no use to us, in seconds.
sys.modules.setdefault("rfc3987_syntax", None)

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


def group(nodeid):
    """The name of what shares something costly: a page, a cluster, a census of models, a module's fixture."""
    if page := re.search(r"\[(?:http|file):([\w/.]+)", nodeid):
        return page[1]
    if "test_lab.py" in nodeid:
        return "lab"
    if re.search(r"test_experiments_(runner|sweep|command)\.py", nodeid):
        return "cluster"
    if re.search(r"test_(anatomy_(counting|agreement)|ledger|ledger_page)\.py", nodeid):
        return "census"
    if "test_look_it_up.py" in nodeid or not nodeid.startswith("tests/browser/"):
        return nodeid.partition("::")[0]
    return nodeid.partition("[")[0]


LONGEST = ["census", "lab", "cluster"]  # they begin, so that no worker is left alone with one at the end


class Together(LoadScopeScheduling):
    """Gives one worker what belongs to one group."""

    def _split_scope(self, nodeid):
        return group(nodeid)


def pytest_collection_modifyitems(items):
    """The longest groups first, all else as it was."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(group(item.nodeid), len(ranks)))


@pytest.fixture(autouse=True, scope="module")
def _what_is_there_stays():
    """For the collector of garbage: statsmodels starts it at each correction, and it would take seconds."""
    gc.freeze()


def pytest_sessionfinish():
    """What was frozen may go, or libraries would say at the end that it leaks."""
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Called by pytest-xdist, where it is asked for workers."""
    config.option.loadscopereorder = False  # which would begin with the groups of most tests
    return Together(config, log)


@pytest.fixture(scope="session")
def drawn_once():
    """Packs the images of a page as a build does, but draws each set, in seconds, once for all tests."""
    from helpers.data import packed_excerpt

    return functools.cache(packed_excerpt)


# What the forks of the fixture below find imported.
IMPORTED = ["distributed.cli.dask_worker", "distributed.nanny", "study.experiments.command"]


@pytest.fixture(scope="session")
def forks():
    """What starts a process as a fork of one that has imported all there is, as Dask's workers do meanwhile.

    The seconds that each process would take to import torch are most of what such a test takes.
    """
    import dask
    import distributed.utils

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    forkserver.ensure_running()  # now: whoever starts workers has it block Ctrl-C
    distributed.utils._forkserver_preload_set = True  # Dask would choose what is imported
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield context
