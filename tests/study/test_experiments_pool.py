"""The worker processes: every job comes back once, whatever becomes of its worker."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.training import large_pages
from study.experiments.cluster import ClusterUnavailable, run_on_cluster
from study.experiments.command import main
from study.experiments.pool import Died, run_on_processes
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


def wait_until(condition, *, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


RUN_AND_LIST = """
import sys
from dataclasses import replace
from study.experiments.catalog import MNIST
from study.experiments.runs import Job, run
assert not run(Job(experiment=replace(MNIST, epochs=1), variant="s2-valid", seed=0, drawn=40)).failed
print(*sys.modules)
"""


def test_a_run_imports_nothing_large_that_it_has_no_use_for():
    """Torch's compiler alone, which torchvision and torch's own optimizers import, takes 0.2 GB a worker."""
    command = [sys.executable, "-c", RUN_AND_LIST]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in modules
    assert not {"torch._dynamo", "sympy", "torchvision", "pandas", "scipy"} & set(modules)


def tunables(_):
    return os.environ.get("GLIBC_TUNABLES", "")


def test_workers_ask_for_large_pages_and_nobody_else():
    before = tunables(None)
    with large_pages():
        expected = tunables(None)
    assert list(run_on_processes(tunables, [1], processes=1)) == [(1, expected)]
    assert tunables(None) == before


def test_every_job_comes_back_once_with_its_result():
    assert sorted(run_on_processes(square, range(7), processes=2)) == [(n, n * n) for n in range(7)]


def test_no_job_needs_no_worker():
    assert list(run_on_processes(square, [], processes=2)) == []


def test_a_worker_that_dies_takes_only_its_own_job_along():
    results = dict(run_on_processes(die, [1, -signal.SIGKILL, 2, 107, 3], processes=2))
    assert (results[1], results[2], results[3]) == (1, 4, 9)
    assert results[-signal.SIGKILL] == Died("the worker process died (killed by SIGKILL)")
    assert results[107] == Died("the worker process died (exit status 7)")


def test_a_job_whose_worker_died_is_tried_again(tmp_path):
    marker = tmp_path / "died"
    assert list(run_on_processes(die_once, [marker], processes=1)) == [(marker, "survived")]
    assert marker.exists()


def test_jobs_are_drawn_only_when_a_worker_is_free():
    drawn = []

    def jobs():
        for number in range(6):
            drawn.append(number)
            yield number

    for finished, _ in enumerate(run_on_processes(square, jobs(), processes=2), start=1):
        assert len(drawn) <= finished + 2


def test_a_job_that_cannot_be_drawn_costs_no_result():
    def jobs():
        yield 3
        raise ValueError("no more of these")

    results = run_on_processes(square, jobs(), processes=1)
    assert next(results) == (3, 9)
    with pytest.raises(ValueError, match="no more of these"):
        next(results)


def test_two_workers_are_two_processes():
    processes = {process for _, process in run_on_processes(own_process, [0.3] * 4, processes=2)}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_the_workers_end_when_the_sweep_is_left():
    results = run_on_processes(own_process, [0, 0, 60], processes=1)
    process = next(results)[1]
    assert is_alive(process)
    results.close()
    wait_until(lambda: not is_alive(process))


def test_the_workers_end_when_their_parent_is_killed(tmp_path):
    """In the middle of a job, too: an orphan would hold a core for nobody."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from study.experiments.pool import run_on_processes\n"
        "from test_experiments_pool import own_process\n"
        "if __name__ == '__main__':\n"
        "    for _, process in run_on_processes(own_process, [0, 60], processes=1):\n"
        "        print(process, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        assert is_alive(worker)
        parent.kill()
    wait_until(lambda: not is_alive(worker))


def test_a_pool_has_a_worker():
    with pytest.raises(ValueError, match="processes=0"):
        next(run_on_processes(square, [1], processes=0))


# A Dask cluster: a real scheduler and two real workers on this machine


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """Address of a scheduler with two workers that can import this file."""
    folder = tmp_path_factory.mktemp("dask")
    dask = str(Path(sys.executable).with_name("dask"))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    command += ["--scheduler-file", str(folder / "scheduler.json")]
    processes = [subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)]
    try:
        wait_until((folder / "scheduler.json").exists)
        wait_until(lambda: "address" in (folder / "scheduler.json").read_text())
        address = json.loads((folder / "scheduler.json").read_text())["address"]
        for _ in range(2):
            worker = [dask, "worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny"]
            processes.append(subprocess.Popen(worker, cwd=folder, env=environment, stderr=subprocess.DEVNULL))
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_does_what_the_pool_does(scheduler):
    results = run_on_cluster(square, range(7), scheduler=scheduler)
    assert sorted(results) == [(n, n * n) for n in range(7)]
    processes = {process for _, process in run_on_cluster(own_process, [0.5] * 4, scheduler=scheduler)}
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
    (result,) = run_on_cluster(fail, [7], scheduler=scheduler)
    assert result == (7, Died("ArithmeticError on the cluster: no answer for 7"))


def test_a_scheduler_that_does_not_answer_is_named():
    with pytest.raises(ClusterUnavailable, match=r"no scheduler answers at tcp://127.0.0.1:1 "):
        next(run_on_cluster(square, [1], scheduler="tcp://127.0.0.1:1", timeout=0.5))


def test_without_dask_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterUnavailable, match="pip install distributed"):
        next(run_on_cluster(square, [1], scheduler="tcp://127.0.0.1:1"))
