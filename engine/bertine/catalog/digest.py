"""Digests that tell whether an item has changed, and whether it must be encoded again."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np

from bertine.errors import InvalidInput
from bertine.types import Attribute, Item, Vector

DIGEST_SIZE = 16
"""Bytes. Two of a trillion items collide with a probability of 1e-15."""


_length = struct.Struct("<Q").pack


def text_digest(item: Item) -> bytes:
    """Digest of what the item's vector is made from.

    That is its text, or, if the client gave a vector, that vector: while the digest stays, so does
    the vector that is stored. Named vectors are not looked at: they are always the client's.

    Args:
        item: as the client gave it, its vector None unless the client gave one.

    Returns:
        `DIGEST_SIZE` bytes.

    Raises:
        InvalidInput: the text is not Unicode.
    """
    if item.vector is None:
        return _digest([b"text", _utf8("text", item.text)])
    return _digest([b"vector", _vector_bytes(item.vector)])


def content_digest(item: Item) -> bytes:
    """Digest of everything the client gave of an item, but its id.

    Args:
        item: as the client gave it, its vector None unless the client gave one.

    Returns:
        `DIGEST_SIZE` bytes; attributes that differ only in type (3, 3.0, "3", True) differ in it.

    Raises:
        InvalidInput: the text or an attribute is not Unicode.
    """
    return _digest(_content(item))


def event_digest(event_id: str) -> bytes:
    """Digest by which an event is known again, `DIGEST_SIZE` bytes.

    Raises:
        InvalidInput: the id is not Unicode.
    """
    return _digest([_utf8("event_id", event_id)])


def _digest(parts: Iterable[bytes]) -> bytes:
    """Each part behind its length, so that no two lists of parts give the same bytes."""
    framed = b"".join([_length(len(part)) + part for part in parts])
    return blake2b(framed, digest_size=DIGEST_SIZE).digest()


def _content(item: Item) -> Iterator[bytes]:
    yield b"" if item.vector is None else b"vector" + _vector_bytes(item.vector)
    yield _utf8("text", item.text)
    yield _time(item.available_from)
    yield _time(item.available_until)
    for name in sorted(item.attributes):
        yield _utf8("attributes", name)
        yield _attribute(name, item.attributes[name])
    # Only where there is one, so that items from before there were any keep their digests; the
    # number of parts is odd then and even otherwise.
    if item.expire_time is not None:
        yield _time(item.expire_time)
    # Likewise. No attribute's value begins so, and a time is shorter.
    if item.vectors:
        yield b"vectors" + _digest(_named(item))


def _named(item: Item) -> Iterator[bytes]:
    for name in sorted(item.vectors):
        yield _utf8("vectors", name)
        yield _vector_bytes(item.vectors[name])


def _attribute(name: str, value: Attribute) -> bytes:
    """Type and value; bool comes before int, which it is a kind of."""
    field = f"attributes.{name}"
    if isinstance(value, str):
        return b"string" + _utf8(field, value)
    if isinstance(value, bool):
        return b"bool" + bytes([value])
    if isinstance(value, int):
        return b"int" + str(value).encode()
    if isinstance(value, float):
        return b"float" + struct.pack("<d", value)
    return b"strings" + _digest([_utf8(field, part) for part in value])


def _time(time: float | None) -> bytes:
    return b"" if time is None else struct.pack("<d", time)


def _vector_bytes(vector: Vector) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


def _utf8(field: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            field, f"has a lone surrogate at position {error.start}; send valid Unicode"
        ) from error
