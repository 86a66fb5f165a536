"""Measuring by turns."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pytest

from benchmarks.load.contract import Outcome
from benchmarks.load.effort import FULL
from benchmarks.load.recorder import Call, Recorder, Recording
from benchmarks.load.rounds import Rounds, by_turns

EFFORT = replace(FULL, rounds=3, most_rounds=6)


def answered(seconds: float) -> Recording:
    recorder = Recorder()
    recorder.add(Call(0.0, 0.0, seconds, Outcome.OK, 1, None))
    return recorder.recording(0.0, 1.0, 0.1)


def measured(latencies: list[float]) -> tuple[Rounds, list[str]]:
    """Rounds whose value is the latency, with the order of what was done."""
    order: list[str] = []
    turn = cycle(latencies)

    def base() -> float:
        order.append("base")
        return 2.0

    def measure() -> Recording:
        order.append("load")
        return answered(next(turn))

    def value(recording: Recording) -> float:
        return float(recording.latencies()[0])

    return by_turns(EFFORT, base, measure, value, lambda: order.append("round")), order


def test_stable_rounds_end_early_and_alternate() -> None:
    rounds, order = measured([0.5, 0.51, 0.49])
    assert order == ["base", "load", "round"] * 3
    assert rounds.ratio == pytest.approx(0.25)
    assert (rounds.base, rounds.value) == (2.0, 0.5)
    assert rounds.milliseconds(50) == pytest.approx(500)
    assert rounds.details()["stable"] is True


def test_noisy_rounds_go_on_to_a_cap() -> None:
    rounds, _ = measured([0.1, 0.9])
    assert len(rounds.values) == EFFORT.most_rounds
    assert rounds.details()["stable"] is False
