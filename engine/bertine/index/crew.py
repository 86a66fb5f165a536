"""Threads that take parts of one large batch of queries.

One batch at a time gets them. Searches that come meanwhile do their work alone: they already keep
the other cores busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar

from bertine.kernels.blas import use_one_thread

_T = TypeVar("_T")


class Crew:
    """A few helpers of whoever calls.

    Where there are any, numpy's matrix products are told to use one thread each.

    Args:
        helpers: threads beside the caller's; 0 is none.
    """

    def __init__(self, helpers: int) -> None:
        self.helpers = max(0, helpers)
        self._free = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        if self.helpers:
            use_one_thread()
            self._pool = ThreadPoolExecutor(self.helpers, thread_name_prefix="bertine-search")

    def close(self) -> None:
        """End the helpers after what they are at."""
        if self._pool is not None:
            self._pool.shutdown()

    def map(self, work: Callable[[int], _T], parts: int) -> list[_T]:
        """Do every part of some work.

        Args:
            work: given the number of a part; must release the interpreter's lock for the helpers to
                gain anything.
            parts: how many there are.

        Returns:
            The result of each part, in order.
        """
        if parts < 2 or self._pool is None or not self._free.acquire(blocking=False):  # noqa: PLR2004
            return [work(part) for part in range(parts)]
        try:
            return _together(work, parts, self._pool, self.helpers)
        finally:
            self._free.release()


ALONE = Crew(0)
"""No helpers."""


def _together(
    work: Callable[[int], _T], parts: int, pool: ThreadPoolExecutor, helpers: int
) -> list[_T]:
    # Whoever is done takes the next part: next() is atomic.
    numbers, done = count(), dict[int, _T]()

    def take() -> None:
        while (part := next(numbers)) < parts:
            done[part] = work(part)

    futures = [pool.submit(take) for _ in range(min(helpers, parts - 1))]
    try:
        take()
    finally:
        for future in futures:
            future.cancel()
    for future in futures:
        if not future.cancelled():
            future.result()
    return [done[part] for part in range(parts)]
