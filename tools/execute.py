"""Execute the notebooks into the build folder with papermill: in parallel, and only what changed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import platformdirs

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "STRIDE_BOOK_DATA"
SHARED_INPUTS = ["requirements.lock", "src/**/*", "study/rules.json", "results/**/*"]


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
    shared = shared_fingerprint()
    if all(is_current(notebook, destination, shared) for notebook in notebooks):
        return 0
    prepare_kernels(work)
    shared = shared_fingerprint()  # again, since the data may have been downloaded just now
    # Taken before they run: what is edited meanwhile has not been executed, and has to be by the next build.
    stale = {
        notebook: fingerprint(notebook, shared)
        for notebook in notebooks
        if not is_current(notebook, destination, shared)
    }
    failures = []
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        start = time.perf_counter()
        jobs = {pool.submit(execute, notebook, destination, work): notebook for notebook in stale}
        for done, job in enumerate(as_completed(jobs), start=1):
            notebook, failure = jobs[job], job.result()
            ended = f"{'FAILED' if failure else 'done'} after {time.perf_counter() - start:.0f} s"
            print(f"  [{done}/{len(stale)}] {notebook.stem} {ended}", flush=True)
            if failure:
                failures.append(failure)
            else:
                stamp(notebook, destination).write_text(stale[notebook])
    if failures:
        raise NotebookFailed("\n\n".join(failures))
    return len(stale)


def execute(notebook: Path, destination: Path, work: Path) -> str:
    """Execute one notebook, in a process of its own; return what went wrong, or an empty string."""
    import nbformat
    import papermill

    stamp(notebook, destination).unlink(missing_ok=True)
    (destination / notebook.name).unlink(missing_ok=True)
    output = work / notebook.name
    name = f"{notebook.parent.name}/{notebook.name}"
    try:
        papermill.execute_notebook(notebook, output, kernel_name="python3", cwd=work, progress_bar=False)
    except papermill.PapermillExecutionError as error:
        where = f"{name}, cell {error.cell_index + 1}: {error.ename}: {error.evalue}"
        traceback = f"The notebook as far as it ran, with the traceback: {output}"
        return f"{where}\n\n{indent(error.source)}\n\n{traceback}"
    except Exception as error:  # a broken file, a kernel that died: the build still has to name the notebook
        return f"{name}: {type(error).__name__}: {error}"
    executed = nbformat.read(output, as_version=4)
    strip_run_metadata(executed)
    nbformat.write(executed, output)
    output.replace(destination / notebook.name)
    return ""


def strip_run_metadata(executed: dict[str, Any]) -> None:
    """Drop what papermill adds: paths of this machine, times, and widget state, which calls another host."""
    for key in ("papermill", "widgets"):
        executed["metadata"].pop(key, None)
    for cell in executed["cells"]:
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)


def prepare_kernels(work: Path) -> None:
    """Fetch the data once for all notebooks, and set the environment that every kernel inherits."""
    if named := named_data_folder():
        os.environ[VARIABLE] = str(named)  # in full, since the kernels run in another folder
    if subprocess.run([sys.executable, "-m", "helpers.data"], check=False).returncode:
        raise NotebookFailed("the data could not be read; the reason stands above")
    profile = work / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # Each kernel would warn that it talks to papermill over loopback unencrypted.
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n")
    os.environ |= {
        "STRIDE_BOOK_OFFLINE": "1",  # what could not be fetched a moment ago, no notebook need try again
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not the home folder's of that name
        "IPYTHONDIR": str(work / "ipython"),  # nor the profile there
        "OMP_NUM_THREADS": "1",  # a notebook a core; more threads would only wait for each other
    }


def forget_removed(notebooks: list[Path], destination: Path) -> None:
    """Remove what was built from notebooks that are no longer there."""
    kept = {notebook.name for notebook in notebooks}
    for old in [path for path in destination.glob("*.ipynb") if path.name not in kept]:
        old.unlink()
        stamp(old, destination).unlink(missing_ok=True)


def is_current(notebook: Path, destination: Path, shared: str) -> bool:
    """Whether the executed copy in `destination` is what executing again would give."""
    mark = stamp(notebook, destination)
    return (
        (destination / notebook.name).exists()
        and mark.exists()
        and mark.read_text() == fingerprint(notebook, shared)
    )


def stamp(notebook: Path, destination: Path) -> Path:
    """Return the file that remembers from what a notebook was executed."""
    return destination / f".{notebook.stem}.fingerprint"


def fingerprint(notebook: Path, shared: str) -> str:
    """Digest of a notebook and of all that its outputs depend on."""
    return hashlib.sha256(notebook.read_bytes() + shared.encode()).hexdigest()


def shared_fingerprint() -> str:
    """Digest of what every notebook depends on: the package, the records, the lock, the data found."""
    digest = hashlib.sha256()
    for pattern in SHARED_INPUTS:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    digest.update("\n".join(data_files()).encode())
    return digest.hexdigest()


def data_files() -> Iterator[str]:
    """Describe the data files where `helpers.data` looks, without the seconds that importing torch takes."""
    for place in filter(None, [named_data_folder(), platformdirs.user_cache_path("stride-and-padding")]):
        for path in sorted(place.glob("*/raw/*.gz")):
            status = path.stat()
            yield f"{path} {status.st_size} {status.st_mtime_ns}"


def named_data_folder() -> Path | None:
    """Where the user says that the data lie, in full; None if nowhere."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser().resolve() if named else None


def indent(source: str) -> str:
    """Set a cell's source off from the text around it."""
    return "\n".join(f"    {line}" for line in source.splitlines())
