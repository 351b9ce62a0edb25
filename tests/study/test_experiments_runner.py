"""The workers: every task comes back once, whatever becomes of its worker."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from study.experiments import runner
from study.experiments.catalog import FASHION
from study.experiments.command import main
from study.experiments.memory import with_large_pages
from study.experiments.runner import (
    ClusterUnavailable,
    Died,
    cluster_workers,
    local_workers,
    run_on_workers,
)
from study.experiments.runs import Job, run
from study.records import records


def square(number):
    return number * number


def die(number):
    """Below 0, end by this signal; above 100, with an exit status; otherwise not at all."""
    if number < 0:
        os.kill(os.getpid(), -number)
    if number > 100:
        os._exit(number - 100)
    return square(number)


def die_once(marker):
    """Kill the first worker that meets this job."""
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def own_process(seconds):
    time.sleep(seconds)
    return os.getpid()


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"


def wait_until(condition, *, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def tunables(_):
    return os.environ.get("GLIBC_TUNABLES", "")


@pytest.fixture(scope="module")
def pair():
    """Two workers of this machine."""
    with local_workers(2) as client:
        yield client


def test_workers_ask_for_large_pages_and_nobody_else():
    before = dict(os.environ)
    with local_workers(1) as client:
        assert list(run_on_workers(tunables, [1], client=client)) == [(1, with_large_pages(tunables(1)))]
    assert dict(os.environ) == before


def test_every_task_comes_back_once_with_its_result(pair):
    assert sorted(run_on_workers(square, range(7), client=pair)) == [(n, n * n) for n in range(7)]


def test_no_task_needs_no_worker(pair):
    assert list(run_on_workers(square, [], client=pair)) == []


def test_two_workers_are_two_processes_of_one_thread(pair):
    processes = {process for _, process in run_on_workers(own_process, [0.3] * 4, client=pair)}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert set(pair.nthreads().values()) == {1}


def test_a_worker_that_dies_takes_only_its_own_task_along(pair):
    results = dict(run_on_workers(die, [1, -signal.SIGKILL, 2, 107, 3], client=pair))
    assert (results[1], results[2], results[3]) == (1, 4, 9)
    assert results[-signal.SIGKILL] == results[107] == Died("the worker process died, 2 times")


def test_a_task_whose_worker_died_is_tried_again(tmp_path, pair):
    marker = tmp_path / "died"
    assert list(run_on_workers(die_once, [marker], client=pair)) == [(marker, "survived")]
    assert marker.exists()


def test_tasks_are_drawn_only_when_a_worker_is_free(pair):
    drawn = []

    def tasks():
        for number in range(6):
            drawn.append(number)
            yield number

    for finished, _ in enumerate(run_on_workers(square, tasks(), client=pair), start=1):
        assert len(drawn) <= finished + 2


def test_a_task_that_cannot_be_drawn_costs_no_result(pair):
    def tasks():
        yield 3
        yield 4
        raise ValueError("no more of these")

    results = run_on_workers(square, tasks(), client=pair)
    assert next(results)[0] in (3, 4)
    with pytest.raises(ValueError, match="no more of these"):
        list(results)


def test_the_workers_end_when_the_sweep_is_left():
    with local_workers(1) as client:
        results = run_on_workers(own_process, [0, 60], client=client)
        process = next(results)[1]
        assert is_alive(process)
    wait_until(lambda: not is_alive(process))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_workers_end_when_their_parent_is_ended(tmp_path, end):
    """In the middle of a task, too: an orphan would hold a core for nobody."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from study.experiments.runner import local_workers, run_on_workers\n"
        "from test_experiments_runner import own_process\n"
        "if __name__ == '__main__':\n"
        "    with local_workers(1) as client:\n"
        "        for _, process in run_on_workers(own_process, [0, 60], client=client):\n"
        "            print(process, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        worker = int(parent.stdout.readline())
        assert is_alive(worker)
        parent.send_signal(end)
    wait_until(lambda: not is_alive(worker))


def test_there_is_a_worker_at_least():
    with pytest.raises(ValueError, match="processes must be at least 1, got 0"), local_workers(0):
        pass


# A Dask cluster: a real scheduler and two real workers on this machine


def dask(*arguments, folder):
    """A command of Dask that can import this file."""
    environment = os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    command = [str(Path(sys.executable).with_name("dask")), *arguments, "--no-dashboard"]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)


@contextmanager
def started_scheduler(folder):
    """Address and process of a scheduler."""
    file = folder / "scheduler.json"
    process = dask(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), folder=folder
    )
    try:
        wait_until(lambda: file.exists() and "address" in file.read_text())
        yield json.loads(file.read_text())["address"], process
    finally:
        process.kill()
        process.wait()


@contextmanager
def started_worker(address, folder, *, threads=1):
    """The process of a worker without a nanny."""
    process = dask("worker", address, "--nthreads", str(threads), "--no-nanny", folder=folder)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    with (
        started_scheduler(folder) as (address, _),
        started_worker(address, folder),
        started_worker(address, folder),
    ):
        yield address


def test_a_cluster_does_what_local_workers_do(scheduler):
    with cluster_workers(scheduler) as client:
        assert sorted(run_on_workers(square, range(7), client=client)) == [(n, n * n) for n in range(7)]
        processes = {process for _, process in run_on_workers(own_process, [0.5] * 4, client=client)}
    assert len(processes) == 2


def test_the_experiments_run_on_a_cluster(scheduler, tmp_path):
    command = ["run", "mnist", "--variants", "s2-valid", "--seeds", "2", "--scheduler", scheduler]
    command += ["--stand-in", "64", "--epochs", "1", "--results", str(tmp_path)]
    assert main(command) == 0
    assert [(record.seed, record.failed) for record in records(tmp_path)] == [(0, False), (1, False)]
    assert main(["check", "mnist/s2-valid/1", "--results", str(tmp_path)]) == 0


def fail(number):
    raise ArithmeticError(f"no answer for {number}")


def test_a_job_that_fails_on_the_cluster_says_why(scheduler):
    with cluster_workers(scheduler) as client:
        (result,) = run_on_workers(fail, [7], client=client)
    assert result == (7, Died("ArithmeticError on the worker: no answer for 7"))


def test_a_scheduler_that_does_not_answer_is_named():
    with (
        pytest.raises(ClusterUnavailable, match=r"no scheduler answers at tcp://127.0.0.1:1 "),
        cluster_workers("tcp://127.0.0.1:1", timeout=0.5),
    ):
        pass


@pytest.mark.parametrize("text", ["nonsense", "host:8786", "tcp://host", "tcp://host:port", ""])
def test_a_scheduler_is_an_address(text):
    message = f"scheduler must be an address such as tcp://host:8786, got '{text}'"
    with pytest.raises(ValueError, match=message), cluster_workers(text):
        pass


def test_a_worker_of_many_threads_changes_no_number(tmp_path):
    """Dropout is drawn from torch's global generator, which two runs in one process would share."""
    plan = replace(FASHION, epochs=1, validation=8)
    jobs = [Job(experiment=plan, variant="a", seed=seed, device="cpu", drawn=200) for seed in range(4)]
    with (
        started_scheduler(tmp_path) as (address, _),
        started_worker(address, tmp_path, threads=4),
        cluster_workers(address, timeout=60) as client,
    ):
        # All at once, as several sweeps would; `run_on_workers` gives a worker one at a time.
        beside = [future.result() for future in [client.submit(run, job) for job in jobs]]
    assert [record.outcome for record in beside] == [run(job).outcome for job in jobs]


def test_workers_that_are_gone_are_missed_aloud(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_SILENT", 1.0)
    said = []
    with (
        started_scheduler(tmp_path) as (address, _),
        started_worker(address, tmp_path),
        cluster_workers(address, timeout=60) as client,
    ):
        results = run_on_workers(die, [-signal.SIGKILL], client=client, patience=4, say=said.append)
        with pytest.raises(ClusterUnavailable, match=r"has had no worker for \d s; what had finished"):
            list(results)
    assert said == [f"all workers of {address} are gone; waiting 4 s for another"]


def test_a_scheduler_that_goes_away_is_named(tmp_path, capfd):
    with (
        started_scheduler(tmp_path) as (address, process),
        started_worker(address, tmp_path),
        cluster_workers(address, timeout=60) as client,
    ):
        results = run_on_workers(own_process, [0, 60], client=client)
        next(results)
        process.kill()
        with pytest.raises(ClusterUnavailable, match=f"the scheduler at {address} went away"):
            list(results)
    assert "Traceback" not in capfd.readouterr().err
