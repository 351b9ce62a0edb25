"""How far a sweep has come, and how long it still takes."""

import shutil
import time
from collections.abc import Callable
from typing import TextIO


class Progress:
    """Says on a stream what has finished: one line a run, with a bar below it where the stream is a terminal.

    The time left is reckoned from the work done so far, in whatever unit of work the caller counts.

    Args:
        work: of all runs together.
        runs: how many there are.
        stream: where to write.
        clock: seconds that only grow.
    """

    def __init__(
        self, *, work: float, runs: int, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._work, self._runs, self._stream, self._clock = work, runs, stream, clock
        self._done, self._finished, self._began = 0.0, 0, clock()

    def finish(self, message: str, *, work: float) -> None:
        """Report a finished run and its share of the work."""
        self._done += work
        self._finished += 1
        place = f"[{self._finished:{len(str(self._runs))}}/{self._runs}]"
        left = f"{duration(self._seconds_left())} left" if self._finished < self._runs else "done"
        if not self._stream.isatty():
            print(f"{place} {message}; {left}", file=self._stream, flush=True)
            return
        width = max(10, min(40, shutil.get_terminal_size().columns - 30))
        filled = round(width * self._done / self._work)
        # \r and \x1b[K: back to the start of the line and clear it, so that the bar stays the last line.
        print(f"\r\x1b[K{place} {message}", file=self._stream)
        end = "" if self._finished < self._runs else "\n"
        print(f"{'#' * filled}{'.' * (width - filled)} {left}", end=end, file=self._stream, flush=True)

    def _seconds_left(self) -> float:
        return (self._clock() - self._began) * (self._work - self._done) / self._done


def duration(seconds: float) -> str:
    """Say a time in two units at most.

    >>> duration(42), duration(150), duration(7300)
    ('42 s', '2 min 30 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
