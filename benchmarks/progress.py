"""What a long run is doing now, on standard error, so that standard output stays the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_console = Console(stderr=True)


@contextmanager
def stages() -> Iterator[Progress]:
    """Bars of all stages, one below the other; without a terminal one line for each at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as progress:
        yield progress


def say(text: str) -> None:
    """A line of its own."""
    _console.print(text)
