"""What is counted, and from when."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.contract import STAGES, Outcome
from benchmarks.load.recorder import (
    Call,
    Recorder,
    Recording,
    joined,
    percentile,
    stable,
)


def recorded(*calls: Call, begin: float = 0.0, end: float = 10.0) -> Recording:
    recorder = Recorder()
    for call in calls:
        recorder.add(call, "broken" if call.outcome is Outcome.FAILED else "")
    return recorder.recording(begin, end, 0.25)


def call(
    intended: float, finished: float, outcome: Outcome = Outcome.OK, sent: float | None = None
) -> Call:
    return Call(intended, intended if sent is None else sent, finished, outcome, 2, None)


def test_latency_counts_from_the_intended_time() -> None:
    """A server that stalls for a second makes the calls late that could not be sent meanwhile."""
    stalled = [call(number / 10, 1.01, sent=1.0) for number in range(10)]
    recording = recorded(*stalled)
    np.testing.assert_allclose(recording.latencies(), 1.01 - np.arange(10) / 10)
    assert recording.lag() == pytest.approx(1.0)
    assert recording.kept_percentile(50) == pytest.approx(0.51)


def test_what_is_not_answered_keeps_no_latency() -> None:
    answered = [call(number, number + 0.01) for number in range(98)]
    late = [call(5, 6, outcome) for outcome in (Outcome.LATE, Outcome.REJECTED)]
    recording = recorded(*answered, *late)
    assert recording.kept_percentile(98) == pytest.approx(0.01)
    assert recording.kept_percentile(99) == math.inf
    given_up = recorded(*answered, call(5, 5.1, Outcome.CANCELLED))
    assert given_up.kept_percentile(100) == pytest.approx(0.01)


def test_the_warm_up_does_not_count() -> None:
    recording = recorded(call(0.5, 9.0), call(1.5, 1.6), call(9.5, 10.5), begin=1.0)
    assert recording.count(Outcome.OK) == 2
    assert recording.latencies().tolist() == pytest.approx([0.1, 1.0])


def test_a_call_counts_by_the_part_that_is_inside() -> None:
    """Two texts a call."""
    inside, at_begin, at_end = call(4, 5), call(0, 4), call(9, 11)
    recording = recorded(inside, at_begin, at_end, call(1, 12, Outcome.LATE), begin=1.0)
    assert recording.throughput() == pytest.approx((2 + 2 * 3 / 4 + 2 / 2) / 9)


def test_outcomes_are_counted_apart() -> None:
    recording = recorded(*[call(1, 2, outcome) for outcome in Outcome])
    summary = recording.summary()
    assert {name: summary[name] for name in ("ok", "rejected", "late", "cancelled")} == {
        "ok": 1,
        "rejected": 1,
        "late": 1,
        "cancelled": 1,
    }
    assert summary["failures"] == {"broken": 1}
    assert summary["generator_cores"] == [0.25]


def test_an_empty_recording_is_still_json() -> None:
    summary = json.loads(json.dumps(recorded().summary(), allow_nan=False))
    assert summary["p99_ms"] is None
    assert summary["texts_per_second"] == 0
    assert summary["stages_ms"] == {}


def test_stages_are_medians_of_the_calls_that_tell() -> None:
    told = [Call(1, 1, 2, Outcome.OK, 1, (0.001 * number,) * len(STAGES)) for number in (1, 2, 9)]
    summary = recorded(*told, call(1, 2)).summary()
    assert summary["stages_ms"] == dict.fromkeys(STAGES, 2.0)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=40))
def test_joining_loses_nothing(times: list[tuple[float, float]]) -> None:
    calls = [call(start, start + took) for start, took in times]
    whole = recorded(*calls)
    parts = joined([recorded(*calls[0::2]), recorded(*calls[1::2])])
    assert parts.throughput() == pytest.approx(whole.throughput())
    assert parts.kept_percentile(99) == whole.kept_percentile(99)
    assert parts.generator_cores == [0.25, 0.25]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([50.0, 90.0, 99.0, 99.9]))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(
    values: list[float], percent: float
) -> None:
    found = percentile(np.array(values), percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-9


def test_three_that_agree_are_stable() -> None:
    assert stable([5, 1.0, 1.05, 0.98])
    assert not stable([1.0, 1.0])
    assert not stable([1.0, 1.0, 1.2])
