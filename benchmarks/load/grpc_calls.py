"""Unary gRPC calls of bytes: no message is made or read while the clock runs."""

from __future__ import annotations

from abc import abstractmethod
from itertools import cycle
from typing import Any, ClassVar

import grpc

from benchmarks.load.contract import Answer, Outcome, Target, TargetSpec

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A retry would hide a refusal, and its latency.
    ("grpc.enable_retries", 0),
    # Each channel has a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
)


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
        self._channels = [
            grpc.aio.insecure_channel(spec.address, options=_OPTIONS)
            for _ in range(spec.connections)
        ]
        self._calls = cycle([channel.unary_unary(self.method) for channel in self._channels])

    @abstractmethod
    def answered(self, payload: bytes) -> Any:
        """The response's message."""

    async def post(self, request: bytes, timeout: float) -> Answer:  # noqa: ASYNC109 - see Target
        """See `Target.post`."""
        try:
            return Answer(Outcome.OK, await next(self._calls)(request, timeout=timeout))
        except grpc.aio.AioRpcError as error:
            outcome = self.outcomes.get(error.code(), Outcome.FAILED)
            return Answer(outcome, b"", f"{error.code().name}: {error.details()}")

    async def close(self) -> None:
        """See `Target.close`."""
        for channel in self._channels:
            await channel.close()
