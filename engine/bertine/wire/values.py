"""Attribute values, times and packed vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from bertine.encode.vectors import VectorEncoding, pack, unpack
from bertine.errors import InvalidInput
from bertine.types import Attribute, Matrix, Scalar
from bertine.v1 import common_pb2 as pb

INT64_MAX = 2**63 - 1
_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800
_SECOND = 1_000_000_000

_ENCODINGS: dict[int, VectorEncoding] = {
    pb.VECTOR_ENCODING_UNSPECIFIED: "float32",
    pb.VECTOR_ENCODING_FLOAT32: "float32",
    pb.VECTOR_ENCODING_FLOAT16: "float16",
    pb.VECTOR_ENCODING_INT8: "int8",
}
_ENCODING_NUMBERS: Mapping[VectorEncoding, pb.VectorEncoding] = {
    "float32": pb.VECTOR_ENCODING_FLOAT32,
    "float16": pb.VECTOR_ENCODING_FLOAT16,
    "int8": pb.VECTOR_ENCODING_INT8,
}


def encoding_from_wire(number: int, field: str) -> VectorEncoding:
    """The name of an encoding.

    Raises:
        InvalidInput: a number that this version does not know.
    """
    encoding = _ENCODINGS.get(number)
    if encoding is None:
        raise InvalidInput(field, f"is {number}; known are FLOAT32 (1), FLOAT16 (2), INT8 (3)")
    return encoding


def encoding_to_wire(encoding: VectorEncoding) -> pb.VectorEncoding:
    """The number of an encoding."""
    return _ENCODING_NUMBERS[encoding]


def vectors_to_wire(vectors: Matrix, encoding: VectorEncoding = "float32") -> pb.Vectors:
    """Pack vectors.

    Args:
        vectors: float32 ``[n, d]``, unit rows.
        encoding: of the bytes.
    """
    message = pb.Vectors()
    fill_vectors(message, vectors, encoding)
    return message


def fill_vectors(
    message: pb.Vectors, vectors: Matrix, encoding: VectorEncoding = "float32"
) -> None:
    """Pack vectors into a part of a larger message: handing that a message would copy it.

    Args:
        message: empty; written.
        vectors: see `vectors_to_wire`.
        encoding: see `vectors_to_wire`.
    """
    message.count, message.dimensions = vectors.shape
    message.encoding = encoding_to_wire(encoding)
    message.data = pack(vectors, encoding)


def vectors_from_wire(message: pb.Vectors, dimensions: int | None, field: str) -> Matrix:
    """Unpack vectors and normalise them.

    Args:
        message: what the client sent.
        dimensions: that they must have; None takes any.
        field: where they stood in the request.

    Returns:
        float32 ``[count, dimensions]``, unit rows.

    Raises:
        InvalidInput: wrong dimension or number of bytes, a component that is not finite, or a
            vector of length zero.
    """
    return unpack(
        message.data,
        count=message.count,
        dimensions=message.dimensions,
        encoding=encoding_from_wire(message.encoding, f"{field}.encoding"),
        expected=dimensions,
        field=field,
    )


def value_to_wire(value: Attribute) -> pb.Value:
    """A value as a message.

    Raises:
        InvalidInput: a type that attributes cannot have, or an integer beyond 64 bits.
    """
    if isinstance(value, bool):
        return pb.Value(bool_value=value)
    if isinstance(value, int):
        if abs(value) > INT64_MAX:
            raise InvalidInput("attributes", f"{value} does not fit 64 bits; send it as a string")
        return pb.Value(int_value=value)
    if isinstance(value, float):
        return pb.Value(double_value=value)
    if isinstance(value, str):
        return pb.Value(string_value=value)
    return pb.Value(strings=pb.StringList(values=_strings(value)))


def _strings(value: Any) -> list[str]:
    if isinstance(value, list | tuple | set | frozenset) and all(
        isinstance(part, str) for part in value
    ):
        return list(value)
    raise InvalidInput(
        "attributes", f"{value!r} is no str, int, float, bool or list of str; convert it"
    )


def value_from_wire(message: pb.Value, field: str) -> Attribute:
    """The value in a message.

    Raises:
        InvalidInput: none is set, or it is not a finite number.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        raise InvalidInput(
            field,
            "holds no value; set string_value, int_value, double_value, bool_value or strings",
        )
    if kind == "strings":
        return tuple(message.strings.values)
    value: Scalar = getattr(message, kind)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(field, f"is {value}; give a finite number")
    return value


def scalar_from_wire(message: pb.Value, field: str) -> Scalar:
    """The value in a message that must not be a list.

    Raises:
        InvalidInput: a list, or as for `value_from_wire`.
    """
    value = value_from_wire(message, field)
    if isinstance(value, tuple):
        raise InvalidInput(field, "is a list; compare with one value, or use one_of for several")
    return value


def time_to_wire(time: float) -> Timestamp:
    """Seconds since the epoch as a message, to the microsecond.

    Raises:
        InvalidInput: outside the years 1 to 9999, as milliseconds are.
    """
    if not _YEAR_1 <= time < _YEAR_10000:  # NaN fails it too
        raise InvalidInput(
            "time", f"is {time:g}; give seconds since the epoch, between the years 1 and 9999"
        )
    message = Timestamp()
    message.FromMicroseconds(round(time * 1e6))
    return message


def time_from_wire(message: Timestamp, field: str) -> float:
    """A message as seconds since the epoch.

    Raises:
        InvalidInput: outside the years 1 to 9999, or nanoseconds that are none.
    """
    if not (_YEAR_1 <= message.seconds < _YEAR_10000 and 0 <= message.nanos < _SECOND):
        raise InvalidInput(field, "is not a valid time between the years 1 and 9999")
    return message.seconds + message.nanos / _SECOND


def duration_from_wire(message: Duration, field: str) -> float:
    """A message as seconds.

    Raises:
        InvalidInput: not above 0.
    """
    seconds: float = message.seconds + message.nanos / _SECOND
    if not seconds > 0.0:
        raise InvalidInput(field, f"is {seconds:g} seconds; give a time above 0")
    return seconds


def duration_to_wire(seconds: float) -> Duration:
    """Seconds as a message, to the microsecond."""
    message = Duration()
    message.FromMicroseconds(round(seconds * 1e6))
    return message
