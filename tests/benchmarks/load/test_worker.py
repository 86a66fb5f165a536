"""Sending, against a target that is not there: the generator's own behaviour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from benchmarks.load import schedule
from benchmarks.load import worker as module
from benchmarks.load.contract import Answer, Outcome, Target, TargetSpec
from benchmarks.load.recorder import Recording
from benchmarks.load.schedule import ClosedLoop, OpenLoop
from benchmarks.load.worker import Cancellations, Load, Worker
from bertine.types import Matrix

SPEC = TargetSpec("bertine", "nowhere:0")


class Instant(Target):
    """Answers at once, or never to the text ``never``."""

    def __init__(self, _spec: TargetSpec) -> None:
        self.seen: list[bytes] = []
        self.at_once = self.most_at_once = 0

    def pack(self, texts: Sequence[str]) -> bytes:
        return ",".join(texts).encode()

    async def post(self, request: bytes, timeout: float) -> Answer:  # noqa: ASYNC109 - see Target
        self.seen.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if request == b"never":
                await asyncio.wait_for(asyncio.Event().wait(), timeout)
        except TimeoutError:
            return Answer(Outcome.LATE)
        finally:
            self.at_once -= 1
        return Answer(Outcome.OK)

    def vectors(self, payload: bytes) -> Matrix:
        return np.full((1, 2), len(payload), np.float32)

    async def close(self) -> None:
        self.seen.clear()


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> list[Instant]:
    """All targets that are opened from here on."""
    made: list[Instant] = []

    def make(spec: TargetSpec) -> Target:
        made.append(Instant(spec))
        return made[-1]

    monkeypatch.setattr(module, "open_target", make)
    return made


@pytest.fixture
def run(targets: list[Instant]) -> Iterator[Callable[[Load], Recording]]:
    """Runs a load at once."""
    assert not targets
    worker = Worker(SPEC)

    def at_once(load: Load) -> Recording:
        worker.prepare(load)
        return worker.run(time.perf_counter())

    yield at_once
    worker.close()


def test_an_open_loop_sends_every_call_once(
    run: Callable[[Load], Recording], targets: list[Instant]
) -> None:
    calls = [["a"], ["b", "c"], ["d"]]
    arrivals = schedule.uniform(1_000, 0.03)
    recording = run(Load(calls, OpenLoop(arrivals)))
    assert targets[0].seen == [b"a", b"b,c", b"d"] * 10
    assert recording.texts.sum() == 40
    np.testing.assert_allclose(np.diff(recording.intended), np.diff(arrivals), atol=1e-9)
    assert np.all(recording.sent >= recording.intended)
    assert np.all(recording.finished >= recording.sent)


def test_a_late_generator_still_counts_from_the_intended_time(targets: list[Instant]) -> None:
    worker = Worker(SPEC)
    started_late = time.perf_counter() - 5.0
    worker.prepare(Load([["a"]], OpenLoop(schedule.uniform(100, 0.5))))
    recording = worker.run(started_late)
    with pytest.raises(RuntimeError, match="prepare a load"):
        worker.run(started_late)
    worker.close()
    assert len(targets) == 1
    assert recording.latencies().min() > 4.0


def test_a_closed_loop_keeps_its_clients_busy(
    run: Callable[[Load], Recording], targets: list[Instant]
) -> None:
    recording = run(Load([["a"]], ClosedLoop(7, 0.05), warm_up=0.01))
    assert targets[0].most_at_once == 7
    assert recording.count(Outcome.OK) > 7
    assert recording.throughput() > 0
    assert recording.lag() < 0.01


def test_a_call_that_is_given_up_is_no_failure(run: Callable[[Load], Recording]) -> None:
    given_up = Cancellations(share=1.0, within=0.01)
    load = Load([["never"]], OpenLoop(schedule.uniform(1_000, 0.02)), cancellations=given_up)
    assert run(load).count(Outcome.CANCELLED) == 20


def test_a_share_of_the_calls_is_given_up(run: Callable[[Load], Recording]) -> None:
    given_up = Cancellations(share=0.5, within=0.001, seed=1)
    arrivals = OpenLoop(schedule.uniform(4_000, 0.05))
    recording = run(Load([["never"]], arrivals, timeout=0.1, cancellations=given_up))
    assert 70 < recording.count(Outcome.CANCELLED) < 130
    assert recording.count(Outcome.CANCELLED) + recording.count(Outcome.LATE) == 200


def test_a_load_is_split_without_loss() -> None:
    calls = [[str(number)] for number in range(10)]
    arrivals = schedule.poisson(100, 1, seed=0)
    parts = Load(calls, OpenLoop(arrivals)).split(3)
    times = np.sort(np.concatenate([part.pattern.arrivals for part in parts]))  # type: ignore[union-attr]
    np.testing.assert_array_equal(times, arrivals)
    assert [part.calls[0] for part in parts] == [["0"], ["3"], ["6"]]
    assert all(sorted(map(list, part.calls)) == calls for part in parts)
    clients = [part.pattern.clients for part in Load(calls, ClosedLoop(8, 1)).split(3)]  # type: ignore[union-attr]
    assert clients == [3, 3, 2]
