"""Unary gRPC calls of bytes: no message is made or read while the clock runs."""

from __future__ import annotations

from abc import abstractmethod
from itertools import cycle
from typing import Any, ClassVar
from urllib.parse import unquote

import grpc

from benchmarks.load.contract import Answer, Outcome, Target, TargetSpec
from benchmarks.load.reconnecting import Reconnecting

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcTarget(Target):
    """A unary method of a gRPC server.

    Args:
        spec: address and number of connections.
    """

    method: ClassVar[str]
    """``/package.Service/Method``."""

    outcomes: ClassVar[dict[grpc.StatusCode, Outcome]] = {
        grpc.StatusCode.RESOURCE_EXHAUSTED: Outcome.REJECTED,
        grpc.StatusCode.DEADLINE_EXCEEDED: Outcome.LATE,
        grpc.StatusCode.CANCELLED: Outcome.CANCELLED,
    }
    """What codes mean; any other is a failure."""

    def __init__(self, spec: TargetSpec) -> None:
        self.spec = spec
        self._connections = [
            Reconnecting(spec.address, self.method) for _ in range(spec.connections)
        ]
        self._turns = cycle(self._connections)

    @abstractmethod
    def answered(self, payload: bytes) -> Any:
        """The response's message."""

    async def post(self, request: bytes, timeout: float) -> Answer:  # noqa: ASYNC109 - see Target
        """See `Target.post`."""
        reply = await next(self._turns).unary(request, timeout)
        if not reply.code:
            return Answer(Outcome.OK, reply.payload)
        code = _CODES.get(reply.code, grpc.StatusCode.UNKNOWN)
        outcome = self.outcomes.get(code, Outcome.FAILED)
        return Answer(outcome, b"", f"{code.name}: {unquote(reply.detail)}")

    async def close(self) -> None:
        """See `Target.close`."""
        for connection in self._connections:
            connection.close()
