"""How long a benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done for each figure.

    Attributes:
        rounds: windows of each figure, at least.
        most_rounds: windows, at most, where the last three do not agree within 10 %.
        window: seconds of a closed loop, warm-up included.
        warm_up: seconds at the start of every load that do not count.
        queries: short texts that are sent by turns.
        glosses: longer texts that are sent by turns.
        knee_calls: calls that decide about a rate.
        trace_calls: calls of a trace that are replayed.
        mixed_seconds: of one window of interactive calls.
        quality_texts: whose vectors are held against fp32.
    """

    rounds: int
    most_rounds: int
    window: float
    warm_up: float
    queries: int
    glosses: int
    knee_calls: int
    trace_calls: int
    mixed_seconds: float
    quality_texts: int = 500


FULL = Effort(
    rounds=5,
    most_rounds=9,
    window=4.0,
    warm_up=0.5,
    queries=4_096,
    glosses=2_048,
    knee_calls=3_000,
    trace_calls=8_000,
    mixed_seconds=12.0,
)
QUICK = Effort(
    rounds=3,
    most_rounds=3,
    window=1.5,
    warm_up=0.3,
    queries=1_024,
    glosses=512,
    knee_calls=600,
    trace_calls=1_000,
    mixed_seconds=5.0,
)
