"""Items, collections and events as messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from bertine.config import Limits
from bertine.errors import InvalidInput
from bertine.types import Attribute, Collection, IndexStatus, Item, NamedVector, Vector
from bertine.v1 import catalog_pb2 as pb
from bertine.v1 import common_pb2
from bertine.wire.index_status import index_status_to_wire
from bertine.wire.values import (
    time_from_wire,
    time_to_wire,
    value_from_wire,
    value_to_wire,
    vectors_from_wire,
    vectors_to_wire,
)

MAX_ID_BYTES = 256
MAX_ATTRIBUTES = 64
MAX_NAME_BYTES = 64
MAX_ATTRIBUTE_BYTES = 65_536
_TIMES: tuple[Literal["available_from", "available_until", "expire_time"], ...] = (
    "available_from",
    "available_until",
    "expire_time",
)
_Times: TypeAlias = tuple[float | None, float | None, float | None]
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def check_count(count: int, most: int, field: str, what: str) -> None:
    """Refuse an empty or too long list.

    Raises:
        InvalidInput: not ``1 .. most``.
    """
    if not 1 <= count <= most:
        raise InvalidInput(field, f"holds {count} {what}; send 1 to {most:,} in one call")


def check_name(value: str, most: int, field: str) -> str:
    """An identifier: not empty, not too long.

    Raises:
        InvalidInput: empty, or of more than `most` bytes of UTF-8.
    """
    size = len(value.encode())
    if not 1 <= size <= most:
        raise InvalidInput(field, f"has {size} bytes; give 1 to {most}")
    return value


def check_collection_name(name: str, field: str) -> str:
    """A collection's name.

    Raises:
        InvalidInput: not ``1 .. 64`` of the characters a name may have.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            field, f"is {name!r}; give 1 to 64 characters of a-z, A-Z, 0-9, '_', '-' and '.'"
        )
    return name


def check_text(text: str, limits: Limits, field: str) -> str:
    """A text to encode: not blank, not too long.

    Raises:
        InvalidInput: blank, or of more than `Limits.max_text_bytes`.
    """
    if not text or text.isspace():
        raise InvalidInput(field, "is empty; give a text with at least one visible character")
    # Most texts are far below the limit: their bytes are not counted.
    if len(text) * 4 > limits.max_text_bytes:
        size = len(text.encode())
        if size > limits.max_text_bytes:
            raise InvalidInput(
                field,
                f"has {size:,} bytes; at most {limits.max_text_bytes:,} are taken, "
                "split it or send its beginning",
            )
    return text


def items_from_wire(messages: Sequence[pb.Item], dimensions: int, limits: Limits) -> list[Item]:
    """Read and check the items of one call.

    Which named vectors there are, and of what dimensions, only the collection knows: see
    `bertine.index.parts.Parts.check`.

    Args:
        messages: as the client sent them.
        dimensions: of the texts' vectors.
        limits: of the server.

    Raises:
        InvalidInput: no items, too many, an id twice, or a field that is wrong.
    """
    check_count(len(messages), limits.max_inputs, "items", "items")
    seen: dict[str, int] = {}
    for position, message in enumerate(messages):
        first = seen.setdefault(message.id, position)
        if first != position:
            raise InvalidInput(
                f"items[{position}].id",
                f"is {message.id!r} like that of items[{first}]; send each id once in a call",
            )
    return [
        _item(message, dimensions, limits, f"items[{position}]")
        for position, message in enumerate(messages)
    ]


def _item(message: pb.Item, dimensions: int, limits: Limits, field: str) -> Item:
    check_name(message.id, MAX_ID_BYTES, f"{field}.id")
    vector = None
    if message.HasField("vector"):
        check_count(message.vector.count, 1, f"{field}.vector.count", "vectors")
        vector = vectors_from_wire(message.vector, dimensions, f"{field}.vector")[0]
    opens, closes, expires = _times(message, field)
    for name, end in (("available_until", closes), ("expire_time", expires)):
        if opens is not None and end is not None and end <= opens:
            raise InvalidInput(f"{field}.{name}", "is not after available_from")
    return Item(
        id=message.id,
        text=check_text(message.text, limits, f"{field}.text") if message.text else "",
        attributes=_attributes(message, field),
        vector=vector,
        available_from=opens,
        available_until=closes,
        expire_time=expires,
        vectors=named_from_wire(message.vectors, f"{field}.vectors"),
    )


def named_from_wire(messages: Mapping[str, common_pb2.Vectors], field: str) -> dict[str, Vector]:
    """Named vectors of an item or a query, normalised.

    Raises:
        InvalidInput: not one vector each, malformed, not finite, or all zeros.
    """
    vectors = {}
    for name, message in messages.items():
        at = f"{field}[{name}]"
        check_count(message.count, 1, f"{at}.count", "vectors")
        vectors[name] = vectors_from_wire(message, None, at)[0]
    return vectors


def _times(message: pb.Item, field: str) -> _Times:
    opens, closes, expires = (
        time_from_wire(getattr(message, name), f"{field}.{name}")
        if message.HasField(name)
        else None
        for name in _TIMES
    )
    return opens, closes, expires


def _attributes(message: pb.Item, field: str) -> dict[str, Attribute]:
    if len(message.attributes) > MAX_ATTRIBUTES:
        raise InvalidInput(
            f"{field}.attributes", f"has {len(message.attributes)}; at most {MAX_ATTRIBUTES}"
        )
    size = sum(len(name) + value.ByteSize() for name, value in message.attributes.items())
    if size > MAX_ATTRIBUTE_BYTES:
        raise InvalidInput(
            f"{field}.attributes", f"take {size:,} bytes; at most {MAX_ATTRIBUTE_BYTES:,} are taken"
        )
    return {
        check_name(name, MAX_NAME_BYTES, f"{field}.attributes"): value_from_wire(
            value, f"{field}.attributes[{name}]"
        )
        for name, value in message.attributes.items()
    }


def item_to_wire(item: Item) -> pb.Item:
    """An item as a message, with its vector if it carries one."""
    message = pb.Item(
        id=item.id,
        text=item.text,
        attributes={name: value_to_wire(value) for name, value in item.attributes.items()},
        version=item.version,
    )
    if item.vector is not None:
        message.vector.CopyFrom(vectors_to_wire(item.vector[None, :]))
    for name, part in item.vectors.items():
        message.vectors[name].CopyFrom(vectors_to_wire(part[None, :]))
    for name in _TIMES:
        time = getattr(item, name)
        if time is not None:
            getattr(message, name).CopyFrom(time_to_wire(time))
    return message


def item_from_response(message: pb.Item) -> Item:
    """An item as a server returned it, unchecked."""
    opens, closes, expires = _times(message, "item")
    vector = None
    if message.HasField("vector"):
        vector = vectors_from_wire(message.vector, message.vector.dimensions, "vector")[0]
    return Item(
        id=message.id,
        text=message.text,
        attributes={
            name: value_from_wire(value, name) for name, value in message.attributes.items()
        },
        vector=vector,
        available_from=opens,
        available_until=closes,
        version=message.version,
        expire_time=expires,
        vectors=named_from_wire(message.vectors, "vectors"),
    )


def named_vectors_from_wire(messages: Iterable[pb.NamedVector]) -> tuple[NamedVector, ...]:
    """The named vectors of a collection, unchecked: see `bertine.index.parts.check_named`."""
    return tuple(NamedVector(one.name, one.dimensions, one.weight) for one in messages)


def named_vectors_to_wire(vectors: Iterable[NamedVector]) -> list[pb.NamedVector]:
    """The named vectors of a collection as messages."""
    return [
        pb.NamedVector(name=one.name, dimensions=one.dimensions, weight=one.weight)
        for one in vectors
    ]


def collection_to_wire(
    collection: Collection, index: IndexStatus, aliases: Sequence[str] = ()
) -> pb.Collection:
    """A collection, what its index consists of, and what else it is called."""
    return pb.Collection(
        name=collection.name,
        text_template=collection.text_template,
        item_count=collection.item_count,
        dimensions=collection.dimensions,
        fingerprint=collection.fingerprint,
        sequence=collection.sequence,
        create_time=time_to_wire(collection.created),
        aliases=aliases,
        index=index_status_to_wire(index),
        vectors=named_vectors_to_wire(collection.vectors),
    )
