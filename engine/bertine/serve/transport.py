"""What callers connect to: a gRPC server on one of two transports, with health and reflection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bertine.config import Transport, split_address
from bertine.errors import ConfigError
from bertine.v1 import catalog_pb2, embedding_pb2, index_pb2, recommendation_pb2, server_pb2

SERVICES = tuple(
    service.full_name
    for module in (embedding_pb2, catalog_pb2, recommendation_pb2, index_pb2, server_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
)
"""Full names of Bertine's services."""

_FLUSH_SECONDS = 0.2


class Edge:
    """A gRPC server without its services: they are added to ``grpc`` before it starts.

    Args:
        transport: which library carries it.
        max_message_bytes: of one request.
        shared: other processes listen on the same port, and the kernel deals connections out.
        credentials: of its port; None is no TLS.
        drained: returns when no call is under way, or after as many seconds as it is given.

    Attributes:
        grpc: the server.

    Raises:
        ConfigError: the transport is not installed.
    """

    def __init__(
        self,
        transport: Transport,
        max_message_bytes: int,
        *,
        shared: bool = False,
        credentials: grpc.ServerCredentials | None = None,
        drained: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._flush = drained if transport == "native" else None
        self._credentials = credentials
        options = [
            # gRPC's default is 1: a second server would silently take half of the connections.
            ("grpc.so_reuseport", int(shared)),
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", -1),
        ]
        self.grpc: grpc.aio.Server = library(transport).server(options=options)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self.grpc)

    @property
    def healthy(self) -> bool:
        """Always: it ends with its process."""
        return True

    @property
    def in_flight(self) -> int:
        """None that the gate does not count."""
        return 0

    def listen(self, address: str) -> int:
        """Take ``HOST:PORT``; returns the port.

        Raises:
            ConfigError: it is in use, or not this machine's.
        """
        split_address(address, "listen")
        try:
            port: int = (
                self.grpc.add_insecure_port(address)
                if self._credentials is None
                else self.grpc.add_secure_port(address, self._credentials)
            )
        except RuntimeError as error:
            raise cannot_listen(address) from error
        return port

    async def start(self) -> None:
        """Answer calls; health says NOT_SERVING."""
        await self.set_serving(serving=False)
        await self.grpc.start()

    async def set_serving(self, *, serving: bool) -> None:
        """What health says of the server and of each service."""
        status = health_pb2.HealthCheckResponse
        for name in ("", *SERVICES):
            await self._health.set(name, status.SERVING if serving else status.NOT_SERVING)

    async def stop(self, seconds: float) -> None:
        """Take no new calls, and let those under way go on for some time.

        Args:
            seconds: after which they are cancelled.
        """
        await self._health.enter_graceful_shutdown()
        if self._flush is not None:
            # The native server hangs up as soon as the last call's handler returns, and what that
            # answered may not be sent by then: the client would take its call for never begun.
            await self._flush(seconds)
            await asyncio.sleep(_FLUSH_SECONDS)
        await self.grpc.stop(seconds)


def cannot_listen(address: str) -> ConfigError:
    """The error of an address that cannot be taken."""
    return ConfigError(
        f"cannot listen on {address}: the port is in use or the host is not "
        "this machine's; choose another with --listen HOST:PORT"
    )


def library(transport: Transport) -> Any:
    """The module whose ``server`` makes a server.

    Raises:
        ConfigError: it is not installed.
    """
    if transport == "grpc":
        return grpc.aio
    try:
        import pygrpc_native.aio  # noqa: PLC0415 - optional, and only where it is wanted
    except ImportError as error:
        raise ConfigError(
            "the native transport needs the package pygrpc-native: pip install 'bertine[native]', "
            "or start with --transport grpc"
        ) from error
    return pygrpc_native.aio
