"""Errors as gRPC statuses: the one place where codes are assigned."""

from __future__ import annotations

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from bertine import errors
from bertine.wire.versions import mismatches_to_wire

DETAILS_KEY = "grpc-status-details-bin"
"""Metadata key of google.rpc.Status, see https://grpc.io/docs/guides/error/."""

CODES: tuple[tuple[type[errors.BertineError], grpc.StatusCode], ...] = (
    (errors.InvalidInput, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.VersionMismatch, grpc.StatusCode.ABORTED),
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
    (errors.Conflict, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.StorageError, grpc.StatusCode.UNAVAILABLE),
    (errors.EncodeError, grpc.StatusCode.INTERNAL),
)


_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class Relayed(errors.BertineError):
    """An error of another process of ours, passed on as it is.

    Args:
        status: what that process would have told the caller.
    """

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


def code_of(error: errors.BertineError) -> grpc.StatusCode:
    """The gRPC code of an error."""
    if isinstance(error, Relayed):
        return _BY_NUMBER[error.status.code]
    for kind, code in CODES:
        if isinstance(error, kind):
            return code
    return grpc.StatusCode.INTERNAL


def details_of(error: errors.BertineError) -> status_pb2.Status:
    """The error as google.rpc.Status, with the details that its kind has, if any."""
    if isinstance(error, Relayed):
        return error.status
    status = status_pb2.Status(code=code_of(error).value[0], message=error.message)
    detail = _detail(error)
    if detail is not None:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _detail(error: errors.BertineError) -> Message | None:
    if isinstance(error, errors.InvalidInput | errors.PermissionDenied) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.problem
        )
        request: Message = error_details_pb2.BadRequest(field_violations=[violation])
        return request
    if isinstance(error, errors.VersionMismatch):
        return mismatches_to_wire(error.mismatches)
    if isinstance(error, errors.Overloaded):
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        retry: Message = error_details_pb2.RetryInfo(retry_delay=delay)
        return retry
    return None


def end(context: grpc.aio.ServicerContext, error: errors.BertineError) -> None:
    """Give a call an error for its end; what its method returns is not sent.

    Where a call is aborted instead, grpcio keeps an exception that holds the frames of the method,
    which hold the call: nothing of it is freed until the collector comes by.
    """
    context.set_code(code_of(error))
    context.set_details(error.message)
    context.set_trailing_metadata(((DETAILS_KEY, details_of(error).SerializeToString()),))
