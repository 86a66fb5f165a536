"""Two things measured by turns, so that both see the same noise of the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.load.effort import Effort
from benchmarks.load.recorder import Recording, percentile, stable


@dataclass(slots=True)
class Rounds:
    """What the turns came to.

    Attributes:
        bases: of the thing that is divided by.
        values: of the thing that is measured, each right after its base.
        recordings: that the values were taken from.
    """

    bases: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Of each round."""
        return [value / base for value, base in zip(self.values, self.bases, strict=True)]

    @property
    def ratio(self) -> float:
        """Median of the rounds."""
        return median(self.ratios)

    @property
    def value(self) -> float:
        """Median of what was measured."""
        return median(self.values)

    @property
    def base(self) -> float:
        """Median of what it is divided by."""
        return median(self.bases)

    def milliseconds(self, percent: float) -> float:
        """Median over the rounds of a percentile of latency."""
        return 1e3 * median(percentile(each.latencies(), percent) for each in self.recordings)

    def details(self) -> dict[str, Any]:
        """All rounds, for the JSON object."""
        return {
            "base": [round(base, 4) for base in self.bases],
            "value": [round(value, 4) for value in self.values],
            "ratio": [round(ratio, 4) for ratio in self.ratios],
            "stable": stable(self.ratios),
            "last": self.recordings[-1].summary() if self.recordings else {},
        }


def by_turns(
    effort: Effort,
    base: Callable[[], float],
    measure: Callable[[], Recording],
    value: Callable[[Recording], float],
    on_round: Callable[[], None],
) -> Rounds:
    """Measure base and load by turns until the ratio is stable, see `Effort`.

    Args:
        effort: how often.
        base: what is divided by.
        measure: runs the load.
        value: of a recording.
        on_round: called after each round.
    """
    rounds = Rounds()
    while len(rounds.values) < effort.rounds or not _enough(rounds, effort):
        rounds.bases.append(base())
        rounds.recordings.append(measure())
        rounds.values.append(value(rounds.recordings[-1]))
        on_round()
    return rounds


def _enough(rounds: Rounds, effort: Effort) -> bool:
    return len(rounds.values) >= effort.most_rounds or stable(rounds.ratios)
