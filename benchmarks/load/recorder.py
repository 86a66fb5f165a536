"""What came back, counted from when it should have been sent.

A generator that waits for a slow server sends less than it was asked to, and the calls that it did
not send are the slow ones ("coordinated omission", Gil Tene). So a call's latency runs from its
intended time, however late it could be sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.load.contract import STAGES, Outcome

Floats = NDArray[np.float64]

_NO_STAGES = (float("nan"),) * len(STAGES)
_DETAILS_KEPT = 5


class Call(NamedTuple):
    """One call; times are readings of `time.perf_counter`, which all processes share on Linux."""

    intended: float
    sent: float
    finished: float
    outcome: Outcome
    texts: int
    stages: tuple[float, ...] | None


class Recorder:
    """Collects the calls of one load."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._details: dict[str, int] = {}

    def add(self, call: Call, detail: str = "") -> None:
        """Note a call; `detail` says why it failed."""
        self._calls.append(call)
        if call.outcome is Outcome.FAILED:
            known = detail in self._details or len(self._details) < _DETAILS_KEPT
            name = detail if known else "other"
            self._details[name] = self._details.get(name, 0) + 1

    def recording(self, begin: float, end: float, cpu_seconds: float) -> Recording:
        """Everything as arrays, see `Recording`."""
        rows = self._calls
        stages = [row.stages or _NO_STAGES for row in rows]
        return Recording(
            intended=np.array([row.intended for row in rows], np.float64),
            sent=np.array([row.sent for row in rows], np.float64),
            finished=np.array([row.finished for row in rows], np.float64),
            outcomes=np.array([row.outcome for row in rows], np.int8),
            texts=np.array([row.texts for row in rows], np.int64),
            stages=np.array(stages, np.float64).reshape(len(rows), len(STAGES)),
            begin=begin,
            end=end,
            generator_cores=[cpu_seconds],
            failures=dict(self._details),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """All calls of one load. Only what falls between `begin` and `end` counts.

    Attributes:
        intended: when each call should have been sent.
        sent: when it was.
        finished: when its answer was there.
        outcomes: `Outcome` of each.
        texts: in each.
        stages: seconds of each of `STAGES`, ``[calls, stages]``, NaN where the server did not tell.
        begin: end of the warm-up.
        end: of the load: after it nothing is sent.
        generator_cores: processor seconds a second of each of the generator's processes.
        failures: details of failed calls, with how many there were of each.
    """

    intended: Floats
    sent: Floats
    finished: Floats
    outcomes: NDArray[np.int8]
    texts: NDArray[np.int64]
    stages: Floats
    begin: float
    end: float
    generator_cores: list[float]
    failures: dict[str, int]

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Which calls count for latency: those intended after the warm-up."""
        return np.asarray(self.intended >= self.begin)

    def count(self, outcome: Outcome) -> int:
        """Measured calls that ended so."""
        return int(np.count_nonzero(self.measured & (self.outcomes == outcome)))

    def latencies(self, outcome: Outcome = Outcome.OK) -> Floats:
        """Seconds from intended to finished of the measured calls that ended so."""
        chosen = self.measured & (self.outcomes == outcome)
        return np.asarray(self.finished[chosen] - self.intended[chosen])

    def throughput(self, within: float = float("inf")) -> float:
        """Texts a second that were answered between `begin` and `end`.

        A call that lies partly outside counts by the part inside: windows are short, calls large.

        Args:
            within: seconds from the intended time that an answer may take to count.
        """
        done = (self.outcomes == Outcome.OK) & (self.finished - self.intended <= within)
        starts, ends = self.intended[done], self.finished[done]
        inside = np.minimum(ends, self.end) - np.maximum(starts, self.begin)
        shares = np.clip(inside, 0, None) / np.maximum(ends - starts, 1e-9)
        return float((self.texts[done] * shares).sum() / (self.end - self.begin))

    def kept_percentile(self, percent: float) -> float:
        """Latency that so many of all measured calls keep; one without an answer keeps none.

        Calls that were cancelled on purpose do not count.
        """
        wanted = self.measured & (self.outcomes != Outcome.CANCELLED)
        seconds = np.where(self.outcomes == Outcome.OK, self.finished - self.intended, np.inf)
        return percentile(seconds[wanted], percent)

    def lag(self, percent: float = 99) -> float:
        """How much later than intended calls were sent: what the generator itself added."""
        return percentile((self.sent - self.intended)[self.measured], percent)

    def summary(self) -> dict[str, Any]:
        """The recording in numbers, times in milliseconds, for a JSON object."""
        seconds = self.latencies()
        points = (("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99_9", 99.9))
        times = {f"{name}_ms": _milliseconds(percentile(seconds, at)) for name, at in points}
        counts = {outcome.name.lower(): self.count(outcome) for outcome in Outcome}
        return {
            "texts_per_second": round(self.throughput(), 1),
            **times,
            **counts,
            "stages_ms": self._stage_medians(),
            "send_lag_p99_ms": _milliseconds(self.lag()),
            "generator_cores": [round(cores, 3) for cores in self.generator_cores],
            **({"failures": self.failures} if self.failures else {}),
        }

    def _stage_medians(self) -> dict[str, float]:
        told = self.stages[self.measured & ~np.isnan(self.stages[:, -1])]
        if not len(told):
            return {}
        medians = np.median(told, axis=0) * 1e3
        return {name: round(float(value), 3) for name, value in zip(STAGES, medians, strict=True)}


def percentile(values: Floats, percent: float) -> float:
    """The smallest value that at least so many percent do not exceed; NaN of none.

    Never between two values: one of them may be infinite.
    """
    if not len(values):
        return float("nan")
    return float(np.percentile(values, percent, method="inverted_cdf"))


def joined(parts: Sequence[Recording]) -> Recording:
    """The recordings of several processes that ran one load together."""
    failures: dict[str, int] = {}
    for part in parts:
        for detail, times in part.failures.items():
            failures[detail] = failures.get(detail, 0) + times
    return Recording(
        intended=np.concatenate([part.intended for part in parts]),
        sent=np.concatenate([part.sent for part in parts]),
        finished=np.concatenate([part.finished for part in parts]),
        outcomes=np.concatenate([part.outcomes for part in parts]),
        texts=np.concatenate([part.texts for part in parts]),
        stages=np.concatenate([part.stages for part in parts]),
        begin=parts[0].begin,
        end=parts[0].end,
        generator_cores=[cores for part in parts for cores in part.generator_cores],
        failures=failures,
    )


def stable(values: Sequence[float], within: float = 0.10, consecutive: int = 3) -> bool:
    """Whether the last so many values lie within a share of their mean."""
    last = values[-consecutive:]
    if len(last) < consecutive:
        return False
    return max(last) - min(last) <= within * sum(last) / len(last)


def _milliseconds(seconds: float) -> float | None:
    """None for what JSON has no number for."""
    return round(seconds * 1e3, 3) if np.isfinite(seconds) else None
