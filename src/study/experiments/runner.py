"""Run tasks on Dask workers of this machine or of a cluster; a worker that dies costs no finished task."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import dask
import distributed

from helpers.checks import whole_number
from study.experiments.memory import TUNABLES, with_large_pages

Task = TypeVar("Task")
Output = TypeVar("Output")

_NO_MORE: Any = object()
_POLL = 1.0  # seconds between two looks at which workers are alive
_SILENT = 10.0  # seconds without any worker before a message: a nanny restarts one in less


class ClusterUnavailable(RuntimeError):
    """The cluster cannot be reached, or went away."""


@dataclass(frozen=True)
class Died:
    """Takes the place of a result if the workers died."""

    reason: str


@dataclass(frozen=True)
class _Attempt(Generic[Task]):
    """A task at a worker; `count` is 1 for the first worker that has it."""

    task: Task
    count: int
    worker: str


@contextmanager
def local_workers(processes: int) -> Iterator[distributed.Client]:
    """Start worker processes of one thread each, which a nanny restarts; they end with the context.

    Raises:
        TypeError, ValueError: unless `processes` is a whole number from 1.
    """
    whole_number("processes", processes, at_least=1)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1)
    tunables = with_large_pages(os.environ.get(TUNABLES, ""))
    settings = {
        "distributed.nanny.pre-spawn-environ": threads | ({TUNABLES: tunables} if tunables else {}),
        "distributed.worker.profile.enabled": False,
        # Else Dask closes a nanny whose worker takes long to restart, as on a busy machine.
        "distributed.deploy.lost-worker-timeout": "1 hour",
    }
    with _quiet(), _environment_kept(), dask.config.set(settings):
        with _interrupts_blocked():  # only this process gets Ctrl-C, and then ends the workers
            cluster = distributed.LocalCluster(
                n_workers=processes,
                threads_per_worker=1,
                memory_limit=None,
                host="127.0.0.1",
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
            )
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            yield client


@contextmanager
def cluster_workers(scheduler: str, *, timeout: float = 10.0) -> Iterator[distributed.Client]:
    """Connect to the workers of a cluster.

    Args:
        scheduler: its address, such as "tcp://host:8786".
        timeout: seconds to wait for the scheduler, and for a first worker.

    Raises:
        ValueError: if that is no address.
        ClusterUnavailable: if no scheduler answers, or it has no worker.
    """
    if not _is_address(scheduler):
        raise ValueError(f"scheduler must be an address such as tcp://host:8786, got {scheduler!r}")
    with _quiet():
        try:
            client = distributed.Client(scheduler, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterUnavailable(
                f"no scheduler answers at {scheduler} ({error}); start one with `dask scheduler`, or leave "
                "--scheduler out to run on this machine"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=timeout)
            except TimeoutError as error:
                start = f"dask worker {scheduler} --nthreads 1"
                raise ClusterUnavailable(
                    f"the scheduler at {scheduler} has no worker; start one: `{start}`"
                ) from error
            yield client


def run_on_workers(
    function: Callable[[Task], Output],
    tasks: Iterable[Task],
    *,
    client: distributed.Client,
    attempts: int = 2,
    patience: float = 600.0,
    say: Callable[[str], None] = print,
    fatal: tuple[type[Exception], ...] = (),
) -> Iterator[tuple[Task, Output | Died]]:
    """Yield each task with its result, in the order in which they are finished.

    A worker has one task at a time, however many threads it has. A task is taken from `tasks` only when a
    worker is free for it. If a worker dies, as when memory runs out, its task goes to another one.

    Args:
        function: a function of a module that the workers can import.
        tasks: its arguments, one call each; they and the results must be picklable.
        client: client of the workers.
        attempts: how many workers a task may kill before it is given up.
        patience: seconds to wait for a worker if all are gone.
        say: function that is called with a message if all workers are gone.
        fatal: errors of `function` that stop everything; any other error costs only its task.

    Raises:
        One of `fatal`: if `function` raised it, with the address of the worker as a note.
        ClusterUnavailable: if the scheduler goes away, or all workers are gone for too long.
    """
    queue, again = iter(tasks), list[tuple[Task, int]]()
    busy: dict[distributed.Future[Any], _Attempt[Task]] = {}
    roll_call = _RollCall(client, patience=patience, say=say)
    while True:
        workers = roll_call.workers()
        for future, attempt in list(busy.items()):
            is_lost = attempt.worker not in workers
            if not (future.done() or is_lost):
                continue
            del busy[future]
            result = _result(future, attempt.worker, fatal)
            if is_lost and isinstance(result, Died) and attempt.count < attempts:
                again.append((attempt.task, attempt.count + 1))
            elif is_lost and isinstance(result, Died):
                yield attempt.task, Died(f"{result.reason}, {attempt.count} times")
            else:
                yield attempt.task, result  # before a task is taken: that may raise, and lose this result
        for worker in workers - {attempt.worker for attempt in busy.values()}:
            task, count = again.pop() if again else (next(queue, _NO_MORE), 1)
            if task is _NO_MORE:
                break
            future = client.submit(function, task, pure=False, workers=[worker], allow_other_workers=False)
            busy[future] = _Attempt(task, count, worker)
        if not busy and not again:
            if workers or (task := next(queue, _NO_MORE)) is _NO_MORE:
                return
            again.append((task, 1))
        _wait(client, list(busy))


class _RollCall:
    """Which workers are alive, and for how long there has been none."""

    def __init__(self, client: distributed.Client, *, patience: float, say: Callable[[str], None]) -> None:
        self._client, self._patience, self._say = client, patience, say
        self._address = client.scheduler_info()["address"]
        self._last_seen, self._said = time.monotonic(), False

    def workers(self) -> set[str]:
        """Addresses of the workers that are alive.

        Raises:
            ClusterUnavailable: if the scheduler is gone, or there has been no worker for too long.
        """
        try:
            alive = set(self._client.nthreads())
        except (OSError, RuntimeError, AttributeError, distributed.CancelledError) as error:
            raise ClusterUnavailable(
                f"the scheduler at {self._address} went away; what had finished is stored"
            ) from error
        now = time.monotonic()
        if alive:
            self._last_seen, self._said = now, False
        gone = now - self._last_seen
        if gone > self._patience:
            raise ClusterUnavailable(
                f"the scheduler at {self._address} has had no worker for {gone:.0f} s; "
                "what had finished is stored"
            )
        if gone > _SILENT and not self._said:
            self._said = True
            self._say(f"all workers of {self._address} are gone; waiting {self._patience:.0f} s for another")
        return alive


def _wait(client: distributed.Client, futures: list[distributed.Future[Any]]) -> None:
    """Wait until one of the futures is done, at most `_POLL` seconds."""
    if not futures:
        time.sleep(_POLL)
        return
    with client.as_current(), suppress(TimeoutError, distributed.CancelledError):
        distributed.wait(futures, timeout=_POLL, return_when="FIRST_COMPLETED")


def _result(future: distributed.Future[Any], worker: str, fatal: tuple[type[Exception], ...]) -> Any:
    """The result of a task that is done; `Died` if its worker is gone."""
    if future.status == "error":
        error = future.exception()
        if isinstance(error, fatal):
            error.add_note(f"on the worker {worker}")
            raise error
        return Died(f"{type(error).__name__} on the worker: {error}")
    if future.status == "finished":
        with suppress(TimeoutError, distributed.CancelledError):
            return future.result(timeout=_SILENT)
    future.cancel()
    return Died("the worker process died")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        return False


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's log with its tracebacks off the terminal; errors that matter are raised."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Restore this process's environment, which Dask's nannies change for the processes that they start."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Keep Ctrl-C from threads and processes that start meanwhile, and from those that they start."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # else the first process that starts has it unblock Ctrl-C
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
