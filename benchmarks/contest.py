"""Contestants by turns, and what their rounds come to: shared by all comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from benchmarks.report import Bar, Report

SAMPLES = "samples"
"""Key of a report's details: every round's figure, by the key of the median; `compare` reads it."""


def alternate(
    contestants: Mapping[str, Callable[[], float]],
    rounds: int,
    on_done: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Let each run once a round, so that a slow moment of the machine hits all of them.

    Each round starts with another one, so that none always follows the same neighbour.

    Args:
        contestants: run once and return a figure, by name.
        rounds: how many.
        on_done: called after each run.

    Returns:
        `rounds` figures of each.
    """
    names = list(contestants)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % max(1, len(names))
        for name in names[first:] + names[:first]:
            measured[name].append(contestants[name]())
            on_done()
    return measured


def ratios(left: Sequence[float], right: Sequence[float]) -> list[float]:
    """Left by right within each round, where both saw the same machine."""
    return [ours / theirs for ours, theirs in zip(left, right, strict=True)]


def add_median(
    report: Report,
    key: str,
    label: str,
    values: Sequence[float],
    unit: str = "",
    bar: Bar | None = None,
) -> None:
    """Note the median of the rounds as a figure, and the rounds under `SAMPLES`."""
    report.add(key, label, median(values), unit, bar)
    report.details.setdefault(SAMPLES, {})[key] = [float(f"{value:.6g}") for value in values]
