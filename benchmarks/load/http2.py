"""A gRPC connection that costs the generator little: unary calls of bytes, nothing else.

grpcio takes 0.3 ms of a core for a call, as much as the server that is measured takes for all of
it; on a machine that both share that is measured along. Requests differ in their messages alone, so
their headers are packed once; answers' headers are the same over and over, so they are read once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import lru_cache
from typing import NamedTuple, cast

import hpack

from benchmarks.load import http2_frames as http2

UNAVAILABLE, DEADLINE_EXCEEDED, UNKNOWN = 14, 4, 2

_REPLENISH = 2**30
_PREFIX = 5
_HTTP_OK = "200"


class Reply(NamedTuple):
    """What came of a call.

    Attributes:
        code: gRPC's number.
        payload: the message, b"" if there was none.
        detail: gRPC's message.
    """

    code: int
    payload: bytes
    detail: str


class _Stream:
    """A call under way."""

    __slots__ = ("answer", "block", "data", "unsent", "window")

    def __init__(self, answer: asyncio.Future[Reply], request: bytes, window: int) -> None:
        self.answer = answer
        self.unsent = b"\0" + len(request).to_bytes(4, "big") + request
        self.window = window
        self.data: list[bytes] = []
        self.block = b""


class Connection(asyncio.Protocol):
    """One connection, on the event loop that made it.

    Args:
        authority: HOST:PORT.
        path: of the only method.
    """

    def __init__(self, authority: str, path: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._head = [(":method", "POST"), (":scheme", "http"), (":path", path)]
        self._head += [(":authority", authority), ("te", "trailers")]
        self._head += [("content-type", "application/grpc")]
        self._transport: asyncio.Transport | None = None
        self._blocks: dict[float, bytes] = {}
        self._streams: dict[int, _Stream] = {}
        self._waiting: deque[tuple[int, float]] = deque()
        self._opened: dict[int, None] = {}
        self._stalled: deque[int] = deque()
        self._outgoing: list[bytes] = []
        self._next = 1
        self._rest = b""
        self._consumed = 0
        self._window = self._initial_window = http2.DEFAULT_WINDOW
        self._largest_frame, self._most_streams = 16_384, 100
        self.lost = ""

    async def unary(self, request: bytes, timeout: float) -> Reply:  # noqa: ASYNC109 - it goes over the wire
        """One call; cancelling the task tells the server."""
        if self.lost:
            return Reply(UNAVAILABLE, b"", self.lost)
        number, self._next = self._next, self._next + 2
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._streams[number] = _Stream(answer, request, self._initial_window)
        self._waiting.append((number, timeout))
        self._open_streams()
        late = self._loop.call_later(timeout, self._late, number)
        try:
            return await answer
        finally:
            late.cancel()
            self._close_stream(number)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what we want: no table of headers, no push, and as much data as there is."""
        self._transport = cast("asyncio.Transport", transport)
        wanted = {http2.HEADER_TABLE_SIZE: 0, http2.ENABLE_PUSH: 0}
        wanted[http2.INITIAL_WINDOW] = http2.LARGEST_WINDOW
        more = http2.LARGEST_WINDOW - http2.DEFAULT_WINDOW
        transport_bytes = http2.PREFACE + http2.settings(wanted) + http2.window(0, more)
        self._transport.write(transport_bytes)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait."""
        self.lost = f"the connection was lost: {exc or 'closed'}"
        for stream in self._streams.values():
            _settle(stream, Reply(UNAVAILABLE, b"", self.lost))

    def data_received(self, data: bytes) -> None:
        """Take what came, frame by frame."""
        frames, self._rest = http2.unpack(self._rest + data if self._rest else data)
        for frame in frames:
            kind = frame.kind
            if kind in (http2.DATA, http2.HEADERS, http2.CONTINUATION):
                self._on_answer(frame)
            elif kind == http2.RST_STREAM:
                code = int.from_bytes(frame.payload, "big")
                self._settle(frame.stream, Reply(UNAVAILABLE, b"", f"stream reset: {code}"))
            else:
                self._on_control(frame)

    def _on_answer(self, frame: http2.Frame) -> None:
        if frame.kind == http2.DATA:
            self._consume(len(frame.payload))
        stream = self._streams.get(frame.stream)
        if stream is None:  # given up
            return
        if frame.kind == http2.DATA:
            stream.data.append(http2.body(frame))
        else:
            stream.block += http2.body(frame)
        if frame.kind != http2.DATA and frame.flags & http2.END_HEADERS:
            block, stream.block = stream.block, b""
            code, detail = _status(block)
            if code is not None:
                _settle(stream, Reply(code, b"".join(stream.data)[_PREFIX:], detail))
        elif frame.flags & http2.END_STREAM and frame.kind == http2.DATA:
            _settle(stream, Reply(UNKNOWN, b"", "the answer has no status"))

    def _on_control(self, frame: http2.Frame) -> None:
        if frame.kind == http2.SETTINGS and not frame.flags & http2.ACK:
            self._on_settings(frame.payload)
            self._send(http2.pack(http2.SETTINGS, http2.ACK, 0))
        elif frame.kind == http2.PING and not frame.flags & http2.ACK:
            self._send(http2.pack(http2.PING, http2.ACK, 0, frame.payload))
        elif frame.kind == http2.GOAWAY:
            self.lost = "the server hangs up"
        elif frame.kind == http2.WINDOW_UPDATE:
            more = int.from_bytes(frame.payload, "big")
            if not frame.stream:
                self._window += more
            elif (stream := self._streams.get(frame.stream)) is not None:
                stream.window += more
            self._send_stalled()

    def _on_settings(self, payload: bytes) -> None:
        for key, value in http2.settings_of(payload):
            if key == http2.INITIAL_WINDOW:
                for stream in self._streams.values():
                    stream.window += value - self._initial_window
                self._initial_window = value
            elif key == http2.MAX_FRAME:
                self._largest_frame = value
            elif key == http2.MAX_STREAMS:
                self._most_streams = value
        self._open_streams()
        self._send_stalled()

    def _open_streams(self) -> None:
        """Begin as many calls as the server takes at once."""
        while self._waiting and len(self._opened) < self._most_streams:
            number, seconds = self._waiting.popleft()
            if number in self._streams:
                self._opened[number] = None
                flags = http2.END_HEADERS
                self._send(http2.pack(http2.HEADERS, flags, number, self._block(seconds)))
                self._send_data(number)

    def _block(self, seconds: float) -> bytes:
        block = self._blocks.get(seconds)
        if block is None:
            timeout = ("grpc-timeout", f"{max(1, round(seconds * 1e3))}m")
            encoder = hpack.Encoder()
            encoder.header_table_size = 0
            block = self._blocks[seconds] = encoder.encode([*self._head, timeout])
        return block

    def _send_data(self, number: int) -> None:
        """As much of a request as flow control allows; what is left waits for more."""
        stream = self._streams.get(number)
        while stream is not None and stream.unsent:
            size = min(len(stream.unsent), self._largest_frame, self._window, stream.window)
            if size <= 0:
                self._stalled.append(number)
                return
            part, stream.unsent = stream.unsent[:size], stream.unsent[size:]
            self._window -= size
            stream.window -= size
            flags = 0 if stream.unsent else http2.END_STREAM
            self._send(http2.pack(http2.DATA, flags, number, part))

    def _send_stalled(self) -> None:
        for _ in range(len(self._stalled)):
            self._send_data(self._stalled.popleft())

    def _send(self, data: bytes) -> None:
        """All that one turn of the loop brings is one system call."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        data, self._outgoing = b"".join(self._outgoing), []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _consume(self, size: int) -> None:
        self._consumed += size
        if self._consumed >= _REPLENISH:
            self._send(http2.window(0, self._consumed))
            self._consumed = 0

    def _late(self, number: int) -> None:
        self._settle(number, Reply(DEADLINE_EXCEEDED, b"", "no answer by the deadline"))

    def _settle(self, number: int, reply: Reply) -> None:
        if (stream := self._streams.get(number)) is not None:
            _settle(stream, reply)

    def _close_stream(self, number: int) -> None:
        """Forget a call; the server is told of one that it has not answered."""
        stream = self._streams.pop(number)
        opened = number in self._opened
        self._opened.pop(number, None)
        reply = None if stream.answer.cancelled() else stream.answer.result()
        if opened and (reply is None or reply.code == DEADLINE_EXCEEDED):
            self._send(http2.pack(http2.RST_STREAM, 0, number, http2.CANCEL))
        if self._waiting:
            self._open_streams()


def _settle(stream: _Stream, reply: Reply) -> None:
    if not stream.answer.done():
        stream.answer.set_result(reply)


@lru_cache(maxsize=1_024)
def _status(block: bytes) -> tuple[int | None, str]:
    """Code and message of gRPC in a block of headers, None where they are not the last ones."""
    headers = {str(name): str(value) for name, value in hpack.Decoder().decode(block)}
    if headers.get(":status", _HTTP_OK) != _HTTP_OK:
        return UNKNOWN, f"HTTP {headers[':status']}"
    if "grpc-status" not in headers:
        return None, ""
    return int(headers["grpc-status"]), headers.get("grpc-message", "")
