"""Jobs on a Dask cluster: what the local pool does, on other machines."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from study.experiments.pool import Died

Job = TypeVar("Job")
Result = TypeVar("Result")


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be had, or went away."""


def run_on_cluster(
    function: Callable[[Job], Result], jobs: Iterable[Job], *, scheduler: str, timeout: float = 10.0
) -> Iterator[tuple[Job, Result | Died]]:
    """Yield each job with its result, in the order in which they are finished.

    Where a worker dies, Dask gives its job to another one, as often as its setting `allowed-failures` says.

    Args:
        function: of a module that scheduler and workers can import.
        jobs: what it is called with.
        scheduler: its address, such as "tcp://host:8786".
        timeout: seconds to wait for the scheduler, and for a first worker.

    Raises:
        ClusterUnavailable: if Dask is not installed, no scheduler answers, or it has no worker or goes away.
    """
    distributed = _dask()
    with _connect(distributed, scheduler, timeout) as client:
        jobs_of = {client.submit(function, job, pure=False): job for job in jobs}
        for future in distributed.as_completed(list(jobs_of), loop=client.loop):
            yield jobs_of.pop(future), _result(future, scheduler)


def _dask() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ClusterUnavailable(
            "--scheduler needs Dask: install it with `pip install distributed`, or leave --scheduler out"
        ) from error


def _connect(distributed: Any, scheduler: str, timeout: float) -> Any:
    try:
        client = distributed.Client(scheduler, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterUnavailable(
            f"no scheduler answers at {scheduler} ({error}); start one with `dask scheduler`, or leave "
            "--scheduler out to run on this machine"
        ) from error
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError as error:
        client.close()
        start = f"dask worker {scheduler} --nthreads 1"
        raise ClusterUnavailable(
            f"the scheduler at {scheduler} has no worker; start one: `{start}`"
        ) from error
    return client


def _result(future: Any, scheduler: str) -> Any:
    if future.status == "finished":
        return future.result()
    if future.status == "error":
        error = future.exception()
        return Died(f"{type(error).__name__} on the cluster: {error}")
    raise ClusterUnavailable(f"the scheduler at {scheduler} went away; what it had finished is stored")
