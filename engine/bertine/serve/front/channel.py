"""A front's calls to the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import count

from google.rpc import status_pb2

from bertine.errors import Overloaded, Unavailable
from bertine.serve.front.frames import Frame, Kind, pack_json
from bertine.serve.front.link import Link
from bertine.serve.status import Relayed

MAX_IN_FLIGHT = 4_096
"""Calls of one front that the engine has not answered; beyond them they are refused."""

_LAST_WORDS_SECONDS = 2.0  # for telling callers that the engine is gone


class Channel:
    """Asks the engine and waits for its answers.

    Args:
        on_order: called with what the engine sends of its own accord; and with a last `Kind.STOP`
            when it is gone.

    Attributes:
        link: to the engine.
    """

    def __init__(self, on_order: Callable[[Frame], None]) -> None:
        self._lost = False
        self.link = Link(self._on_frame, self._on_lost)
        self._on_order = on_order
        self._numbers = count(1)
        self._pending: dict[int, asyncio.Future[bytes]] = {}

    async def ask(self, kind: Kind, body: bytes) -> bytes:
        """Send a call; if the caller is cancelled, so is the engine's work.

        Returns:
            The answer's body.

        Raises:
            Relayed: the engine's error.
            Overloaded: too many calls are under way.
            Unavailable: the engine is gone.
        """
        if len(self._pending) >= MAX_IN_FLIGHT:
            raise Overloaded(f"{MAX_IN_FLIGHT} calls are under way in this front process")
        await self.link.room()
        if self._lost:
            raise _gone()
        number = next(self._numbers)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(partial(self._done, number))
        self._pending[number] = answer
        self.link.send(Frame(kind, number, body))
        try:
            return await answer
        finally:
            del answer  # it holds its error, and that this frame

    def _done(self, number: int, answer: asyncio.Future[bytes]) -> None:
        del self._pending[number]
        if answer.cancelled():
            self.link.send(Frame(Kind.CANCEL, number))

    def _on_frame(self, frame: Frame) -> None:
        if not frame.call:
            self._on_order(frame)
            return
        answer = self._pending.get(frame.call)
        if answer is None or answer.done():  # cancelled while the answer was on its way
            return
        if frame.kind == Kind.ERROR:
            answer.set_exception(Relayed(status_pb2.Status.FromString(frame.body)))
        else:
            answer.set_result(frame.body)

    def _on_lost(self) -> None:
        self._lost = True
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(_gone())
        self._on_order(Frame(Kind.STOP, body=pack_json({"seconds": _LAST_WORDS_SECONDS})))


def _gone() -> Unavailable:
    return Unavailable("the engine's process has ended; call another server, or this one later")
