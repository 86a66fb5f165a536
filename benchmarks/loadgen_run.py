"""What LoadGen drives: its callbacks on one side, coroutines that embed on the other."""

from __future__ import annotations

import array
import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Self, TypeAlias

import mlperf_loadgen
import numpy as np

from bertine.types import Matrix

Embed: TypeAlias = Callable[[Sequence[str]], Awaitable[Matrix]]
Opened: TypeAlias = Callable[[], AbstractAsyncContextManager[Embed]]

PER_CALL = 256
"""Texts of one call in Offline, where LoadGen hands over everything at once."""

# Offline's one query is sized by what is expected; one that ends too early does not count.
_OFFLINE_MARGIN = 1.3


class Scenario(Enum):
    """Of MLPerf Inference, by the name in this project's reports."""

    SINGLE_STREAM = "single_stream"
    SERVER = "server"
    OFFLINE = "offline"

    @property
    def loadgen(self) -> Any:
        """LoadGen's own constant."""
        name = "".join(part.title() for part in self.value.split("_"))
        return getattr(mlperf_loadgen.TestScenario, name)


# Below about 660 queries LoadGen cannot be sure of a 99th percentile, and calls the run invalid.
_LEAST_QUERIES = {Scenario.SINGLE_STREAM: 100, Scenario.SERVER: 1_000, Scenario.OFFLINE: 1}


class SystemUnderTest:
    """Embeds LoadGen's samples on an event loop of its own.

    Args:
        make: gives what embeds; entered and left on the loop.
        queries: the samples.
    """

    def __init__(self, make: Opened, queries: Sequence[str]) -> None:
        self.queries = list(queries)
        self._opened = make()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loadgen-loop")
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._embed: Embed = self._wait(self._opened.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._opened.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def embed(self, inputs: Sequence[str]) -> Matrix:
        """float32 ``[texts, d]``, one text a call."""
        return np.concatenate([self._wait(self._embed([text])) for text in inputs])

    def estimate(self) -> float:
        """Texts a second, all samples handed over at once: LoadGen wants to know beforehand."""
        parts = [
            self.queries[start : start + PER_CALL]
            for start in range(0, len(self.queries), PER_CALL)
        ]
        started = time.perf_counter()
        self._wait(self._all(parts))
        return len(self.queries) / (time.perf_counter() - started)

    def issue(self, samples: Sequence[Any]) -> None:
        """LoadGen's callback: begin, do not wait."""
        entries = [(sample.id, self.queries[sample.index]) for sample in samples]
        self._loop.call_soon_threadsafe(self._begin, entries)

    async def _all(self, parts: Sequence[Sequence[str]]) -> None:
        await asyncio.gather(*[self._embed(part) for part in parts])

    def _wait(self, work: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self._loop).result()

    def _begin(self, entries: list[tuple[int, str]]) -> None:
        for start in range(0, len(entries), PER_CALL):
            task = self._loop.create_task(self._serve(entries[start : start + PER_CALL]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, entries: list[tuple[int, str]]) -> None:
        vectors = await self._embed([text for _, text in entries])
        held = [array.array("B", vector.tobytes()) for vector in vectors]
        responses = [
            mlperf_loadgen.QuerySampleResponse(number, *buffer.buffer_info())
            for (number, _), buffer in zip(entries, held, strict=True)
        ]
        mlperf_loadgen.QuerySamplesComplete(responses)


@dataclass(frozen=True, slots=True)
class LoadGen:
    """One run of one scenario.

    Attributes:
        scenario: which.
        seconds: at least.
        rate: queries a second in Server.
        offline_rate: what Offline is expected to reach.
        latency_ms: that 99 % of Server's queries must keep.
    """

    scenario: Scenario
    seconds: float
    rate: float
    offline_rate: float
    latency_ms: float

    def run(self, system: SystemUnderTest, folder: Path) -> None:
        """Let LoadGen drive the system; it writes its logs into the folder."""
        count = len(system.queries)
        sut = mlperf_loadgen.ConstructSUT(system.issue, lambda: None)
        qsl = mlperf_loadgen.ConstructQSL(count, count, lambda _: None, lambda _: None)
        try:
            mlperf_loadgen.StartTestWithLogSettings(
                sut, qsl, self._settings(), _log_settings(folder)
            )
        finally:
            mlperf_loadgen.DestroyQSL(qsl)
            mlperf_loadgen.DestroySUT(sut)

    def _settings(self) -> Any:
        settings = mlperf_loadgen.TestSettings()
        settings.scenario = self.scenario.loadgen
        settings.mode = mlperf_loadgen.TestMode.PerformanceOnly
        settings.min_duration_ms = round(self.seconds * 1e3)
        settings.min_query_count = _LEAST_QUERIES[self.scenario]
        settings.server_target_qps = self.rate
        settings.server_target_latency_ns = round(self.latency_ms * 1e6)
        settings.server_target_latency_percentile = 0.99
        settings.offline_expected_qps = self.offline_rate * _OFFLINE_MARGIN
        return settings


def _log_settings(folder: Path) -> Any:
    output = mlperf_loadgen.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    settings = mlperf_loadgen.LogSettings()
    settings.log_output = output
    settings.enable_trace = False
    return settings
