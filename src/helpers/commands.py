"""What the commands of the package share: an error in one line, quiet pipes, sizes in few words."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

_STOPPED = 130  # the exit status of a command that Ctrl-C ended


def exit_status(answer: Callable[[], str]) -> int:
    """Run a command and return its exit status, which is 1 after an error.

    An error is one line on standard error. A pipe that is closed early, as by `head`, is no error.

    Args:
        answer: prints the answer, and returns an error message or an empty text. A `ValueError` or `OSError`
            that it raises is an error of the command, too.
    """
    try:
        message = answer()
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 0
    except KeyboardInterrupt:
        return _STOPPED
    except (OSError, ValueError) as error:
        message = str(error)
        if isinstance(error, OSError) and error.filename is None:  # print: a full disk behind `>`
            _discard_output()
            message = f"standard output must take the answer, got {error}"
    if message:
        print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
    return int(bool(message))


def printable(text: str) -> str:
    r"""The text with escapes in place of control characters, which a terminal could take for commands.

    >>> print(printable("conv\x1b[2J"))
    conv\x1b[2J
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def in_runs(sizes: Iterable[int]) -> str:
    """Ascending sizes as text, each run of consecutive ones as a range.

    >>> in_runs([32, 33, 34, 48]), in_runs([])
    ('32-34, 48', 'none')
    """
    runs: list[tuple[int, int]] = []
    for size in sizes:
        if runs and size == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], size
        else:
            runs.append((size, size))
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in runs) or "none"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; its name is taken only at the end.

    Raises:
        OSError: if its folder is missing, or cannot be written to.
    """
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _discard_output() -> None:
    """Redirect standard output to nowhere: Python would fail to flush it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
