"""A Bertine server to measure, started with what this version of it knows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.load import prometheus
from benchmarks.load.prometheus import Snapshot
from bertine.testing import ServerProcess

_START_SECONDS = 300.0
_CONNECTIONS_PER_FRONT = 4


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the server is started.

    Attributes:
        model: artifact folder.
        variant: which graph.
        device: of the encoder, see `bertine.encode.device.parse`.
        transport: which library carries gRPC.
        fronts: processes that take calls, 0 for the server itself.
        cache_mb: of the cache of vectors; 0 is off.
        max_waiting_tokens: 0 for the server's own default.
    """

    model: Path
    variant: str = "auto"
    device: str = "auto"
    transport: str = "grpc"
    fronts: int = 0
    cache_mb: int = 0
    max_waiting_tokens: int = 0

    def flags(self) -> list[str]:
        """Of ``bertine serve``."""
        limit = self.max_waiting_tokens
        return [
            f"--variant={self.variant}",
            f"--device={self.device}",
            f"--transport={self.transport}",
            f"--fronts={self.fronts}",
            f"--cache-mb={self.cache_mb}",
            "--log-level=warning",
            *([f"--max-waiting-tokens={limit}"] if limit else []),
        ]

    @property
    def connections(self) -> int:
        """How many a client should hold: a connection stays with one front."""
        return _CONNECTIONS_PER_FRONT * self.fronts if self.fronts > 1 else 1


@dataclass(frozen=True, slots=True)
class Measured:
    """A server that runs.

    Attributes:
        process: of it.
        metrics_address: HOST:PORT.
    """

    process: ServerProcess
    metrics_address: str

    @property
    def target(self) -> str:
        """HOST:PORT of gRPC."""
        return self.process.target

    def metrics(self) -> Snapshot:
        """What it tells Prometheus now."""
        return prometheus.read(self.metrics_address)

    def memory_mib(self) -> float:
        """Resident memory of it and of the processes it started."""
        parent = psutil.Process(self.process.process.pid)
        family = [parent, *parent.children(recursive=True)]
        return float(sum(process.memory_info().rss for process in family) / 2**20)


@contextmanager
def running(options: ServerOptions, data: Path) -> Iterator[Measured]:
    """Start a server and stop it in the end.

    Args:
        options: how.
        data: its data folder.

    Raises:
        Unavailable: it did not start.
    """
    metrics = f"127.0.0.1:{free_port()}"
    flags = [*options.flags(), f"--metrics-listen={metrics}"]
    with ServerProcess(options.model, data, *flags, ready_seconds=_START_SECONDS) as process:
        yield Measured(process, metrics)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
