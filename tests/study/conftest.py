"""Processes that the tests of this folder share."""

import multiprocessing
from multiprocessing import forkserver

import dask
import distributed.utils
import pytest

IMPORTED = ["distributed.cli.dask_worker", "distributed.nanny", "study.experiments.command"]


@pytest.fixture(scope="session")
def forks():
    """What starts a process as a fork of one that has imported all there is, as Dask's workers do meanwhile.

    The seconds that each process would take to import torch are most of what such a test takes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    forkserver.ensure_running()  # now: whoever starts workers has it block Ctrl-C
    distributed.utils._forkserver_preload_set = True  # Dask would choose what is imported
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield context
