"""A server's memory over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

_WINDOW_SHARE = 0.2
_FEWEST = 5


@dataclass(slots=True)
class Memory:
    """Samples of a server's resident memory.

    Attributes:
        seconds: when, ascending.
        mebibytes: how much.
    """

    seconds: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)

    def add(self, seconds: float, mebibytes: float) -> None:
        """Note a sample."""
        self.seconds.append(seconds)
        self.mebibytes.append(mebibytes)

    @property
    def slope(self) -> float:
        """MiB a minute over the second half, least squares; 0 of less than two samples.

        The first half is left out: allocators and caches take what they will keep.
        """
        half = len(self.seconds) // 2
        times, values = self.seconds[half:], self.mebibytes[half:]
        if len(set(times)) <= 1:
            return 0.0
        return float(np.polyfit(times, values, 1)[0] * 60)

    @property
    def growth(self) -> float:
        """Share by which the end exceeds the middle, medians of a fifth of the samples each."""
        if len(self.seconds) < _FEWEST:
            return 0.0
        return _tail(self.mebibytes) / _tail(self.mebibytes[: len(self.mebibytes) // 2 + 1]) - 1


def _tail(values: Sequence[float]) -> float:
    count = max(1, int(len(values) * _WINDOW_SHARE))
    return median(values[-count:])
