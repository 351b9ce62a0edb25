"""Set up everything the book needs inside this clone: a virtual environment, the locked packages, a browser.

Needs Python 3.11 or newer and nothing else; run it as often as you like, it does only what is left to do.

    python3 tools/setup.py                 the packages of requirements.lock, byte for byte
    python3 tools/setup.py --torch cpu     the same versions, but torch without CUDA (1 GB instead of 6)

The choice is remembered; `--torch locked` takes it back, and each change of it makes the environment anew.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
SCRIPTS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / "requirements.lock"
READY = ENVIRONMENT / ".ready"
CHOICE = ENVIRONMENT / ".torch"

# JupyterLab would otherwise ask at its first start whether it may fetch news from its makers.
LAB_SETTINGS = """
{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
"""


def main() -> int:
    """Bring `.venv` up to date with the lock; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch", choices=["locked", "cpu"], help="which build to install; as before if left out"
    )
    before = CHOICE.read_text() if CHOICE.exists() else "locked"
    torch = parser.parse_args().torch or before
    if torch == before and READY.exists() and READY.read_text() == digest():
        return 0
    try:
        # Anew for another build: it has the same version, so uv would keep the one that is there.
        create_environment(anew=torch != before)
        CHOICE.write_text(torch)
        install_packages(torch)
    except subprocess.CalledProcessError as error:
        print(f"\nset-up stopped: `{' '.join(map(str, error.cmd))}` failed.", file=sys.stderr)
        print("Its message stands above. Run the same command again to go on from here.", file=sys.stderr)
        return 1
    subprocess.run([PYTHON, ROOT / "tools" / "browser.py", "--install"], check=False)
    READY.write_text(digest())
    print(f"set up: {ENVIRONMENT}")
    return 0


def digest() -> str:
    """Fingerprint of all that decides what is installed."""
    inputs = [LOCK, ROOT / "pyproject.toml", Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()


def create_environment(*, anew: bool) -> None:
    """Make `.venv`; make it again where its Python no longer starts, or if it is to be `anew`."""
    READY.unlink(missing_ok=True)
    try:
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        anew = True
    if anew:
        print(f"creating {ENVIRONMENT} with Python {sys.version.split()[0]}", flush=True)
        venv.create(ENVIRONMENT, clear=True, with_pip=True)


def install_packages(torch: str) -> None:
    """Install uv, then the locked packages, then `helpers` itself in place."""
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder) / "uv.txt"
        only_uv.write_text(lock_entry("uv"))
        run(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "-r", only_uv)  # fmt: skip
    print("installing the packages of requirements.lock (a few minutes the first time)", flush=True)
    uv = (SCRIPTS / "uv", "pip", "install", "--python", PYTHON)
    if torch == "cpu":
        # The wheels without CUDA are other files than those the lock was made from: same versions, no hashes.
        run(*uv, "--torch-backend", "cpu", "--no-verify-hashes", "-c", LOCK, "-r", ROOT / "requirements.txt")
    else:
        run(*uv, "--require-hashes", "-r", LOCK)
    run(*uv, "-q", "--no-deps", "--no-build-isolation", "-e", ROOT)
    settings = ENVIRONMENT / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(LAB_SETTINGS)


def lock_entry(name: str) -> str:
    """Return the lines of the lock that pin one package, hashes included."""
    found = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*\n", LOCK.read_text(), flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"requirements.lock has no entry for {name}; `make lock` writes it again")
    return found[0]


def run(*command: str | Path) -> None:
    """Run one command and let it print."""
    subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 (this file runs before anything has checked)
        raise SystemExit(f"the book needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    raise SystemExit(main())
