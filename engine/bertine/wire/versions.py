"""Conditions on versions, and how it is told that they do not hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bertine.errors import InvalidInput, Mismatch
from bertine.v1 import catalog_pb2 as pb
from bertine.wire.values import INT64_MAX

MAX_DETAIL_BYTES = 2_000
"""Of the mismatches that a status carries: gRPC refuses more than 8 KiB of metadata."""


def if_versions_from_wire(message: Mapping[str, int], ids: Collection[str]) -> dict[str, int]:
    """The versions that items must have.

    Args:
        message: id to version.
        ids: of the items that the call is about.

    Raises:
        InvalidInput: an id that the call is not about, or a version that there cannot be.
    """
    for id_, version in message.items():
        if id_ not in ids:
            raise InvalidInput(
                f"if_versions[{id_}]", "is no item of this call; give versions of its items only"
            )
        if version > INT64_MAX:
            raise InvalidInput(
                f"if_versions[{id_}]", f"is {version}; give a version that GetItems returned, or 0"
            )
    return dict(message)


def mismatches_to_wire(mismatches: Sequence[Mismatch]) -> pb.VersionMismatches:
    """As many as `MAX_DETAIL_BYTES` take, and how many there are."""
    message = pb.VersionMismatches(count=len(mismatches))
    for id_, expected, version in mismatches:
        one = pb.VersionMismatch(id=id_, if_version=expected, version=version)
        if message.ByteSize() + one.ByteSize() + 4 > MAX_DETAIL_BYTES:
            break
        message.mismatches.append(one)
    return message
