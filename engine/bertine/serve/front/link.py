"""One end of the socket between a front and the engine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from bertine.serve.front.frames import Frame, Splitter, pack


class Link(asyncio.Protocol):
    """Sends and receives frames.

    Args:
        on_frame: called with each one that comes in; must not raise.
        on_lost: called once when the other end is gone.
    """

    def __init__(self, on_frame: Callable[[Frame], None], on_lost: Callable[[], None]) -> None:
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._splitter = Splitter()
        self._waiting: list[bytes] = []
        self._room = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    async def open(self, end: socket.socket) -> None:
        """Begin, over a connected socket."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self, sock=end)

    def send(self, frame: Frame) -> None:
        """Send a frame; what is sent in one turn of the event loop goes out in one system call."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(pack(frame))

    async def room(self) -> None:
        """Wait while the other end is behind with reading."""
        if not self._room.is_set():
            await self._room.wait()

    def close(self) -> None:
        """Send what waits, then end."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)
        self._room.set()

    def connection_lost(self, _error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._room.set()
        self._on_lost()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._room.clear()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._room.set()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        for frame in self._splitter.feed(data):
            self._on_frame(frame)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(waiting))
