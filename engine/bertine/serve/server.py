"""The life of a server process: listen, load, serve, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Iterator

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bertine.config import ServeConfig, split_address
from bertine.engine import Engine, Observer
from bertine.errors import ConfigError, Unavailable
from bertine.serve.calls import Gate
from bertine.serve.catalog import CatalogServicer
from bertine.serve.embedding import EmbeddingServicer
from bertine.serve.info import ServerServicer
from bertine.serve.metrics import Metrics, MetricsServer
from bertine.serve.recommendation import RecommendationServicer
from bertine.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    embedding_pb2,
    embedding_pb2_grpc,
    recommendation_pb2,
    recommendation_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)

_log = logging.getLogger(__name__)

SERVICES = (
    embedding_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
    catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
    recommendation_pb2.DESCRIPTOR.services_by_name["RecommendationService"].full_name,
    server_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name,
)
HEALTH_SECONDS = 0.5

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Server:
    """A gRPC server in front of an engine; health and reflection are the standard ones.

    Args:
        config: see `ServeConfig`.

    Attributes:
        port: it listens on, once started.
        metrics: of this server.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        self.metrics = Metrics()
        self.port = 0
        self._gate = Gate(self.metrics)
        self._health = health.aio.HealthServicer()
        self._metrics_server: MetricsServer | None = None
        self._engine: Engine | None = None
        self._grpc = _grpc_server(config.limits.max_message_bytes)

    async def start(self, on_progress: Callable[[str], None] = lambda _: None) -> None:
        """Listen, then load. Health says SERVING when everything is warm.

        Args:
            on_progress: told what loading is doing.

        Raises:
            ConfigError: an address cannot be listened on.
            BertineError: as `Engine.open`.
        """
        self._register()
        await self._set_health(_NOT_SERVING)
        self.port = self._listen()
        if self.config.metrics_listen:
            host, port = split_address(self.config.metrics_listen, "metrics-listen")
            self._metrics_server = self.metrics.serve(host, port)
        await self._grpc.start()
        self._engine = await asyncio.to_thread(
            Engine.open, self.config, self._observer(on_progress)
        )
        engine = self._engine
        self.metrics.watch(engine.registry, lambda: engine.encoder.statistics().waiting_tokens)
        self._gate.open(engine)
        await self._set_health(_SERVING)

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when told to stop.

        Raises:
            Unavailable: the engine has failed beyond repair; health says so before.
        """
        while not stop.is_set():
            if self._engine is not None and not self._engine.healthy:
                await self._set_health(_NOT_SERVING)
                raise Unavailable("the engine has failed; the log says why")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HEALTH_SECONDS)

    async def stop(self) -> None:
        """Take no new calls, let those under way end, close everything."""
        self._gate.close()
        await self._health.enter_graceful_shutdown()
        await self._grpc.stop(self.config.drain_seconds)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
        if self._metrics_server is not None:
            self._metrics_server.close()

    def _observer(self, on_progress: Callable[[str], None]) -> Observer:
        return Observer(
            on_batch=self.metrics.on_batch,
            on_group=self.metrics.on_group,
            on_rebuild=self.metrics.on_rebuild,
            on_progress=on_progress,
        )

    def _register(self) -> None:
        gate, server = self._gate, self._grpc
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(EmbeddingServicer(gate), server)
        catalog_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(gate), server)
        recommendation_pb2_grpc.add_RecommendationServiceServicer_to_server(
            RecommendationServicer(gate), server
        )
        server_pb2_grpc.add_ServerServiceServicer_to_server(ServerServicer(gate), server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)

    def _listen(self) -> int:
        split_address(self.config.listen, "listen")
        try:
            port: int = self._grpc.add_insecure_port(self.config.listen)
        except RuntimeError as error:
            raise ConfigError(
                f"cannot listen on {self.config.listen}: the port is in use or the host is not "
                "this machine's; choose another with --listen HOST:PORT"
            ) from error
        return port

    async def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for name in ("", *SERVICES):
            await self._health.set(name, status)


def _grpc_server(max_message_bytes: int) -> grpc.aio.Server:
    options = [
        # Without this a second server would silently share the port.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", -1),
    ]
    return grpc.aio.server(options=options)


async def run(config: ServeConfig, on_ready: Callable[[Server], None]) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        config: see `ServeConfig`.
        on_ready: called once calls are answered.

    Raises:
        BertineError: it could not start, or failed beyond repair.
    """
    started = time.perf_counter()
    server = Server(config)
    stop = asyncio.Event()
    try:
        with _signals(stop):
            await server.start(_log.info)
            _log.info(
                "ready",
                extra={"port": server.port, "seconds": round(time.perf_counter() - started, 2)},
            )
            on_ready(server)
            await server.watch(stop)
            _log.info("draining", extra={"seconds_at_most": config.drain_seconds})
    finally:
        await server.stop()
    _log.info("stopped")


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
