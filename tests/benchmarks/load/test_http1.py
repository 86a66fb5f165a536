"""The client against a server that says exactly what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.load.http1 import Pool, Reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 429 Too Many\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def pool_of(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[tuple[Pool, list[int]]]:
    """A pool, and how many requests came on each connection; None is no answer, b"" hangs up."""
    connections: list[int] = []
    serving: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        number = len(connections)
        connections.append(0)
        while head := await read_head(reader):
            connections[number] += 1
            length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
            told = answer(await reader.readexactly(length))
            if told == b"":
                break
            writer.write(told or b"")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    pool = Pool(f"{host}:{port}", "/")
    yield pool, connections
    pool.close()
    server.close()
    await asyncio.gather(*filter(None, serving))
    await server.wait_closed()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def test_one_connection_serves_call_after_call() -> None:
    async with pool_of(lambda body: CHUNKED if body == b"c" else PLAIN) as (pool, connections):
        assert await pool.post(b"c", 5.0) == Reply(200, b"abcde")
        assert await pool.post(b"p", 5.0) == Reply(200, b"ok")
        assert connections == [2]


async def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    async with pool_of(lambda _: CLOSING) as (pool, connections):
        for _ in range(2):
            assert await pool.post(b"x", 5.0) == Reply(429, b"no")
        assert connections == [1, 1]


async def test_nor_one_whose_answer_was_not_waited_for() -> None:
    async with pool_of(lambda body: None if body == b"slow" else PLAIN) as (pool, connections):
        with pytest.raises(TimeoutError):
            await pool.post(b"slow", 0.05)
        assert await pool.post(b"x", 5.0) == Reply(200, b"ok")
        assert connections == [1, 1]


@pytest.mark.parametrize("told", [b"", b"what?\r\n\r\n"])
async def test_no_answer_is_an_error(told: bytes) -> None:
    async with pool_of(lambda _: told) as (pool, _):
        with pytest.raises(ConnectionError, match="hung up"):
            await pool.post(b"x", 5.0)
