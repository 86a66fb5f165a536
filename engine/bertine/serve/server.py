"""The life of a server process: listen, load, serve, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from bertine.config import ServeConfig, split_address
from bertine.engine import Engine
from bertine.errors import NotFound, Unavailable
from bertine.model import MakeEncoder, open_encoder
from bertine.observer import Observer
from bertine.serve import memory
from bertine.serve.callers.watch import CallersFile
from bertine.serve.calls import Gate
from bertine.serve.catalog import CatalogServicer
from bertine.serve.embedding import EmbeddingServicer
from bertine.serve.front.supervisor import Fronts
from bertine.serve.info import ServerServicer
from bertine.serve.metrics import Metrics, MetricsServer
from bertine.serve.recommendation import RecommendationServicer
from bertine.serve.tls import credentials_of
from bertine.serve.transport import Edge
from bertine.serve.tuning import IndexServicer
from bertine.v1 import (
    catalog_pb2_grpc,
    embedding_pb2_grpc,
    index_pb2_grpc,
    recommendation_pb2_grpc,
    server_pb2_grpc,
)

_log = logging.getLogger(__name__)

HEALTH_SECONDS = 0.5
EXIT_HUNG = 70
"""The process's exit code if the device hangs or is lost: EX_SOFTWARE of sysexits.h."""

_LAST_ANSWERS_SECONDS = 1.0  # for callers to be told why


class Server:
    """A gRPC server in front of an engine; health and reflection are the standard ones.

    Args:
        config: see `ServeConfig`.
        make_encoder: see `Engine.open`.

    Raises:
        ConfigError: the file of callers is broken, or the certificate.

    Attributes:
        port: it listens on, once started.
        metrics: of this server.
    """

    def __init__(self, config: ServeConfig, make_encoder: MakeEncoder = open_encoder) -> None:
        self.config = config
        self.metrics = Metrics()
        self.port = 0
        self._make_encoder = make_encoder
        self._gate = Gate[Engine](self.metrics.call)
        self._gate.admission.name_of = self._name_of
        self._callers = CallersFile(config.callers) if config.callers else None
        if self._callers:
            self._gate.admission.callers = self._callers.read()
        self._metrics_server: MetricsServer | None = None
        self._engine: Engine | None = None
        self._serving = False
        self._edge: Edge | Fronts = (
            Fronts(config, self._gate, self.metrics.call)
            if config.fronts
            else Edge(
                config.transport,
                config.limits.max_message_bytes,
                credentials=credentials_of(config),
                drained=self._gate.drained,
            )
        )
        self.metrics.count_in_flight(lambda: self._gate.in_flight + self._edge.in_flight)

    async def start(self, on_progress: Callable[[str], None] = lambda _: None) -> None:
        """Listen, then load. Health says SERVING when everything is warm.

        Args:
            on_progress: told what loading is doing.

        Raises:
            ConfigError: an address cannot be listened on.
            BertineError: as `Engine.open`.
        """
        self._register()
        self.port = self._edge.listen(self.config.listen)
        if self.config.metrics_listen:
            host, port = split_address(self.config.metrics_listen, "metrics-listen")
            self._metrics_server = self.metrics.serve(host, port)
        await self._edge.start()
        self._engine = await asyncio.to_thread(
            Engine.open, self.config, self._observer(on_progress), self._make_encoder
        )
        engine = self._engine
        self.metrics.watch(engine.registry, engine.encoder.statistics, engine.learner.kept)
        memory.settle()
        self._gate.open(engine)
        self._serving = True
        await self._edge.set_serving(serving=True)

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when told to stop.

        Raises:
            Unavailable: the engine has failed beyond repair; health says so before.
        """
        while not stop.is_set():
            if self._engine is not None:
                await self._look_after(self._engine)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), HEALTH_SECONDS)

    async def _look_after(self, engine: Engine) -> None:
        await self._follow_callers()
        if failure := engine.encoder.failure:
            # What a lost device leaves behind may hang when it is freed.
            await self._edge.set_serving(serving=False)
            await self._edge.stop(_LAST_ANSWERS_SECONDS)
            end_process(failure)
        if not (engine.healthy and self._edge.healthy):
            await self._edge.set_serving(serving=False)
            raise Unavailable("the engine has failed; the log says why")
        if engine.encoder.hung:
            end_process(f"the encoder has hung for {self.config.hung_seconds:g} s")
        if engine.responsive != self._serving:
            self._serving = engine.responsive
            log = _log.warning if self._serving else _log.error
            log("the encoder responds again" if self._serving else "the encoder does not respond")
            await self._edge.set_serving(serving=self._serving)

    async def _follow_callers(self) -> None:
        """Know the callers of a file that has changed, in front processes too."""
        new = await asyncio.to_thread(self._callers.changed) if self._callers else None
        if new is not None:
            self._gate.admission.callers = new
            await self._edge.set_serving(serving=self._serving)

    def _name_of(self, collection: str) -> str | None:
        try:
            return self._gate.engine.registry.get(collection).name
        except NotFound:
            return None

    async def stop(self) -> None:
        """Take no new calls, let those under way end, close everything."""
        if not self.config.fronts:  # fronts have gates of their own, and need this one to the end
            self._gate.close()
        await self._edge.stop(self.config.drain_seconds)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
        if self._metrics_server is not None:
            self._metrics_server.close()

    def _observer(self, on_progress: Callable[[str], None]) -> Observer:
        return Observer(
            on_batch=self.metrics.on_batch,
            on_group=self.metrics.on_group,
            on_rebuild=self.metrics.on_rebuild,
            on_purge=self.metrics.on_purge,
            on_learned=self.metrics.on_learned,
            on_progress=on_progress,
        )

    def _register(self) -> None:
        gate, server = self._gate, self._edge.grpc
        if not self.config.fronts:  # a front's part
            embedding = EmbeddingServicer(gate)
            embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(embedding, server)
        catalog_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogServicer(gate), server)
        recommendation_pb2_grpc.add_RecommendationServiceServicer_to_server(
            RecommendationServicer(gate), server
        )
        index_pb2_grpc.add_IndexServiceServicer_to_server(IndexServicer(gate), server)
        server_pb2_grpc.add_ServerServiceServicer_to_server(ServerServicer(gate), server)


def end_process(reason: str) -> NoReturn:
    """End this process at once, so that whoever supervises it starts another.

    A thread that hangs in a driver can be neither interrupted nor joined, so there is no orderly
    way out. What was acknowledged is on disk.
    """
    _log.critical("the process ends: %s; it must be started again", reason)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_HUNG)


async def run(
    config: ServeConfig,
    on_ready: Callable[[Server], None],
    make_encoder: MakeEncoder = open_encoder,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        config: see `ServeConfig`.
        on_ready: called once calls are answered.
        make_encoder: see `Engine.open`.

    Raises:
        BertineError: it could not start, or failed beyond repair.
    """
    started = time.perf_counter()
    server = Server(config, make_encoder)
    stop = asyncio.Event()
    try:
        with _signals(stop):
            await server.start(_log.info)
            seconds = round(time.perf_counter() - started, 2)
            _log.info("ready", extra={"port": server.port, "seconds": seconds, **_access(config)})
            on_ready(server)
            await server.watch(stop)
            _log.info("draining", extra={"seconds_at_most": config.drain_seconds})
    finally:
        await server.stop()
    _log.info("stopped")


def _access(config: ServeConfig) -> dict[str, object]:
    may_call = "known callers" if config.callers else "everybody"
    return {"may_call": may_call, "tls": config.tls_cert is not None}


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
