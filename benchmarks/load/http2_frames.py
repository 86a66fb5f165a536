"""Frames of HTTP/2 (RFC 9113), as many of them as unary gRPC needs: bytes to values and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    *(0x0, 0x1, 0x3, 0x4, 0x6, 0x7),
    *(0x8, 0x9),
)
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = 1, 2, 3, 4, 5
CANCEL = (0x8).to_bytes(4, "big")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 65_535

_HEAD = 9
_PRIORITY_BYTES = 5
_SETTING_BYTES = 6


class Frame(NamedTuple):
    """One frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def pack(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    return b"%b%c%c%b%b" % (
        len(payload).to_bytes(3, "big"),
        kind,
        flags,
        stream.to_bytes(4, "big"),
        payload,
    )


def unpack(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames at the start of some bytes, and what is left."""
    frames, at, size = [], 0, len(data)
    while size - at >= _HEAD:
        end = at + _HEAD + int.from_bytes(data[at : at + 3], "big")
        if end > size:
            break
        stream = int.from_bytes(data[at + 5 : at + _HEAD], "big") & LARGEST_WINDOW
        frames.append(Frame(data[at + 3], data[at + 4], stream, data[at + _HEAD : end]))
        at = end
    return frames, data[at:]


def body(frame: Frame) -> bytes:
    """The payload of DATA or HEADERS without padding and priority."""
    payload = frame.payload
    if frame.flags & PADDED:
        payload = payload[1 : len(payload) - payload[0]]
    if frame.kind == HEADERS and frame.flags & PRIORITY:
        payload = payload[_PRIORITY_BYTES:]
    return payload


def settings(values: dict[int, int]) -> bytes:
    """A SETTINGS frame."""
    pairs = [key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in values.items()]
    return pack(SETTINGS, 0, 0, b"".join(pairs))


def settings_of(payload: bytes) -> Iterator[tuple[int, int]]:
    """Its keys and values."""
    for at in range(0, len(payload), _SETTING_BYTES):
        pair = payload[at : at + _SETTING_BYTES]
        yield int.from_bytes(pair[:2], "big"), int.from_bytes(pair[2:], "big")


def window(stream: int, more: int) -> bytes:
    """A WINDOW_UPDATE frame."""
    return pack(WINDOW_UPDATE, 0, stream, more.to_bytes(4, "big"))
