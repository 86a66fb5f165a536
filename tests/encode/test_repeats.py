"""Caching and coalescing, seen by the callers of an encoder."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from bertine.encode.batching import BatchLimits
from bertine.encode.encoder import Encoder
from bertine.encode.fake import FakeSession
from bertine.errors import DeadlineExceeded, EncodeError, InvalidInput, Overloaded

OpenEncoder = Callable[..., Encoder]
WAIT = 20.0


def gated(**settings: Any) -> FakeSession:
    return FakeSession(gate=threading.Event(), **settings)


def open_gate(session: FakeSession) -> None:
    assert session.gate is not None
    session.gate.set()


async def begun(*calls: Awaitable[Any]) -> list[asyncio.Future[Any]]:
    """Tasks that have taken their first step, which submits a short request."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    return tasks


async def busy(encoder: Encoder, session: FakeSession) -> asyncio.Future[Any]:
    """A call whose batch is in the session, stopped at the gate."""
    (task,) = await begun(encoder.embed(["c c c c"]))
    assert await asyncio.to_thread(session.started.wait, WAIT)
    return task


async def test_a_text_that_comes_again_is_not_encoded_again(open_encoder: OpenEncoder) -> None:
    session = FakeSession()
    encoder = open_encoder(session, cache_bytes=1 << 20)
    first = await encoder.embed(["a b"])
    again = await encoder.embed(["a b"])
    assert session.shapes == [(1, 4)]
    assert (again.vectors == first.vectors).all()
    assert again.token_counts.tolist() == [4]
    assert again.encode_seconds == 0
    use = encoder.statistics().cache
    assert (use.hits, use.misses, use.entries) == (1, 1, 1)


async def test_vectors_from_the_cache_are_the_caller_s_own(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(cache_bytes=1 << 20)
    first = await encoder.embed(["a b"])
    expected = first.vectors.copy()
    first.vectors[:] = 0
    for _ in range(2):
        again = await encoder.embed(["a b"])
        assert (again.vectors == expected).all()
        again.vectors[:] = 0


async def test_known_and_new_texts_are_put_together_in_order(open_encoder: OpenEncoder) -> None:
    session = FakeSession()
    encoder = open_encoder(session, cache_bytes=1 << 20, coalesce=True)
    plain = await open_encoder().embed(["a", "b " * 40, "a b", "c", "a", "c"])
    await encoder.embed(["a b", "b " * 40])
    session.shapes.clear()
    mixed = await encoder.embed(["a", "b " * 40, "a b", "c", "a", "c"])
    assert session.shapes == [(2, 3)]
    assert (mixed.vectors == plain.vectors).all()
    assert mixed.token_counts.tolist() == plain.token_counts.tolist()
    assert mixed.token_counts.dtype == np.int32
    assert mixed.truncated == plain.truncated == (1,)
    assert encoder.statistics().coalesced == 2


async def test_prompts_truncation_and_ids_are_told_apart(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(cache_bytes=1 << 20, coalesce=True)
    plain = await encoder.embed(["a"])
    query = await encoder.embed(["a"], input_type="query")
    assert not (plain.vectors == query.vectors).all()
    await encoder.embed(["b " * 40])
    with pytest.raises(InvalidInput, match=r"^texts\[1\]: has 42 tokens"):
        await encoder.embed(["a", "b " * 40], truncate=False)
    ids = await encoder.embed(token_ids=[[2, 7, 3]])
    assert (ids.vectors == plain.vectors).all()
    hits = encoder.statistics().cache.hits
    assert (await encoder.embed(token_ids=[[2, 7, 3]])).token_counts.tolist() == [3]
    assert encoder.statistics().cache.hits == hits + 1
    for wrong in ([[2.0, 7.0, 3.0]], [[2, 7, 99]]):
        with pytest.raises(InvalidInput, match="token_ids"):
            await encoder.embed(token_ids=wrong)  # type: ignore[arg-type]


async def test_long_and_cut_ids_are_told_apart(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(cache_bytes=1 << 20)
    assert (await encoder.embed(token_ids=[[7] * 16])).truncated == ()
    assert (await encoder.embed(token_ids=[[7] * 17])).truncated == (0,)
    assert (await encoder.embed(token_ids=[[7] * 16])).truncated == ()


async def test_bulk_work_reads_the_cache_and_leaves_nothing(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(cache_bytes=1 << 20)
    await encoder.embed(["a"])
    await encoder.embed(["a", "b"], lane="bulk")
    use = encoder.statistics().cache
    assert (use.hits, use.entries) == (1, 1)


async def test_a_text_under_way_is_encoded_once(open_encoder: OpenEncoder) -> None:
    session = gated()
    encoder = open_encoder(session, coalesce=True)
    running = await busy(encoder, session)
    tasks = await begun(*(encoder.embed(["a"]) for _ in range(5)))
    assert encoder.statistics().waiting_rows == 1
    open_gate(session)
    answers = await asyncio.gather(*tasks)
    await running
    assert session.shapes == [(1, 6), (1, 3)]
    assert encoder.statistics().coalesced == 4
    answers[0].vectors[:] = 0
    assert (answers[1].vectors != 0).any()


async def test_long_texts_are_shared_while_they_are_tokenized(open_encoder: OpenEncoder) -> None:
    session = FakeSession()
    encoder = open_encoder(session, coalesce=True)
    text = "a b " * 300
    await asyncio.gather(*(encoder.embed([text]) for _ in range(5)))
    assert session.shapes == [(1, 16)]


async def test_without_coalescing_each_call_is_encoded(open_encoder: OpenEncoder) -> None:
    session = gated()
    encoder = open_encoder(session)
    running = await busy(encoder, session)
    tasks = await begun(encoder.embed(["a", "a"]), encoder.embed(["a"]))
    assert encoder.statistics().waiting_rows == 3
    open_gate(session)
    await asyncio.gather(running, *tasks)


@pytest.mark.parametrize("gone", [0, 1])
async def test_a_caller_who_leaves_does_not_take_another_s_work(
    open_encoder: OpenEncoder, gone: int
) -> None:
    session = gated()
    encoder = open_encoder(session, coalesce=True)
    running = await busy(encoder, session)
    tasks = await begun(encoder.embed(["a"]), encoder.embed(["a"]))
    tasks[gone].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[gone]
    open_gate(session)
    assert (await tasks[1 - gone]).token_counts.tolist() == [3]
    await running
    assert session.shapes == [(1, 6), (1, 3)]


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_work_that_nobody_waits_for_is_dropped(open_encoder: OpenEncoder, steps: int) -> None:
    session = gated()
    encoder = open_encoder(session, coalesce=True)
    running = await busy(encoder, session)
    tasks = await begun(encoder.embed(["a"]), encoder.embed(["a"]))
    for task in tasks:
        task.cancel()
        for _ in range(steps):
            await asyncio.sleep(0)
    await asyncio.wait(tasks)
    await asyncio.sleep(0)
    assert encoder.statistics().waiting_rows == 0
    open_gate(session)
    await running
    assert (await encoder.embed(["a"])).token_counts.tolist() == [3], "and it is not found any more"
    assert session.shapes == [(1, 6), (1, 3)]


async def test_another_s_deadline_is_not_mine(open_encoder: OpenEncoder) -> None:
    session = gated()
    encoder = open_encoder(session, coalesce=True)
    running = await busy(encoder, session)
    soon = time.monotonic() + 0.02
    hurried, patient = await begun(encoder.embed(["a"], deadline=soon), encoder.embed(["a"]))
    while time.monotonic() < soon:
        pass  # the encoder's clock is the real one
    open_gate(session)
    with pytest.raises(DeadlineExceeded):
        await hurried
    assert (await patient).token_counts.tolist() == [3]
    await running


async def test_another_s_guilty_text_is_not_mine(open_encoder: OpenEncoder) -> None:
    session = gated(fail_on=[10])
    encoder = open_encoder(session, coalesce=True)
    running = await busy(encoder, session)
    guilty, innocent, same = await begun(
        encoder.embed(["a", "poison"]), encoder.embed(["a"]), encoder.embed(["b", "c", "poison"])
    )
    open_gate(session)
    with pytest.raises(EncodeError, match="input 1 "):
        await guilty
    with pytest.raises(EncodeError, match="input 2 "):
        await same
    assert (await innocent).token_counts.tolist() == [3]
    await running


async def test_nobody_in_a_hurry_waits_for_bulk_work(open_encoder: OpenEncoder) -> None:
    session = gated()
    encoder = open_encoder(session, coalesce=True)
    running = await busy(encoder, session)
    tasks = await begun(
        encoder.embed(["a"], lane="bulk"),
        encoder.embed(["a"]),
        encoder.embed(["a"], lane="bulk"),
    )
    statistics = encoder.statistics()
    assert (statistics.interactive.rows, statistics.bulk.rows) == (1, 1)
    open_gate(session)
    await asyncio.gather(running, *tasks)


async def test_what_is_shared_takes_no_room(open_encoder: OpenEncoder) -> None:
    session = gated()
    encoder = open_encoder(session, coalesce=True, max_waiting_tokens=3)
    running = await busy(encoder, session)
    tasks = await begun(encoder.embed(["a"]), encoder.embed(["a"]))
    with pytest.raises(Overloaded):
        await encoder.embed(["b"])
    open_gate(session)
    await asyncio.gather(running, *tasks)


def test_several_loops_may_use_one_encoder(open_encoder: OpenEncoder) -> None:
    session = FakeSession()
    encoder = open_encoder(session, cache_bytes=1 << 20, coalesce=True)
    for _ in range(3):
        asyncio.run(encoder.embed(["a", "a"]))
    assert session.shapes == [(1, 3)]
    assert encoder.statistics().coalesced == 1


async def test_many_callers_of_few_texts_get_their_own(open_encoder: OpenEncoder) -> None:
    encoder = open_encoder(limits=BatchLimits(max_rows=3), cache_bytes=6_000, coalesce=True)
    expected = {text: (await open_encoder().embed([text])).vectors[0] for text in ("a", "b", "c")}

    async def client(seed: int) -> None:
        for step in range(30):
            texts = ["abc"[(seed * step + n) % 3] for n in range(1 + (seed + step) % 4)]
            call = asyncio.ensure_future(encoder.embed(texts))
            if (seed + step) % 5 == 0:
                await asyncio.sleep(0)
                call.cancel()
                await asyncio.wait([call])
                continue
            vectors = (await call).vectors
            assert all(
                (row == expected[text]).all() for row, text in zip(vectors, texts, strict=True)
            )

    await asyncio.gather(*(client(seed) for seed in range(12)))
    assert await asyncio.to_thread(encoder.drain, WAIT)
