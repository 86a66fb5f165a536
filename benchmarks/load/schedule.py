"""When calls are sent: pure functions of a rate and a seed.

Arrival times are float64 seconds from the start of the load, ascending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Arrivals: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """Each client sends its next call when it has the answer to the last.

    Attributes:
        clients: at once.
        seconds: how long.
    """

    clients: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class OpenLoop:
    """Calls are sent at set times, whether or not earlier ones have been answered.

    Attributes:
        arrivals: when.
    """

    arrivals: Arrivals

    @property
    def seconds(self) -> float:
        """Until the last call is sent."""
        return float(self.arrivals[-1]) if len(self.arrivals) else 0.0


def uniform(rate: float, seconds: float) -> Arrivals:
    """Evenly spaced arrivals.

    Args:
        rate: calls a second, > 0.
        seconds: how long.
    """
    return np.asarray(np.arange(round(rate * seconds)) / rate, np.float64)


def poisson(rate: float, seconds: float, seed: int) -> Arrivals:
    """Arrivals of a Poisson process, given how many there are.

    Given their number, the times of a Poisson process are independent and uniform (Ross, Stochastic
    Processes, theorem 2.3.1). So two seeds offer the same work, at exactly the mean rate.

    Args:
        rate: mean, calls a second, > 0.
        seconds: how long.
        seed: the same one gives the same times.
    """
    times = np.random.default_rng(seed).uniform(0, seconds, round(rate * seconds))
    return np.sort(times)


def replay(times: Sequence[float] | Arrivals, rate: float) -> Arrivals:
    """Recorded arrivals at another mean rate. Time is stretched, so that bursts stay bursts.

    Args:
        times: recorded, seconds, in any order; at least two that differ.
        rate: mean, calls a second, > 0.
    """
    recorded = np.sort(np.asarray(times, np.float64))
    recorded -= recorded[0]
    stretch = (len(recorded) - 1) / rate / recorded[-1]
    return np.asarray(recorded * stretch)


def burstiness(arrivals: Arrivals) -> float:
    """Coefficient of variation of the gaps: 0 if even, 1 if Poisson, more if bursty."""
    gaps = np.diff(arrivals)
    return float(gaps.std() / gaps.mean())
