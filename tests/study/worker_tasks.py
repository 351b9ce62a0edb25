"""What the tests have workers do; it imports nothing that takes time, since each worker imports it."""

import multiprocessing
import os
import signal
import time
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def ended(process):
    """A process that runs as long as the context, if it does not end before."""
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def square(number):
    return number * number


def die(number):
    """Below 0, end by this signal; above 100, with an exit status; otherwise not at all."""
    if number < 0:
        os.kill(os.getpid(), -number)
    if number > 100:
        os._exit(number - 100)
    return square(number)


def no_network():
    """In a test it raises, in a worker it takes the process along."""
    if multiprocessing.parent_process() is None:
        raise RuntimeError("no such network")
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker):
    """Kill the first worker that meets this job."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def own_process(seconds):
    time.sleep(seconds)
    return os.getpid()


def tunables(_):
    return os.environ.get("GLIBC_TUNABLES", "")


def fail(number):
    raise ArithmeticError(f"no answer for {number}")


def unhurried(images, generator):
    """Takes its time with a batch, so that runs of one process meet."""
    time.sleep(0.02)
    return images


def run_command(module, words, errors, environment=None):
    """Be the command of a module, in a group of its own as from a terminal; its errors go to this file."""
    os.setsid()
    os.environ.update(environment or {})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(errors, "w") as file, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(file.fileno(), 2)
        os.dup2(nowhere.fileno(), 1)
    raise SystemExit(import_module(module).main(words))


def report_worker(told):
    """Be a sweep of one worker, which has a minute's task in hand; tell its process."""
    from study.experiments.runner import local_workers, run_on_workers

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with local_workers(1) as client:
        for _, process in run_on_workers(own_process, [0, 60], client=client):
            told.send(process)
