"""A front's calls to the engine, over a real socket, with the test as the engine."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from bertine.errors import NotFound, Overloaded, Unavailable
from bertine.serve.front import channel as channels
from bertine.serve.front.channel import Channel
from bertine.serve.front.frames import Frame, Kind
from bertine.serve.front.link import Link
from bertine.serve.status import Relayed, code_of, details_of


class Ends:
    """A channel and the other end of its socket."""

    def __init__(self) -> None:
        self.orders: asyncio.Queue[Frame] = asyncio.Queue()
        self.received: asyncio.Queue[Frame] = asyncio.Queue()
        self.channel = Channel(self.orders.put_nowait)
        self.engine = Link(self.received.put_nowait, lambda: None)

    async def open(self) -> None:
        ours, theirs = socket.socketpair()
        await self.channel.link.open(ours)
        await self.engine.open(theirs)

    def ask(self, body: bytes = b"") -> asyncio.Task[bytes]:
        return asyncio.create_task(self.channel.ask(Kind.CALL, body))


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    made = Ends()
    await made.open()
    yield made
    made.engine.close()
    made.channel.link.close()
    await asyncio.sleep(0)


async def test_answers_find_their_calls_in_any_order(ends: Ends) -> None:
    asked = [ends.ask(body) for body in (b"a", b"b")]
    for frame in reversed([await ends.received.get() for _ in asked]):
        ends.engine.send(Frame(Kind.ANSWER, frame.call, frame.body * 2))
    assert await asyncio.gather(*asked) == [b"aa", b"bb"]


async def test_an_error_of_the_engine_is_told_as_it_is(ends: Ends) -> None:
    error = NotFound("collection", "books")
    asked = ends.ask()
    frame = await ends.received.get()
    ends.engine.send(Frame(Kind.ERROR, frame.call, details_of(error).SerializeToString()))
    with pytest.raises(Relayed) as raised:
        await asked
    assert code_of(raised.value) is code_of(error)
    assert details_of(raised.value) == details_of(error)


async def test_a_caller_that_goes_away_cancels_the_work(ends: Ends) -> None:
    asked = ends.ask()
    call = (await ends.received.get()).call
    asked.cancel()
    assert await ends.received.get() == Frame(Kind.CANCEL, call)
    ends.engine.send(Frame(Kind.ANSWER, call))  # was on its way
    ends.engine.send(Frame(Kind.SERVING))
    assert (await ends.orders.get()).kind == Kind.SERVING


async def test_callers_are_told_when_the_engine_is_gone(ends: Ends) -> None:
    asked = ends.ask()
    await ends.received.get()
    ends.engine.close()
    with pytest.raises(Unavailable, match="has ended"):
        await asked
    assert (await ends.orders.get()).kind == Kind.STOP
    with pytest.raises(Unavailable, match="has ended"):
        await ends.ask()


async def test_calls_beyond_the_bound_are_refused(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "MAX_IN_FLIGHT", 1)
    asked = ends.ask()
    call = (await ends.received.get()).call
    with pytest.raises(Overloaded):
        await ends.ask()
    ends.engine.send(Frame(Kind.ANSWER, call, b"done"))
    assert await asked == b"done"


async def test_a_sender_waits_while_the_other_end_does_not_read(ends: Ends) -> None:
    transport = ends.engine._transport
    assert transport is not None
    transport.pause_reading()
    asked = ends.ask(bytes(10_000_000))
    for _ in range(3):  # turns of the loop: asked, sent, found to be too much
        await asyncio.sleep(0)
    assert not ends.channel.link._room.is_set()
    later = ends.ask(b"later")
    transport.resume_reading()
    sizes = []
    for _ in range(2):
        frame = await ends.received.get()
        sizes.append(len(frame.body))
        ends.engine.send(Frame(Kind.ANSWER, frame.call))
    assert sizes == [10_000_000, 5]
    await asyncio.gather(asked, later)
