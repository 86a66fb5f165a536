"""How long something takes that is done again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

_SECONDS = 0.3
_LEAST_RUNS = 5


def seconds(run: Callable[[], object]) -> float:
    """Median of `durations`."""
    return median(durations(run))


def durations(run: Callable[[], object]) -> list[float]:
    """Seconds of each of the runs that fit into a third of a second, five at least."""
    run()
    taken: list[float] = []
    while len(taken) < _LEAST_RUNS or sum(taken) < _SECONDS:
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return taken
