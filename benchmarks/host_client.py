"""The cheapest client there is: packed requests, bytes back, so that the server is what is busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import grpc

from benchmarks.bare import BareLoop
from bertine.v1 import common_pb2, embedding_pb2

METHOD = "/bertine.v1.EmbeddingService/Embed"

_WARM_UP = 0.25
_OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True, slots=True)
class Requests:
    """Calls to send by turns.

    Attributes:
        packed: each call's message.
        per_call: inputs of each.
        tokenizes: whether they are texts; otherwise token ids.
    """

    packed: Sequence[bytes]
    per_call: int
    tokenizes: bool

    @property
    def key(self) -> str:
        """For figures."""
        return f"{self.per_call}_{'texts' if self.tokenizes else 'ids'}"

    @property
    def title(self) -> str:
        """For tables."""
        one, many = ("text", "texts") if self.tokenizes else ("list of ids", "lists of ids")
        return f"{self.per_call} {one if self.per_call == 1 else many} a call"


def of_texts(queries: Sequence[str], _: BareLoop, per_call: int) -> Requests:
    """Calls with texts."""
    messages = [embedding_pb2.EmbedRequest(texts=part) for part in _parts(queries, per_call)]
    return Requests([message.SerializeToString() for message in messages], per_call, True)


def of_token_ids(queries: Sequence[str], bare: BareLoop, per_call: int) -> Requests:
    """Calls with the same texts' token ids: the server has nothing to tokenize."""
    rows = [common_pb2.TokenIds(ids=row.tolist()) for row in bare.tokenize(queries)]
    messages = [embedding_pb2.EmbedRequest(token_ids=part) for part in _parts(rows, per_call)]
    return Requests([message.SerializeToString() for message in messages], per_call, False)


KINDS = (of_texts, of_token_ids)


async def drive(
    target: str,
    requests: Requests,
    clients: int,
    seconds: float,
    connections: int,
    meter: Callable[[], float],
) -> float:
    """Closed loops for a while.

    Args:
        target: HOST:PORT.
        requests: what to send.
        clients: calls under way at once.
        seconds: after the warm-up.
        connections: that the clients share; a connection stays with one front.
        meter: reads the server's processor seconds.

    Returns:
        Microseconds of the meter for one call.
    """
    done = 0

    async def client(send: Any, packed: Iterator[bytes]) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await send(next(packed))
            done += 1

    async with AsyncExitStack() as stack:
        sends = [
            (await stack.enter_async_context(_channel(target))).unary_unary(METHOD)
            for _ in range(connections)
        ]
        end = time.perf_counter() + _WARM_UP + seconds
        packed = cycle(requests.packed)
        loops = [client(sends[number % connections], packed) for number in range(clients)]
        running = asyncio.gather(*loops)
        await asyncio.sleep(_WARM_UP)
        before, already = meter(), done
        await running
        return (meter() - before) * 1e6 / (done - already)


def _channel(target: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def _parts(entries: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (entries[start : start + size] for start in range(0, len(entries) - size + 1, size))
