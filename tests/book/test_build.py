"""A build that is stopped: what it leaves, who ends with it, and what the next one makes good."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import build
import nbformat
import pytest
import stage

TOOLS = Path(build.__file__).parent


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """Builds the pages with a jupyter-book that only says with what options it was called."""
    called = []
    (tmp_path / "site").mkdir()
    monkeypatch.setattr(build, "COMPLETE", tmp_path / "complete")
    monkeypatch.setattr(stage, "stage", lambda _: False)
    monkeypatch.setattr(build, "run_jupyter_book", lambda *options, output: called.append(options) or 0)

    def build_pages():
        called.clear()
        build.build_pages()
        return "--all" in called[0]

    return build_pages


def test_pages_are_built_anew_the_first_time_and_when_what_all_load_has_changed(pages, monkeypatch):
    assert [pages(), pages()] == [True, False]
    monkeypatch.setattr(stage, "stage", lambda _: True)
    assert pages()
    monkeypatch.setattr(stage, "stage", lambda _: False)
    assert not pages()


@pytest.mark.parametrize("where", ["stage.stage", "build.run_jupyter_book"])
def test_pages_are_built_anew_after_a_build_that_was_stopped(pages, monkeypatch, where):
    def stop(*_, **__):
        raise KeyboardInterrupt

    pages()
    with monkeypatch.context() as patched:
        patched.setattr(where, stop)
        with pytest.raises(KeyboardInterrupt):
            pages()
    assert [pages(), pages()] == [True, False]


def test_pages_are_built_anew_after_a_build_that_failed(pages, monkeypatch):
    pages()
    with monkeypatch.context() as patched:
        patched.setattr(build, "run_jupyter_book", lambda *_, output: 1)
        assert build.build_pages() == 1
    assert [pages(), pages()] == [True, False]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A build folder of the test's own."""
    monkeypatch.setattr(build, "BUILD", tmp_path)
    return tmp_path


needs_locks = pytest.mark.skipif(build.fcntl is None, reason="no locks here")


@needs_locks
def test_a_second_build_waits_for_the_first(folder, capsys):
    done = []

    def second():
        with build.alone():
            done.append("second")

    with build.alone():
        other = threading.Thread(target=second)
        other.start()
        while "waits for its end" not in capsys.readouterr().out:
            time.sleep(0.01)
        done.append("first")
    other.join()
    assert done == ["first", "second"]


@needs_locks
def test_a_build_waits_for_what_a_dead_one_has_started(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    monkeypatch.setattr(build, "__file__", str(folder / "build.py"))
    (folder / "write_pages.py").write_text(f"sleep 1\ntouch {folder}/written\n")
    with build.alone():
        threading.Thread(target=build.run_jupyter_book, kwargs={"output": folder}).start()
        time.sleep(0.5)
    with build.alone():
        assert (folder / "written").exists()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("waited a minute in vain")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc who lives")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_kernels_end_with_their_build_and_it_leaves_nothing(tmp_path, number):
    cell = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    notebooks = [tmp_path / f"{name}.ipynb" for name in ("one", "two", "three")]
    for path in notebooks:
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), path)
    script = f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have told it to ignore
        sys.path.insert(0, {str(TOOLS)!r})
        from pathlib import Path
        import execute
        if __name__ == "__main__":
            execute.prepare_kernels = lambda work: None
            notebooks, *folders = {list(map(str, notebooks))}, *sys.argv[1:]
            execute.execute_all(list(map(Path, notebooks)), *map(Path, folders))
    """
    (tmp_path / "run.py").write_text(textwrap.dedent(script))
    command = [sys.executable, tmp_path / "run.py", tmp_path / "out", tmp_path / "work"]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    pid = tmp_path / "work" / "pid"
    wait_until(lambda: pid.exists() and pid.read_text())
    os.kill(run.pid, number)
    try:
        assert run.wait(timeout=60) != 0
    finally:
        run.kill()
    wait_until(lambda: not is_alive(int(pid.read_text())))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forks on Linux only")
def test_what_kernels_are_forked_from_has_one_thread_nothing_of_ours_and_no_figure():
    script = """
        import os, sys
        os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="module://matplotlib_inline.backend_inline")
        import importlib, kernels
        for name in kernels.IMPORTED:
            importlib.import_module(name)
        print(len(os.listdir("/proc/self/task")))
        print({"helpers", "study", "matplotlib_inline.backend_inline"} & sys.modules.keys())
    """
    environment = os.environ | {"PYTHONPATH": str(TOOLS)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["1", "set()", ""]
