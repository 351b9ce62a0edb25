"""Kernels that are copies of one process which has imported what most notebooks import.

A kernel of its own spends about six seconds of processor time on imports before its first cell has run. Here
Python's fork server imports once, and each kernel is a fork of it. It holds nothing of ours: a kernel reads
`helpers` and `study` as they are when it starts. A kernel ends when the build does, however that ends.
"""

from __future__ import annotations

import gc
import os
import runpy
import sys
import threading
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

IMPORTED = [
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "myst_nb.ext.glue",  # with it nbformat, whose grammars of addresses alone take two seconds
    "pandas.io.formats.style",
    "scipy.signal",
    "seaborn",
    "statsmodels.stats.multitest",
    "torch._dynamo",  # which the first optimizer imports
    "torchvision",
]
# Elsewhere it is not safe to fork a process that has imported as much; there kernels start as they always do.
FORKS = sys.platform == "linux"
CONTEXT: Any = get_context("forkserver" if FORKS else "spawn")


def begin() -> None:
    """Let the server start and import meanwhile, in the environment of this moment."""
    if FORKS:
        from multiprocessing import forkserver

        CONTEXT.set_forkserver_preload(IMPORTED)
        forkserver.ensure_running()


def run_module(name: str) -> int:
    """Run a module as `python -m` does, in a fork of the server; return its exit status."""
    process = CONTEXT.Process(target=_run_module, args=(name, dict(os.environ)))
    process.start()
    process.join()
    return int(process.exitcode)


def _run_module(name: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    runpy.run_module(name, run_name="__main__")


class Fork(CONTEXT.Process):  # type: ignore[misc]
    """A fork of the server that becomes a kernel, with what Jupyter asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
        super().__init__()
        self.arguments, self.folder, self.environment = arguments, folder, environment

    def run(self) -> None:
        """Be the kernel, until it is told to stop; called in the fork."""
        os.setsid()  # an interrupt from the terminal is for the build, which then ends its kernels
        os.chdir(self.folder)
        os.environ.update(self.environment)
        sys.path[:] = [path for path in sys.path if path != str(Path(__file__).parent)]
        threading.Thread(target=end_with_build, daemon=True).start()
        gc.freeze()  # what was imported stays: each collection would walk through all of it
        from ipykernel.kernelapp import IPKernelApp

        IPKernelApp.launch_instance(self.arguments, parent_handle=os.getppid())

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        status: int | None = self.exitcode
        return status

    def wait(self) -> int | None:
        """Wait for the end; return the exit status."""
        self.join()
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.pid and self.is_alive():
            os.kill(self.pid, number)


def end_with_build() -> None:
    """End this process as soon as the one that asked for it is gone."""
    build = parent_process()
    if build:
        build.join()
    os._exit(1)


class ForkProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of the server."""

    async def launch_kernel(self, cmd: list[str], **settings: Any) -> KernelConnectionInfo:
        """Start the kernel that a command would start."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        kernel = Fork(arguments, str(settings["cwd"]), settings["env"])
        kernel.start()
        self.process, self.pid = kernel, kernel.pid
        return self.connection_info


class ForkManager(AsyncKernelManager):
    """Manages a kernel that is a fork of the server."""

    async def _async_pre_start_kernel(self, **settings: Any) -> tuple[list[str], dict[str, Any]]:
        self.provisioner = self.provisioner or ForkProvisioner(parent=self, kernel_spec=self.kernel_spec)
        return await super()._async_pre_start_kernel(**settings)


MANAGER = ForkManager if FORKS else AsyncKernelManager
