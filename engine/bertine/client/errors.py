"""gRPC's errors as one of ours; the only place where the client meets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from bertine.errors import BertineError
from bertine.v1 import catalog_pb2

_DETAILS_KEY = "grpc-status-details-bin"


class CallError(BertineError):
    """A call that failed.

    Attributes:
        code: name of the gRPC code, for example ``NOT_FOUND``.
        field: path of the field that was wrong, for ``INVALID_ARGUMENT``; else "".
        retry_after: seconds after which a retry is sensible, for ``RESOURCE_EXHAUSTED``; else None.
        versions: of items that are not at the version that `if_versions` gave, by id, 0 if one does
            not exist, for ``ABORTED``; of very many only the first. Else empty.
    """

    def __init__(
        self,
        code: str,
        message: str,
        field: str = "",
        retry_after: float | None = None,
        versions: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.retry_after = retry_after
        self.versions = versions

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@contextmanager
def translated() -> Iterator[None]:
    """Raise `CallError` for a gRPC error."""
    try:
        yield
    except grpc.RpcError as error:
        raise _call_error(error) from error


def _call_error(error: Any) -> CallError:
    field, retry_after, versions = "", None, {}
    for detail in _details(error.trailing_metadata() or ()):
        bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        mismatches = catalog_pb2.VersionMismatches()
        if detail.Unpack(bad) and bad.field_violations:
            field = bad.field_violations[0].field
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1e9
        elif detail.Unpack(mismatches):
            versions = {one.id: one.version for one in mismatches.mismatches}
    return CallError(error.code().name, error.details() or "", field, retry_after, versions)


def _details(metadata: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    for key, value in metadata:
        if key == _DETAILS_KEY:
            yield from status_pb2.Status.FromString(value).details
