"""How far a command is: a bar on a terminal, otherwise a plain line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

Report: TypeAlias = Callable[[int, int], None]
"""Told how far the input is done (in its own unit), and how many items or texts that were."""

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(total: int, noun: str) -> Iterator[Report]:
    """Show progress on standard error while the context is open.

    Args:
        total: of the input, in the unit of the reports' first argument.
        noun: what is counted, for example ``items``.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainProgress(total, noun)
        return
    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[done]:,} " + noun),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as shown:
        yield _bar(shown, total)


def _bar(shown: Progress, total: int) -> Report:
    task = shown.add_task("", total=total or 1, done=0, rate=0.0)
    started = time.monotonic()

    def report(position: int, count: int) -> None:
        rate = count / max(time.monotonic() - started, 1e-9)
        shown.update(task, completed=position, done=count, rate=rate)

    return report


class PlainProgress:
    """A line every few seconds, for logs.

    Args:
        total: see `progress`.
        noun: see `progress`.
        clock: seconds.
        write: takes a line.
    """

    def __init__(
        self,
        total: int,
        noun: str,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[str], object] | None = None,
    ) -> None:
        self._total = total or 1
        self._noun = noun
        self._clock = clock
        self._write = write or _write_line
        self._started = self._last = clock()

    def __call__(self, position: int, count: int) -> None:
        """See `Report`."""
        now = self._clock()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        rate = count / max(now - self._started, 1e-9)
        share = position / self._total
        self._write(f"{share:4.0%}  {count:,} {self._noun}  {rate:,.0f}/s")


def _write_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
