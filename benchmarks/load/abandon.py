"""A thousand calls that are given up while they wait: the server must not do their work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load.contract import TargetSpec
from benchmarks.load.prometheus import Snapshot
from benchmarks.load.remote import Remote
from benchmarks.load.targets import open_target

_POLL_SECONDS = 0.05
_TIMEOUT = 120.0
_STILL_LOOKS = 10
_IN_FLIGHT, _WAITING = "bertine_calls_in_flight", "bertine_waiting_tokens"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """What came of it.

    Attributes:
        calls: that were under way when they were given up.
        waiting_tokens: in the queue at that moment.
        seconds: from then until nothing waited and no call was under way.
        batches: that ran in that time.
        batches_after: that ended in the half second after it: one, if it ran just then, or none.
    """

    calls: int
    waiting_tokens: int
    seconds: float
    batches: int
    batches_after: int


class Crowd:
    """Sends many calls at once and gives all of them up. Meant for a `Remote`.

    Args:
        spec: what to speak to.
    """

    def __init__(self, spec: TargetSpec) -> None:
        self._spec = spec
        self._runner = asyncio.Runner()
        self._target: Any = None
        self._tasks: list[asyncio.Task[Any]] = []

    def send(self, calls: Sequence[Sequence[str]]) -> None:
        """Send all calls; return when they are on their way."""
        self._runner.run(self._send(calls))

    def pump(self, seconds: float) -> None:
        """Let the calls get on for a while."""
        self._runner.run(asyncio.sleep(seconds))

    def give_up(self) -> int:
        """Cancel what is not answered; returns how many that was."""
        return self._runner.run(self._give_up())

    def close(self) -> None:
        """Close the connection."""
        if self._target is not None:
            self._runner.run(self._target.close())
        self._runner.close()

    async def _send(self, calls: Sequence[Sequence[str]]) -> None:
        self._target = self._target or open_target(self._spec)
        self._tasks = [asyncio.create_task(self._target.send(call, _TIMEOUT)) for call in calls]
        await asyncio.sleep(0)

    async def _give_up(self) -> int:
        under_way = [task for task in self._tasks if not task.done()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return len(under_way)


def give_up_all(
    crowd: Remote, calls: Sequence[Sequence[str]], enough: int, look: Callable[[], Snapshot]
) -> Abandoned:
    """Send calls, give all up once the server has enough of them, and see what it still does.

    Args:
        crowd: of a `Crowd`.
        calls: texts of each; together seconds of work.
        enough: calls that must be under way in the server.
        look: the server's metrics now.

    Raises:
        TimeoutError: the server did not get or did not drop them in two minutes.
    """
    start = time.perf_counter()
    crowd.call("send", calls)

    def pumped() -> Snapshot:
        crowd.call("pump", _POLL_SECONDS)
        return look()

    before = _until(lambda seen: seen.total(_IN_FLIGHT) >= enough, pumped, start)
    given_up = crowd.call("give_up")
    gone = time.perf_counter()
    idle = _until(_nothing_left, look, gone)
    seconds = time.perf_counter() - gone
    for _ in range(_STILL_LOOKS):
        after = pumped()
    return Abandoned(
        calls=given_up,
        waiting_tokens=round(before.total(_WAITING)),
        seconds=seconds,
        batches=_batches(idle.since(before)),
        batches_after=_batches(after.since(idle)),
    )


def _nothing_left(seen: Snapshot) -> bool:
    return not seen.total(_WAITING) and not seen.total(_IN_FLIGHT)


def _batches(grown: Snapshot) -> int:
    return round(grown.total("bertine_batch_rows_count"))


def _until(
    wanted: Callable[[Snapshot], bool], look: Callable[[], Snapshot], start: float
) -> Snapshot:
    while time.perf_counter() - start < _TIMEOUT:
        seen = look()
        if wanted(seen):
            return seen
    raise TimeoutError(f"after {_TIMEOUT:g} s the metrics still say otherwise")
