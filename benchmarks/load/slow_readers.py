"""Clients that ask for much and read little, as a stalled network or program does."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from bertine.v1 import embedding_pb2, embedding_pb2_grpc

# Requests of a stream beyond those it has read an answer of. Without a bound each stream writes the
# 5 to 8 MB that buffers hold, in .4 s of a core, which is then not the server's.
_AHEAD = 64


class SlowReaders:
    """Streams of ``EmbedStream`` that always have a request for the server. Meant for a `Remote`.

    Args:
        address: HOST:PORT.
        calls: the texts of each request, in turn: no two of them are under way at once.
    """

    def __init__(self, address: str, calls: Sequence[Sequence[str]]) -> None:
        self._address = address
        self._calls = itertools.cycle(calls)

    def run(self, streams: int, seconds: float, pause: float) -> dict[str, int]:
        """Read one answer of each stream, pause, and so on; then go away in the middle.

        A stream that the server ends, as overload, is opened again after a pause.

        Args:
            streams: at once.
            seconds: how long.
            pause: seconds between two answers of a stream.

        Returns:
            How many answers were read, and how many streams the server ended.
        """
        return asyncio.run(self._run(streams, seconds, pause))

    def close(self) -> None:
        """There is nothing left to close after `run`."""

    async def _run(self, streams: int, seconds: float, pause: float) -> dict[str, int]:
        end = time.perf_counter() + seconds
        counts = {"answers": 0, "ended": 0}
        async with grpc.aio.insecure_channel(self._address) as channel:
            stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
            await asyncio.gather(*[self._reader(stub, end, pause, counts) for _ in range(streams)])
        return counts

    async def _reader(self, stub: Any, end: float, pause: float, counts: dict[str, int]) -> None:
        while time.perf_counter() < end:
            ahead = asyncio.Semaphore(_AHEAD)
            call = stub.EmbedStream(self._requests(end, ahead))
            try:
                await self._read(call, end, pause, counts, ahead)
            except grpc.aio.AioRpcError:
                counts["ended"] += 1
                await asyncio.sleep(pause)
            finally:
                call.cancel()

    async def _read(
        self, call: Any, end: float, pause: float, counts: dict[str, int], ahead: asyncio.Semaphore
    ) -> None:
        while time.perf_counter() < end and await call.read() is not grpc.aio.EOF:
            counts["answers"] += 1
            ahead.release()
            await asyncio.sleep(min(pause, max(0.0, end - time.perf_counter())))

    async def _requests(
        self, end: float, ahead: asyncio.Semaphore
    ) -> AsyncIterator[embedding_pb2.EmbedRequest]:
        """As many as the server's flow control lets in, and `_AHEAD` does."""
        while time.perf_counter() < end:
            await ahead.acquire()
            yield embedding_pb2.EmbedRequest(texts=next(self._calls))
