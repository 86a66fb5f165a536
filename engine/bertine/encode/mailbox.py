"""From the encoder's threads to an event loop, waking it once for all that is done by then."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

_T = TypeVar("_T")


class Mailbox:
    """Brings results of other threads to one event loop.

    `asyncio.wrap_future` wakes the loop for each future, a system call every time; the rows of a
    batch are done at once.

    Args:
        loop: that is woken.

    Attributes:
        loop: the same.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._settled: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._roused = False

    def promise(self, work: Future[_T]) -> asyncio.Future[_T]:
        """A future of the loop that comes to what ``work`` does; cancelling it leaves ``work``."""
        promise: asyncio.Future[_T] = self.loop.create_future()
        work.add_done_callback(partial(self._post, promise))
        return promise

    def _post(self, promise: asyncio.Future[_T], work: Future[_T]) -> None:
        self._settled.append((promise, work))
        if not self._roused:
            self._roused = True
            with suppress(RuntimeError):  # the loop is closed, so nobody waits
                self.loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        # First, so that whoever still sees it set has put his result where this finds it.
        self._roused = False
        while self._settled:
            promise, work = self._settled.popleft()
            if not promise.done():
                _settle(promise, work)


def _settle(promise: asyncio.Future[_T], work: Future[_T]) -> None:
    if work.cancelled():
        promise.cancel()
    elif error := work.exception():
        promise.set_exception(error)
    else:
        promise.set_result(work.result())
