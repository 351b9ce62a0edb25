"""The workers: every task comes back once, whatever becomes of its worker."""

import json
import multiprocessing
import os
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dask
import pytest
import torch
from worker_tasks import (
    die,
    die_once,
    ended,
    fail,
    own_process,
    report_worker,
    run_command,
    square,
    tunables,
    unhurried,
)

from study.experiments import runner
from study.experiments.catalog import FASHION
from study.experiments.command import main
from study.experiments.memory import with_large_pages
from study.experiments.report import compare
from study.experiments.runner import (
    ClusterUnavailable,
    Died,
    cluster_workers,
    local_workers,
    run_on_workers,
)
from study.experiments.runs import Job, run
from study.records import records


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


@pytest.fixture(scope="module")
def pair(forks):
    """Two workers of this machine."""
    with local_workers(2) as client:
        yield client


def test_workers_ask_for_large_pages_start_again_and_end_with_the_sweep(tmp_path):
    """Not as forks: these are started as those of a sweep are."""
    before = dict(os.environ)
    with dask.config.set({"distributed.worker.multiprocessing-method": "spawn"}), local_workers(1) as client:
        marker = tmp_path / "died"
        assert list(run_on_workers(die_once, [marker], client=client)) == [(marker, "survived")]
        assert list(run_on_workers(tunables, [1], client=client)) == [(1, with_large_pages(tunables(1)))]
        results = run_on_workers(own_process, [0, 60], client=client)
        process = next(results)[1]
        assert is_alive(process)
    wait_until(lambda: not is_alive(process))
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


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_workers_end_when_their_parent_is_ended(forks, end):
    """In the middle of a task, too: an orphan would hold a core for nobody."""
    told, tells = forks.Pipe(duplex=False)
    with ended(forks.Process(target=report_worker, args=(tells,))) as parent:
        worker = told.recv()
        assert is_alive(worker)
        os.kill(parent.pid, end)
        wait_until(lambda: not is_alive(worker))


def test_there_is_a_worker_at_least():
    with pytest.raises(ValueError, match="processes must be at least 1, got 0"), local_workers(0):
        pass


# A Dask cluster: a real scheduler and two real workers on this machine


def dask_command(command, *words, folder):
    """The process of a command of Dask, on a machine without the data sets."""
    nowhere = {"STRIDE_BOOK_DATA": "", "STRIDE_BOOK_OFFLINE": "1", "XDG_CACHE_HOME": str(folder)}
    words, log = [*words, "--no-dashboard"], folder / f"{command}.log"
    return multiprocessing.get_context("forkserver").Process(
        target=run_command, args=(f"distributed.cli.dask_{command}", words, log, nowhere)
    )


@contextmanager
def started_scheduler(folder):
    """Address and process of a scheduler."""
    file = folder / "scheduler.json"
    words = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
    with ended(dask_command("scheduler", *words, folder=folder)) as process:
        wait_until(lambda: file.exists() and "address" in file.read_text())
        yield json.loads(file.read_text())["address"], process


def started_worker(address, folder, *, name="worker", threads=1):
    """The process of a worker without a nanny."""
    words = [address, "--nthreads", str(threads), "--no-nanny", "--name", name]
    words += ["--local-directory", str(folder)]
    return ended(dask_command("worker", *words, folder=folder))


@pytest.fixture(scope="module")
def scheduler(forks, tmp_path_factory):
    """Address of a scheduler with two workers, one of which has many threads."""
    folder = tmp_path_factory.mktemp("dask")
    with (
        started_scheduler(folder) as (address, _),
        started_worker(address, folder),
        started_worker(address, folder, name="threads", threads=4),
    ):
        yield address


def seed(result):
    return result[0].seed


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


def test_every_way_to_run_gives_the_same_numbers(pair, scheduler):
    """Dropout is drawn from torch's global generator, which two runs in one process would share."""
    slow = replace(FASHION.variant("a"), augment=unhurried)
    plan = replace(FASHION, variants=(slow,), epochs=1, batch_size=32, validation=8)
    jobs = [Job(experiment=plan, variant="a", seed=seed, device="cpu", drawn=200) for seed in range(3)]
    alone = [run(job) for job in jobs]
    torch.set_num_threads(4)
    ways = {"many threads": [run(job) for job in jobs]}
    torch.set_num_threads(1)
    ways["local workers"] = [record for _, record in sorted(run_on_workers(run, jobs, client=pair), key=seed)]
    with cluster_workers(scheduler) as client:
        ways["cluster"] = [record for _, record in sorted(run_on_workers(run, jobs, client=client), key=seed)]
        # All at once, as several sweeps would; `run_on_workers` gives a worker one at a time.
        beside = [client.submit(run, job, workers=["threads"]) for job in jobs]
        ways["a worker of many threads"] = [future.result() for future in beside]
    for way, found in ways.items():
        assert [record.reason for record in found] == [""] * 3, way
        same = [compare(one, other).identical for one, other in zip(alone, found, strict=True)]
        assert same == [True] * 3, way
    assert not compare(alone[0], alone[1]).identical


def test_a_job_that_fails_on_the_cluster_says_why(scheduler):
    with cluster_workers(scheduler) as client:
        (result,) = run_on_workers(fail, [7], client=client)
    assert result == (7, Died("ArithmeticError on the worker: no answer for 7"))


def test_an_error_that_no_task_would_escape_ends_all_and_names_the_worker(scheduler):
    with cluster_workers(scheduler) as client, pytest.raises(ArithmeticError, match="for 7") as raised:
        list(run_on_workers(fail, [7, 8, 9], client=client, fatal=(ArithmeticError,)))
    assert raised.value.__notes__[0].startswith("on the worker tcp://")


@pytest.mark.skipif(sys.platform != "linux", reason="the cache folder is elsewhere")
def test_a_worker_without_the_data_ends_the_sweep_without_a_record(scheduler, tmp_path, capsys):
    words = ["run", "mnist", "--scheduler", scheduler, "--results", str(tmp_path)]
    assert main(words) == 1
    assert "(on the worker tcp://" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.json"))


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


def test_workers_that_are_gone_are_missed_aloud(forks, tmp_path, monkeypatch):
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


def test_a_scheduler_that_goes_away_is_named(forks, tmp_path, capfd):
    with (
        started_scheduler(tmp_path) as (address, process),
        started_worker(address, tmp_path),
        cluster_workers(address, timeout=60),
        cluster_workers(address, timeout=2) as client,  # how long it tries to find the scheduler again, too
    ):
        results = run_on_workers(own_process, [0, 60], client=client)
        next(results)
        process.kill()
        with pytest.raises(ClusterUnavailable, match=f"the scheduler at {address} went away"):
            list(results)
    assert "Traceback" not in capfd.readouterr().err
