"""Execute the notebooks into the build folder with papermill: in parallel, and only what changed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import kernels
from inputs import DATA, VARIABLE, content, fingerprint, imported_modules, named_data_folder
from jupyter_core.utils import ensure_event_loop

# Ids of pandas's tables, of quizzes, of live widgets.
DRAWN = re.compile(
    r'(?P<before>\bT_|quiz_|"model_id": ")(?P<drawn>(?<=T_)[0-9a-f]{5}(?![0-9a-zA-Z])|(?<!T_)[0-9a-f]{32})'
)
ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


class NotebookFailed(Exception):
    """A notebook did not run to its end; the message names notebook and cell."""


def execute_all(notebooks: list[Path], destination: Path, work: Path) -> int:
    """Execute into `destination` each notebook whose inputs have changed since; return how many ran.

    Raises:
        NotebookFailed: after every notebook had its turn, so that one build names all that fail. A notebook
            that fails leaves nothing in `destination`.
    """
    destination.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    forget_removed(notebooks, destination)
    stale = [notebook for notebook in notebooks if not is_current(notebook, destination)]
    if not stale:
        return 0
    prepare_kernels(work)
    if any(DATA in imported_modules(notebook) for notebook in stale):
        fetch_data()
    # Taken before they run: what is edited meanwhile has not been executed, and has to be by the next build.
    read = {notebook: fingerprint(notebook) for notebook in stale}
    failures = []
    with workers() as pool:
        start = time.perf_counter()
        # The longest to read are the longest to run: they begin, so that all end together.
        stale.sort(key=lambda notebook: -notebook.stat().st_size)
        jobs = {pool.submit(execute, notebook, destination, work): notebook for notebook in stale}
        for done, job in enumerate(as_completed(jobs), start=1):
            notebook, failure = jobs[job], job.result()
            ended = f"{'FAILED' if failure else 'done'} after {time.perf_counter() - start:.0f} s"
            print(f"  [{done}/{len(stale)}] {notebook.stem} {ended}", flush=True)
            if failure:
                failures.append(failure)
            else:
                stamp(notebook, destination).write_text(mark(read[notebook], destination / notebook.name))
    if failures:
        raise NotebookFailed("\n\n".join(sorted(failures)))
    return len(stale)


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """A thread a core, each to speak with one kernel; an interrupt ends the kernels, and so the threads."""
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix=__name__) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while any(thread.name.startswith(__name__) for thread in threading.enumerate()):
                for kernel in multiprocessing.active_children():
                    kernel.kill()
                time.sleep(0.1)
            raise


def execute(notebook: Path, destination: Path, work: Path) -> str:
    """Execute one notebook; return what went wrong, or an empty string."""
    import nbformat  # takes two seconds, which a build after which all is as before need not wait for
    import papermill

    stamp(notebook, destination).unlink(missing_ok=True)
    (destination / notebook.name).unlink(missing_ok=True)
    output = work / notebook.name
    name = f"{notebook.parent.name}/{notebook.name}"
    try:
        with closing(ensure_event_loop()):  # this thread's, in which Jupyter speaks with the kernel
            papermill.execute_notebook(
                notebook,
                output,
                kernel_name="python3",
                progress_bar=False,
                request_save_on_cell_execute=False,  # it would be twice a cell, a quarter of a build
                kernel_manager_class=kernels.MANAGER,
                shutdown_kernel="immediate",  # it has nothing to clean up
                resources={"metadata": {"path": str(work)}},  # where the kernel runs
            )
    except papermill.PapermillExecutionError as error:
        where = f"{name}, cell {error.cell_index + 1}: {error.ename}: {error.evalue}"
        traceback = f"The notebook as far as it ran, with the traceback: {output}"
        return f"{where}\n\n{indent(error.source)}\n\n{traceback}"
    except Exception as error:  # a broken file, a kernel that died: the build still has to name the notebook
        return f"{name}: {type(error).__name__}: {error}"
    executed = nbformat.read(output, as_version=4)
    strip_run_metadata(executed)
    output.write_text(
        with_names_of_its_own(nbformat.writes(executed) + "\n", notebook.stem), encoding="utf-8"
    )
    output.replace(destination / notebook.name)
    return ""


def strip_run_metadata(executed: dict[str, Any]) -> None:
    """Drop what papermill adds: paths of this machine, times, and widget state, which calls another host."""
    for key in ("papermill", "widgets"):
        executed["metadata"].pop(key, None)
    for cell in executed["cells"]:
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)


def with_names_of_its_own(text: str, notebook: str) -> str:
    """Put in place of what was drawn by chance what the same notebook gets in each build; drop addresses.

    It is another name in each notebook, since the PDF has them all on one page.
    """
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        drawn = match["drawn"]
        digest = hashlib.sha256(f"{notebook} {len(names)}".encode()).hexdigest()
        return match["before"] + names.setdefault(drawn, digest[: len(drawn)])

    return ADDRESS.sub("", DRAWN.sub(named, text))


def prepare_kernels(work: Path) -> None:
    """Set the environment that every kernel inherits, and let them begin to import."""
    if named := named_data_folder():
        os.environ[VARIABLE] = str(named)  # in full, since the kernels run in another folder
    profile = work / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # Each kernel would warn that it talks to papermill over loopback unencrypted.
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n")
    os.environ |= {
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not the home folder's of that name
        "IPYTHONDIR": str(work / "ipython"),  # nor the profile there
        "OMP_NUM_THREADS": "1",  # a notebook a core; more threads would only wait for each other
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # a kernel's own, but named before imports
        "PYTHONHASHSEED": "0",  # the same order of sets in each build
    }
    kernels.begin()


def fetch_data() -> None:
    """Fetch the data once for all notebooks, or say that they will be drawn.

    Raises:
        NotebookFailed: if there are data, and they cannot be read.
    """
    if kernels.run_module("helpers.data"):
        raise NotebookFailed("the data could not be read; the reason stands above")
    os.environ["STRIDE_BOOK_OFFLINE"] = "1"  # what could not be fetched just now, no notebook need try again


def forget_removed(notebooks: list[Path], destination: Path) -> None:
    """Remove what was built from notebooks that are no longer there."""
    kept = {notebook.name for notebook in notebooks}
    for old in [path for path in destination.glob("*.ipynb") if path.name not in kept]:
        old.unlink()
        stamp(old, destination).unlink(missing_ok=True)


def is_current(notebook: Path, destination: Path) -> bool:
    """Whether the executed copy in `destination` is what executing again would give."""
    remembered, executed = stamp(notebook, destination), destination / notebook.name
    if not (remembered.exists() and executed.exists()):
        return False
    return remembered.read_text() == mark(fingerprint(notebook), executed)


def stamp(notebook: Path, destination: Path) -> Path:
    """Return the file that remembers from what a notebook was executed, and what came of it."""
    return destination / f".{notebook.stem}.fingerprint"


def mark(read: str, executed: Path) -> str:
    """What that file holds: digests of what was read, and of the executed notebook."""
    return f"{read}\n{content(executed)}\n"


def indent(source: str) -> str:
    """Set a cell's source off from the text around it."""
    return "\n".join(f"    {line}" for line in source.splitlines())
