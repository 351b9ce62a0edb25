"""Find a Chromium for the checks of the built pages, or install one where that can be done.

`python tools/browser.py` prints the path of the browser, or says how to get one;
with `--install` it first installs one if there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The shell first: it has no windows, tabs or menus to start for each page that a test opens.
NAMES = [
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome", "msedge"),
]
# How every tool and test starts it. The last three keep it from calling its makers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ADVICE = (
    "no Chromium found: install your system's `chromium-headless-shell` or `chromium` package, or run "
    "`.venv/bin/playwright install chromium`, or set CHROMIUM to the path of a browser. Only the checks of "
    "the built pages need it."
)


def find() -> str | None:
    """Return the path of a Chromium: $CHROMIUM, then the system's, then Playwright's own."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        if not Path(chosen).is_file():
            raise SystemExit(f"CHROMIUM={chosen}: no such file; set it to the path of a browser, or unset it")
        return chosen
    return next(filter(None, map(shutil.which, NAMES)), None) or playwright_browser()


def playwright_browser() -> str | None:
    """Return Playwright's Chromium if it was downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def install() -> None:
    """Try Playwright's download, then Debian's package where this user may install it."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        attempts += [
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "chromium-headless-shell"],
        ]
    environment = os.environ | {
        "DEBIAN_FRONTEND": "noninteractive",
        "PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "10000",  # milliseconds; without a network, give up soon
    }
    print("installing a Chromium for the checks of the built pages", flush=True)
    for command in attempts:
        subprocess.run(command, env=environment, capture_output=True, check=False)
        if find():
            return


def main() -> int:
    """Print where the browser is; return the exit status."""
    path = find()
    if path is None and "--install" in sys.argv:
        install()
        path = find()
    print(f"browser: {path}" if path else ADVICE)
    return 0 if path else 1


if __name__ == "__main__":
    raise SystemExit(main())
