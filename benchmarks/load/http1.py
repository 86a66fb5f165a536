"""HTTP connections that cost the generator little: POST and its answer, one at a time on each.

Like `benchmarks.load.http2`, so that servers of both protocols are asked at a like price: aiohttp's
client takes several times as long for a call. httptools, the parser of Node.js, reads the answers.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple, cast

import httptools


class Reply(NamedTuple):
    """An answer: status and body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One connection; httptools calls its ``on_`` methods."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self.lost = False

    async def ask(self, request: bytes) -> Reply:
        """Send a whole request and wait for the answer.

        Raises:
            ConnectionError: the server hung up.
        """
        self._answer = asyncio.get_running_loop().create_future()
        cast("asyncio.Transport", self._transport).write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self.lost = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the server hung up: {exc or 'closed'}"))

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            self.connection_lost(error)

    def on_body(self, body: bytes) -> None:
        """A piece of it."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        body, self._body = b"".join(self._body), []
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Reply(self._parser.get_status_code(), body))


class Pool:
    """Connections to one server, made as calls need them, and kept.

    Args:
        address: HOST:PORT.
        path: that is posted to.
    """

    def __init__(self, address: str, path: str) -> None:
        self._address = address
        self._head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\n".encode()
        self._head += b"Content-Type: application/json\r\nContent-Length: "
        self._idle: list[Connection] = []

    async def post(self, body: bytes, timeout: float) -> Reply:  # noqa: ASYNC109 - of the whole call
        """Post JSON.

        Raises:
            TimeoutError: there was no answer in so many seconds.
            OSError: there is no server, or it hung up.
        """
        async with asyncio.timeout(timeout):
            connection = await self._connection()
            try:
                reply = await connection.ask(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            except BaseException:
                connection.close()  # what comes of the call must not be taken for another's answer
                raise
        if not connection.lost:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """Hang up."""
        for connection in self._idle:
            connection.close()

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.lost:
                return connection
        host, _, port = self._address.rpartition(":")
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, host, int(port)))[1]
