"""What waits for the encoder, kept so that choosing a batch never scans the queue.

Rows of one job and one length form a `Run`. Runs queue in arrival order, the longest of a job
first. The oldest runs are *in the window*, where they can be found by length; the rest wait their
turn to enter it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, groupby


@dataclass(slots=True, eq=False)
class Run:
    """Rows of one job that have the same length.

    Attributes:
        job: arrival number of their job.
        length: tokens of each row.
        rows: positions in the job that still wait; taken from the end.
        inside: whether it is in the window.
    """

    job: int
    length: int
    rows: list[int]
    inside: bool = False


def _runs(job: int, lengths: Sequence[int]) -> list[Run]:
    if len(lengths) == 1:  # most calls of a busy server, and four times as fast
        return [Run(job, lengths[0], [0])]
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    return [Run(job, length, list(rows)) for length, rows in groupby(order, lengths.__getitem__)]


class Backlog:
    """Jobs that wait, in arrival order and by length.

    Args:
        window_rows: how many of the oldest rows can be found by length.
        numbers: arrival numbers, ascending; shared with a backlog that counts along.

    Attributes:
        window_rows: as given; takes effect as rows come and go.
        rows: that wait.
        tokens: that wait.
    """

    def __init__(self, window_rows: int, numbers: Iterator[int] | None = None) -> None:
        self.window_rows = window_rows
        self._numbers = count() if numbers is None else numbers
        self._jobs: OrderedDict[int, dict[int, Run]] = OrderedDict()
        self._outside: deque[Run] = deque()
        self._inside: dict[int, OrderedDict[int, Run]] = {}
        self._lengths: list[int] = []
        self._inside_rows = 0
        self._deadlines: list[tuple[float, int]] = []
        self.rows = 0
        self.tokens = 0

    def __contains__(self, job: int) -> bool:
        return job in self._jobs

    def add(self, lengths: Sequence[int], deadline: float | None = None) -> int:
        """Let a job wait; its rows are its positions in ``lengths``.

        Args:
            lengths: tokens of each row, at least one row, each at least 1.
            deadline: the clock's reading from which on it must not be dispatched; None is never.

        Returns:
            The job's arrival number, greater than that of every job before.
        """
        job = next(self._numbers)
        runs = _runs(job, lengths)
        self._jobs[job] = {run.length: run for run in runs}
        self._outside.extend(runs)
        self.rows += len(lengths)
        self.tokens += sum(lengths)
        if deadline is not None:
            heappush(self._deadlines, (deadline, job))
        self._fill_window()
        return job

    def expire(self, now: float) -> tuple[int, ...]:
        """Drop the jobs whose deadline has come, and return their arrival numbers."""
        expired = []
        while self._deadlines and self._deadlines[0][0] <= now:
            job = heappop(self._deadlines)[1]
            if self.discard(job):
                expired.append(job)
        return tuple(expired)

    def discard(self, job: int) -> bool:
        """Drop what still waits of a job; returns whether anything did."""
        runs = self._jobs.get(job)
        if runs is None:
            return False
        for run in list(runs.values()):
            self.take(run, len(run.rows))
        return True

    def oldest_first(self) -> Iterator[Run]:
        """Every run that waits: the oldest job first, its longest rows first."""
        for runs in self._jobs.values():
            yield from runs.values()

    def at_length(self, length: int) -> Iterator[Run]:
        """The runs in the window of a length from `lengths_around`, the oldest first."""
        yield from self._inside[length].values()

    def lengths_around(self, length: int) -> Iterator[int]:
        """The lengths found in the window, nearest to ``length`` first, the shorter of two."""
        lengths = self._lengths
        above = bisect_left(lengths, length)
        below = above - 1
        while below >= 0 or above < len(lengths):
            if above == len(lengths) or (
                below >= 0 and length - lengths[below] <= lengths[above] - length
            ):
                yield lengths[below]
                below -= 1
            else:
                yield lengths[above]
                above += 1

    def take(self, run: Run, count: int) -> list[int]:
        """Remove ``count`` rows from a run and return them; the window fills up from outside."""
        taken = run.rows[-count:]
        del run.rows[-count:]
        self.rows -= count
        self.tokens -= count * run.length
        if run.inside:
            self._inside_rows -= count
        if not run.rows:
            self._forget(run)
        self._fill_window()
        return taken

    def _forget(self, run: Run) -> None:
        runs = self._jobs[run.job]
        del runs[run.length]
        if not runs:
            del self._jobs[run.job]
        if run.inside:
            alike = self._inside[run.length]
            del alike[run.job]
            if not alike:
                del self._inside[run.length]
                del self._lengths[bisect_left(self._lengths, run.length)]

    def _fill_window(self) -> None:
        while self._outside and self._inside_rows < self.window_rows:
            run = self._outside.popleft()
            if not run.rows:  # discarded while it was outside
                continue
            if run.length not in self._inside:
                self._inside[run.length] = OrderedDict()
                insort(self._lengths, run.length)
            self._inside[run.length][run.job] = run
            run.inside = True
            self._inside_rows += len(run.rows)
