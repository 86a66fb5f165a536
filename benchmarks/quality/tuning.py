"""Baselines at their best: settings chosen on a window before the test window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmarks.quality.cases import Case, sample
from benchmarks.quality.cuts import validation
from benchmarks.quality.evaluation import evaluate
from benchmarks.quality.methods import Method

Maker = Callable[..., Method]


@dataclass(frozen=True, slots=True)
class Tuned:
    """A method, and the settings that it was made with."""

    method: Method
    settings: Mapping[str, Any]


def tuned(
    make: Maker, grid: Mapping[str, Sequence[Any]], case: Case, at_most: int = 1_000
) -> Tuned:
    """Make a method with the settings that had the best NDCG@10 before the test window.

    Args:
        make: of a case and settings.
        grid: values of each setting; all combinations are tried.
        case: the window before its own is what they are tried on.
        at_most: rows of that.
    """
    settings = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    best = settings[0]
    if len(settings) > 1:
        earlier = validation(case)
        rows = sample(earlier.rows, at_most)
        # Without a row there is nothing to choose by, and the first settings stay.
        reached = [
            evaluate(make(earlier, **each), earlier, rows).mean("ndcg10")
            for each in settings
            if rows
        ]
        best = settings[max(range(len(reached)), key=reached.__getitem__, default=0)]
    return Tuned(make(case, **best), best)
