"""One process of the generator: sends a load and records what comes back."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from benchmarks.load.contract import (
    DEFAULT_TIMEOUT,
    Answer,
    Outcome,
    Target,
    TargetSpec,
    UnexpectedAnswerError,
)
from benchmarks.load.recorder import Call, Recorder, Recording
from benchmarks.load.schedule import ClosedLoop, OpenLoop
from benchmarks.load.targets import open_target
from bertine.types import Matrix


@dataclass(frozen=True, slots=True)
class Cancellations:
    """Calls that their caller gives up.

    Attributes:
        share: of the calls, 0 to 1.
        within: seconds after sending, at most; drawn uniformly.
        seed: of which calls, and when.
    """

    share: float
    within: float
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """What to send and when.

    Attributes:
        calls: texts of each call; begun again from the start when all were sent.
        pattern: when.
        warm_up: seconds at the start that do not count.
        timeout: seconds that each call may take.
        cancellations: calls that are given up, None for none.
    """

    calls: Sequence[Sequence[str]]
    pattern: ClosedLoop | OpenLoop
    warm_up: float = 0.0
    timeout: float = DEFAULT_TIMEOUT
    cancellations: Cancellations | None = None

    def split(self, parts: int) -> list[Load]:
        """The same load for so many processes, which begin at different calls."""
        share = len(self.calls) // parts
        return [
            replace(
                self,
                calls=[*self.calls[number * share :], *self.calls[: number * share]],
                pattern=_part(self.pattern, number, parts),
            )
            for number in range(parts)
        ]


class Worker:
    """Holds the connections and an event loop; every load uses the same ones.

    Args:
        spec: what to speak to.
    """

    def __init__(self, spec: TargetSpec) -> None:
        self._runner = asyncio.Runner()
        self._target: Target = self._runner.run(_opened(spec))
        self._sender: _Sender | None = None

    def prepare(self, load: Load) -> None:
        """Pack a load's requests, so that nothing but sending is left."""
        self._sender = _Sender(self._target, load)
        # What is there already is not searched for garbage while the clock runs.
        gc.collect()
        gc.freeze()

    def run(self, start: float) -> Recording:
        """Send the load that was prepared.

        Args:
            start: reading of `time.perf_counter` at which it begins.

        Raises:
            RuntimeError: none was.
        """
        if self._sender is None:
            raise RuntimeError("prepare a load before it is run")
        sender, self._sender = self._sender, None
        return self._runner.run(sender.run(start))

    def vectors(self, calls: Sequence[Sequence[str]]) -> list[Matrix]:
        """The vectors of each call, one call after the other.

        Raises:
            UnexpectedAnswerError: a call failed, or its answer has no vectors.
        """
        return self._runner.run(_vectors(self._target, calls))

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._target.close())
        self._runner.close()


class _Sender:
    """One run of a load."""

    def __init__(self, target: Target, load: Load) -> None:
        self._target = target
        self._load = load
        self._end = 0.0
        packed = [(target.pack(texts), len(texts)) for texts in load.calls]
        self._requests = cycle(packed)
        self._recorder = Recorder()
        self._give_up = _give_up_times(load.cancellations)

    async def run(self, start: float) -> Recording:
        self._end = start + self._load.pattern.seconds
        await asyncio.sleep(start - time.perf_counter())
        began, cpu = time.perf_counter(), time.process_time()
        if isinstance(self._load.pattern, ClosedLoop):
            await self._closed(self._load.pattern.clients)
        else:
            await self._open((start + self._load.pattern.arrivals).tolist())
        cores = (time.process_time() - cpu) / (time.perf_counter() - began)
        return self._recorder.recording(start + self._load.warm_up, self._end, cores)

    async def _closed(self, clients: int) -> None:
        await asyncio.gather(*[self._client() for _ in range(clients)])

    async def _client(self) -> None:
        while (now := time.perf_counter()) < self._end:
            await self._call(now)

    async def _open(self, times: Sequence[float]) -> None:
        under_way: set[asyncio.Task[None]] = set()
        for intended in times:
            # Also when it is late: calls that are under way must get on.
            await asyncio.sleep(max(0.0, intended - time.perf_counter()))
            task = asyncio.create_task(self._call(intended))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)

    async def _call(self, intended: float) -> None:
        request, texts = next(self._requests)
        sent = time.perf_counter()
        answer = await self._answer(self._target.post(request, self._load.timeout))
        finished = time.perf_counter()
        stages = self._target.stages(answer.payload) if answer.payload else None
        call = Call(intended, sent, finished, answer.outcome, texts, stages)
        self._recorder.add(call, answer.detail)

    async def _answer(self, post: Coroutine[Any, Any, Answer]) -> Answer:
        seconds = self._give_up()
        if seconds is None:
            return await post
        task = asyncio.create_task(post)
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait([task])
        return Answer(Outcome.CANCELLED) if task.cancelled() else task.result()


def _give_up_times(cancellations: Cancellations | None) -> Callable[[], float | None]:
    """Says for each call after how many seconds it is given up; None is never."""
    if cancellations is None:
        return lambda: None
    generator = random.Random(cancellations.seed)  # noqa: S311 - the same calls every time
    share, within = cancellations.share, cancellations.within
    return lambda: generator.uniform(0, within) if generator.random() < share else None


def _part(pattern: ClosedLoop | OpenLoop, number: int, parts: int) -> ClosedLoop | OpenLoop:
    if isinstance(pattern, OpenLoop):
        return OpenLoop(pattern.arrivals[number::parts])
    return replace(pattern, clients=len(range(number, pattern.clients, parts)))


async def _opened(spec: TargetSpec) -> Target:
    return open_target(spec)


async def _vectors(target: Target, calls: Sequence[Sequence[str]]) -> list[Matrix]:
    answers = []
    for texts in calls:
        answer = await target.send(texts)
        if answer.outcome is not Outcome.OK:
            raise UnexpectedAnswerError(f"{answer.outcome.name}: {answer.detail}")
        answers.append(target.vectors(answer.payload))
    return answers
