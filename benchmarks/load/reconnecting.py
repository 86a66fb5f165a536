"""A connection for gRPC calls that is made when a call needs it."""

from __future__ import annotations

import asyncio

from benchmarks.load.http2 import UNAVAILABLE, Connection, Reply


class Reconnecting:
    """A `Connection`, and another one when it is lost.

    Args:
        address: HOST:PORT.
        path: of the only method.
    """

    def __init__(self, address: str, path: str) -> None:
        self._address = address
        self._path = path
        self._connection: Connection | None = None
        self._making = asyncio.Lock()

    async def unary(self, request: bytes, timeout: float) -> Reply:  # noqa: ASYNC109 - see Connection
        """See `Connection.unary`."""
        connection = self._connection
        if connection is None or connection.lost:
            try:
                connection = await self._connect()
            except OSError as error:
                return Reply(UNAVAILABLE, b"", f"{self._address}: {error}")
        return await connection.unary(request, timeout)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()

    async def _connect(self) -> Connection:
        async with self._making:
            if self._connection is None or self._connection.lost:
                host, _, port = self._address.rpartition(":")
                _, self._connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self._address, self._path), host, int(port)
                )
        return self._connection
