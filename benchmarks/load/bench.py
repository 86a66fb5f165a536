"""What the parts of one run of a benchmark share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import Progress

from benchmarks.load import texts
from benchmarks.load.effort import Effort
from benchmarks.load.recorder import Recording
from benchmarks.load.remote import Remote
from benchmarks.load.runner import Generator, warnings
from benchmarks.load.schedule import ClosedLoop
from benchmarks.load.servers import Measured
from benchmarks.load.worker import Load
from benchmarks.progress import say
from benchmarks.report import Report


@dataclass(frozen=True, slots=True)
class Pools:
    """Texts that are sent by turns, none twice.

    Attributes:
        queries: short.
        glosses: longer.
    """

    queries: list[str]
    glosses: list[str]


@dataclass(slots=True)
class Bench:
    """The server, the engine without it, the generator, and where figures go.

    Attributes:
        effort: how long to measure.
        report: figures so far.
        progress: bars.
        generator: sends to the server.
        pools: what is sent.
        server: None if it is somebody else's.
        engine: an `Offline` in a process of its own; None where nothing is held against it.
        recordings: the last of each part, to see whether the generator kept up.
    """

    effort: Effort
    report: Report
    progress: Progress
    generator: Generator
    pools: Pools
    server: Measured | None
    engine: Remote | None = None
    recordings: dict[str, Recording] = field(default_factory=dict)

    @contextmanager
    def part(self, title: str, steps: int | None = None) -> Iterator[Callable[[], None]]:
        """A bar of progress, or a line; what it gives is called after each step."""
        if not self.progress.console.is_terminal:
            say(title)
        task = self.progress.add_task(title, total=steps)
        yield lambda: self.progress.advance(task)
        done = self.progress.tasks[task].completed
        self.progress.update(task, total=done, completed=done)

    def closed(self, clients: int, pool: list[str], per_call: int) -> Load:
        """A closed loop over a pool."""
        pattern = ClosedLoop(clients, self.effort.window)
        return Load(texts.calls(pool, per_call), pattern, warm_up=self.effort.warm_up)

    def offline(self, pool: list[str]) -> float:
        """Texts a second of the engine without a server, on the same texts.

        Raises:
            ValueError: this benchmark has no engine.
        """
        if self.engine is None:
            raise ValueError("this benchmark was given no engine to measure offline")
        return float(self.engine.call("rate", pool))

    def note_generator(self) -> None:
        """Say what the generator cost, and where it may have been the bottleneck."""
        cores = max(max(each.generator_cores) for each in self.recordings.values())
        self.report.add("generator_cores", "busiest process of the generator", cores, "cores")
        self.report.details["warnings"] = warnings(self.recordings)


def pools(source: Path, effort: Effort) -> Pools:
    """Texts for a run.

    Raises:
        DataAbsentError: they are not there.
    """
    return Pools(texts.queries(source, effort.queries), texts.glosses(source, effort.glosses))
