"""What goes over the socket between a front and the engine: bytes to values and back, no I/O.

A frame is a header (length of the body u32, kind u8, call u64; little-endian) and a body. Both ends
are of one version on one machine: deadlines are readings of the machine's monotonic clock, and
nothing here is a format that others may rely on.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.encode.lanes import LANES, Lane
from bertine.types import Matrix

Ids: TypeAlias = NDArray[np.int32]

_HEADER = struct.Struct("<IBQ")
_EMBED = struct.Struct("<dBBI")  # deadline, lane, bytes of an id, texts
_CALL = struct.Struct("<dHH")  # deadline, bytes of the method's path, of the header
_VECTORS = struct.Struct("<ddII")  # queue seconds, encode seconds, rows, dimensions
_NO_DEADLINE = float("inf")
_NARROW = 2**16


class Kind(IntEnum):
    """What a frame is; the call of those that belong to none is 0."""

    # From a front.
    EMBED = 1
    CALL = 2
    CANCEL = 3
    READY = 4
    ENDED = 5
    # From the engine.
    VECTORS = 16
    ANSWER = 17
    ERROR = 18
    SETTINGS = 19
    SERVING = 20  # without a body: are you there?
    STOP = 21


class Frame(NamedTuple):
    """A frame.

    Attributes:
        kind: see `Kind`.
        call: which call of the front's it belongs to.
        body: by kind.
    """

    kind: int
    call: int = 0
    body: bytes = b""


class EmbedBody(NamedTuple):
    """Token ids to encode in a lane, and the deadline (None for none)."""

    deadline: float | None
    lane: Lane
    ids: list[Ids]


class CallBody(NamedTuple):
    """A serialized request of a method (``/package.Service/Method``).

    Attributes:
        deadline: None for none.
        method: path of it.
        request: its message.
        header: the call's authorization, "" for none.
    """

    deadline: float | None
    method: str
    request: bytes
    header: str = ""


class VectorsBody(NamedTuple):
    """float32 ``[rows, dimensions]``, and mean seconds of a row in the queue and the encoder."""

    queue_seconds: float
    encode_seconds: float
    vectors: Matrix


def pack(frame: Frame) -> bytes:
    """A frame as bytes."""
    return _HEADER.pack(len(frame.body), frame.kind, frame.call) + frame.body


class Splitter:
    """Cuts what comes in into frames, wherever the socket cut it."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with ``data``."""
        self._rest += data
        start = 0
        while len(self._rest) - start >= _HEADER.size:
            length, kind, call = _HEADER.unpack_from(self._rest, start)
            end = start + _HEADER.size + length
            if end > len(self._rest):
                break
            yield Frame(kind, call, bytes(memoryview(self._rest)[start + _HEADER.size : end]))
            start = end
        del self._rest[:start]


def pack_embed(body: EmbedBody) -> bytes:
    """Ids of 2 bytes where they fit, as those of most BERT vocabularies do, else of 4."""
    lengths = np.fromiter(map(len, body.ids), "<u4", len(body.ids))
    ids = np.concatenate(body.ids) if body.ids else np.empty(0, np.int32)
    width = 2 if int(ids.max(initial=0)) < _NARROW else 4
    head = _EMBED.pack(_from_deadline(body.deadline), LANES.index(body.lane), width, len(body.ids))
    return b"".join((head, lengths.tobytes(), ids.astype(f"<u{width}").tobytes()))


def unpack_embed(data: bytes) -> EmbedBody:
    """From `pack_embed`'s bytes."""
    deadline, lane, width, count = _EMBED.unpack_from(data)
    lengths = np.frombuffer(data, "<u4", count, _EMBED.size)
    raw = np.frombuffer(data, f"<u{width}", offset=_EMBED.size + lengths.nbytes)
    ids = raw.astype(np.int32)
    ends = np.cumsum(lengths).tolist()
    starts = [0, *ends[:-1]]
    rows = [ids[start:end] for start, end in zip(starts, ends, strict=False)]
    return EmbedBody(_to_deadline(deadline), LANES[lane], rows)


def pack_call(body: CallBody) -> bytes:
    """A call of any method, as bytes."""
    path, header = body.method.encode(), body.header.encode()
    head = _CALL.pack(_from_deadline(body.deadline), len(path), len(header))
    return b"".join((head, path, header, body.request))


def unpack_call(data: bytes) -> CallBody:
    """From `pack_call`'s bytes."""
    deadline, path_size, header_size = _CALL.unpack_from(data)
    path_end = _CALL.size + path_size
    end = path_end + header_size
    path, header = data[_CALL.size : path_end].decode(), data[path_end:end].decode()
    return CallBody(_to_deadline(deadline), path, data[end:], header)


def pack_vectors(body: VectorsBody) -> bytes:
    """The vectors of one `Kind.EMBED` as bytes."""
    rows, dimensions = body.vectors.shape
    head = _VECTORS.pack(body.queue_seconds, body.encode_seconds, rows, dimensions)
    return head + body.vectors.astype("<f4", copy=False).tobytes()


def unpack_vectors(data: bytes) -> VectorsBody:
    """From `pack_vectors`' bytes, which the vectors are a view of."""
    queue, encode, rows, dimensions = _VECTORS.unpack_from(data)
    vectors: Matrix = np.frombuffer(data, "<f4", offset=_VECTORS.size).reshape(rows, dimensions)
    return VectorsBody(queue, encode, vectors)


def pack_json(value: dict[str, Any] | Sequence[Any]) -> bytes:
    """What is sent so seldom that it may be readable."""
    return json.dumps(value).encode()


def unpack_json(data: bytes) -> Any:
    """From `pack_json`'s bytes."""
    return json.loads(data)


def _from_deadline(deadline: float | None) -> float:
    return _NO_DEADLINE if deadline is None else deadline


def _to_deadline(deadline: float) -> float | None:
    return None if deadline == _NO_DEADLINE else deadline
