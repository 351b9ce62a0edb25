"""Jobs on worker processes, any of which may die without taking a finished job along."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

from helpers.training import large_pages

Job = TypeVar("Job")
Result = TypeVar("Result")

_NO_MORE: Any = object()


@dataclass(frozen=True)
class Died:
    """What stands in for a result where the workers died."""

    reason: str


def run_on_processes(
    function: Callable[[Job], Result], jobs: Iterable[Job], *, processes: int, attempts: int = 2
) -> Iterator[tuple[Job, Result | Died]]:
    """Yield each job with its result, in the order in which they are finished.

    A job is drawn from `jobs` only when a worker is free for it. Where a worker dies (killed for want of
    memory, say), another takes its place and its job is tried again. The workers end with this generator, and
    by themselves when the process that started them is killed.

    Args:
        function: of a module, so that it travels to the workers; one that raises ends its worker.
        jobs: what it is called with; they and the results must be picklable.
        processes: how many workers.
        attempts: how many workers a job may cost before it is given up.

    Raises:
        ValueError: if `processes` is below 1.
    """
    if processes < 1:
        raise ValueError(f"processes={processes}: must be at least 1")
    queue = iter(jobs)
    busy: dict[Connection, _Worker[Job, Result]] = {}
    try:
        while len(busy) < processes and (job := next(queue, _NO_MORE)) is not _NO_MORE:
            _start(job, _Worker(function), busy)
        while busy:
            for connection in wait(list(busy)):
                worker = busy[cast(Connection, connection)]
                job, result = worker.job, worker.result()
                died = isinstance(result, Died)
                if died and worker.attempt < attempts:
                    following, attempt = job, worker.attempt + 1
                else:
                    yield job, result  # before another job is drawn: that may raise, and this would be lost
                    following, attempt = next(queue, _NO_MORE), 1
                del busy[worker.connection]
                if following is not _NO_MORE:
                    _start(following, _Worker(function) if died else worker, busy, attempt=attempt)
                else:
                    worker.connection.close()
    finally:
        for worker in busy.values():
            worker.process.kill()


class _Worker(Generic[Job, Result]):
    """A process and the job that it is at."""

    job: Job
    attempt: int

    def __init__(self, function: Callable[[Job], Result]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        with large_pages():
            self.process.start()
        theirs.close()  # so that its end of the pipe closes with the process

    def result(self) -> Result | Died:
        """Wait for what became of the job."""
        try:
            return cast(Result, self.connection.recv())
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
            return Died(f"the worker process died ({how})")


def _start(
    job: Job, worker: _Worker[Job, Result], busy: dict[Connection, _Worker[Job, Result]], *, attempt: int = 1
) -> None:
    worker.job, worker.attempt = job, attempt
    with suppress(OSError):  # a worker that is dead already says so when its result is asked for
        worker.connection.send(job)
    busy[worker.connection] = worker


def _serve(connection: Connection, function: Callable[[Job], Result]) -> None:
    """Work off jobs until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(function(job))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
