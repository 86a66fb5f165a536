"""`bertine serve` with `FakeSession` for a model: what it uses is the host's work alone."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import get_args

import click
import psutil

from benchmarks import encoders
from bertine import artifact
from bertine.config import ServeConfig, Transport
from bertine.encode.encoder import Encoder
from bertine.observer import Observer
from bertine.serve import logs
from bertine.serve.server import Server, run
from bertine.testing import ServerProcess

TRANSPORTS: tuple[Transport, ...] = get_args(Transport)

_VARIANT = "int8"


class HostServer(ServerProcess):
    """This module's program as a child process.

    Args:
        model: artifact folder, for its tokenizer.
        data: data folder.
        transport: see `ServeConfig`.
        fronts: see `ServeConfig`.
    """

    def __init__(self, model: Path, data: Path, transport: Transport, fronts: int) -> None:
        super().__init__(model, data)
        self.command = [
            *(sys.executable, "-m", "benchmarks.host_server", "--model", str(model)),
            *("--data", str(data), "--transport", transport, "--fronts", str(fronts)),
        ]

    def cpu_seconds(self) -> float:
        """Processor time of it and of its fronts so far, user and system."""
        parent = psutil.Process(self.process.pid)
        times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
        return float(sum(entry.user + entry.system for entry in times))


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path))
@click.option("--transport", type=click.Choice(TRANSPORTS), default="grpc")
@click.option("--fronts", type=click.IntRange(min=0), default=0)
def main(model: Path, data: Path, transport: Transport, fronts: int) -> None:
    """Serve until SIGTERM, on a free port."""
    logs.configure("warning", "console")
    config = ServeConfig(
        model, data, "127.0.0.1:0", transport=transport, fronts=fronts, cache_mb=0, coalesce=False
    )
    asyncio.run(run(config, _announce, _fake))


def _fake(config: ServeConfig, observer: Observer) -> Encoder:
    return encoders.fake(artifact.load(config.model), _VARIANT, observer.on_batch)


def _announce(server: Server) -> None:
    click.echo(f"bertine is serving on 127.0.0.1:{server.port}")


if __name__ == "__main__":
    main()
