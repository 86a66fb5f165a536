"""Starts the generator's processes and joins what they record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Self

import numpy as np

from benchmarks.load.contract import TargetSpec
from benchmarks.load.recorder import Recording, joined
from benchmarks.load.remote import Remote
from benchmarks.load.worker import Load, Worker
from bertine.types import Matrix

BUSY_CORES = 0.8
"""A process of the generator that uses more than this is near what one interpreter can do."""

LATE_SECONDS = 0.010
"""Calls that are sent later than that are as late as a server's latency."""

_HEAD_START = 0.02


class Generator:
    """Sends loads from processes of its own.

    Args:
        spec: what to speak to.
        processes: that share each load.
    """

    def __init__(self, spec: TargetSpec, processes: int = 1) -> None:
        self._stack = ExitStack()
        self._workers = [
            self._stack.enter_context(Remote(partial(Worker, spec))) for _ in range(processes)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, load: Load) -> None:
        """Begin to send when every process is ready, and do not wait for the end."""
        for worker, part in zip(self._workers, load.split(len(self._workers)), strict=True):
            worker.start("prepare", part)
        for worker in self._workers:
            worker.result()
        begin = time.perf_counter() + _HEAD_START
        for worker in self._workers:
            worker.start("run", begin)

    def ready(self, timeout: float) -> bool:
        """Wait at most so many seconds; whether the load that was started is over."""
        return all(worker.ready(timeout) for worker in self._workers)

    def result(self) -> Recording:
        """What came of the load that was started.

        Raises:
            RemoteError: a process failed.
        """
        return joined([worker.result() for worker in self._workers])

    def run(self, load: Load) -> Recording:
        """`start` and `result`."""
        self.start(load)
        return self.result()

    def vectors(self, calls: Sequence[Sequence[str]]) -> Matrix:
        """The vectors of all texts, float32 ``[texts, d]``.

        Raises:
            RemoteError: a call failed, or the protocol brings no vectors.
        """
        parts: Any = self._workers[0].call("vectors", calls)
        return np.concatenate(parts)


def warnings(recordings: dict[str, Recording]) -> list[str]:
    """Which figures may be the generator's and not the server's, in words."""
    found = []
    for name, recording in recordings.items():
        cores = max(recording.generator_cores)
        if cores > BUSY_CORES:
            found.append(
                f"{name}: a process of the generator used {cores:.2f} of one core and may have "
                "been the bottleneck; use more with --processes"
            )
        if len(recording.sent) and recording.lag() > LATE_SECONDS:
            found.append(
                f"{name}: 1 % of the calls were sent {recording.lag() * 1e3:.0f} ms late or more; "
                "the generator got too little of the processor"
            )
    return found
