"""A server under load, against the same engine without a server.

    python -m benchmarks.serve --model DIR [--quick] [--transport native]
    python -m benchmarks.serve --model DIR --target HOST:PORT --protocol openai --target-model NAME

Closed loops, the knee of a Poisson load, replayed traces, interactive calls beside bulk work, and
repeats with and without the cache. With --target another server is measured, whoever made it; its
rates are held against this engine's on the same texts. Exit code 1 says that a bar was missed, 2
that the data is not there.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from benchmarks import data, machine
from benchmarks.conclusion import conclude
from benchmarks.load import closed_loop, mixed, open_loop, quality, repeats, texts
from benchmarks.load.bench import Bench, pools
from benchmarks.load.contract import Priority, Protocol, TargetSpec
from benchmarks.load.effort import FULL, QUICK, Effort
from benchmarks.load.engine import offline
from benchmarks.load.runner import Generator
from benchmarks.load.servers import Measured, ServerOptions, running
from benchmarks.load.targets import PROTOCOLS
from benchmarks.progress import say, stages
from benchmarks.report import Report

PARTS = ("closed", "open", "mixed", "repeats", "quality")

_CACHE_MB = 64


@dataclass(frozen=True, slots=True)
class _Settings:
    """The command line."""

    model: Path
    variant: str
    device: str
    target: str
    protocol: Protocol
    target_model: str
    input_name: str
    output_name: str
    transport: str
    fronts: int
    cache: int
    processes: int
    parts: tuple[str, ...]
    quick: bool

    @property
    def effort(self) -> Effort:
        return QUICK if self.quick else FULL

    def server(self) -> ServerOptions:
        return ServerOptions(
            model=self.model,
            variant=self.variant,
            device=self.device,
            transport=self.transport,
            fronts=self.fronts,
            cache_mb=self.cache,
        )

    def spec(self, address: str) -> TargetSpec:
        return TargetSpec(
            protocol=self.protocol,
            address=address,
            model=self.target_model,
            connections=self.server().connections,
            input_name=self.input_name,
            output_name=self.output_name,
        )


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph of the artifact.")
@click.option("--device", default="auto", show_default=True, help="Of server and engine.")
@click.option("--target", default="", metavar="HOST:PORT", help="Measure this server instead.")
@click.option(
    "--protocol", type=click.Choice(list(PROTOCOLS)), default="bertine", show_default=True
)
@click.option("--target-model", default="", help="The model's name in requests.")
@click.option("--input-name", default="text", show_default=True, help="KServe: tensor of texts.")
@click.option("--output-name", default="embedding", show_default=True, help="KServe: of vectors.")
@click.option("--transport", type=click.Choice(["grpc", "native"]), default="grpc")
@click.option("--fronts", type=click.IntRange(min=0), default=0, help="Of our server.")
@click.option("--cache", type=click.IntRange(min=0), default=0, help="MB; 0 is off.")
@click.option("--processes", type=click.IntRange(min=1), default=1, help="Of the generator.")
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Default: all.")
@click.option("--quick", is_flag=True, help="Fewer and shorter windows: about two minutes.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(bars: bool, file: Path | None, parts: tuple[str, ...], **options: Any) -> None:  # noqa: FBT001 - click's flag
    """Measure a server under closed and open loops, beside the engine without a server."""
    conclude(
        lambda: measure(_Settings(parts=parts or PARTS, **options)), file, bars=bars, remark=_remark
    )


def _remark(report: Report) -> None:
    for warning in report.details.get("warnings", ()):
        say(f"[yellow]{warning}[/]")


def measure(settings: _Settings) -> Report:
    """Run the chosen parts.

    Raises:
        DataAbsentError: the texts or the traces are not there.
    """
    source = data.folder()
    report = Report("serve", _context(settings))
    with ExitStack() as stack:
        server = _server(settings, stack)
        address = server.target if server else settings.target
        bench = Bench(
            effort=settings.effort,
            report=report,
            progress=stack.enter_context(stages()),
            generator=stack.enter_context(Generator(settings.spec(address), settings.processes)),
            engine=stack.enter_context(offline(settings.model, settings.variant, settings.device)),
            pools=pools(source, settings.effort),
            server=server,
        )
        _run_parts(settings, bench, source, address)
    return report


def _server(settings: _Settings, stack: ExitStack) -> Measured | None:
    """Our server, unless another one is measured."""
    if settings.target:
        return None
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bertine-"))
    return stack.enter_context(running(settings.server(), Path(folder)))


def _run_parts(settings: _Settings, bench: Bench, source: Path, address: str) -> None:
    if "closed" in settings.parts:
        closed_loop.measure(bench)
    if "open" in settings.parts:
        open_loop.measure(bench, source)
    if "mixed" in settings.parts:
        _mixed(settings, bench, address)
    if "repeats" in settings.parts and bench.server:
        _repeats(settings, bench, source)
    if "quality" in settings.parts and settings.protocol != "bertine-search":
        quality.measure(bench, settings.model)
    if bench.recordings:
        bench.note_generator()


def _mixed(settings: _Settings, bench: Bench, address: str) -> None:
    def generator(priority: Priority) -> Generator:
        return Generator(replace(settings.spec(address), priority=priority))

    with generator("interactive") as interactive, generator("bulk") as bulk:
        mixed.measure(bench, interactive, bulk)


def _repeats(settings: _Settings, bench: Bench, source: Path) -> None:
    """Beside the server that is measured another one with a cache."""
    if settings.cache:
        say("Repeats are not measured: the server that they are held against has its cache on.")
        return
    ranked = texts.glosses(source, repeats.DIFFERENT_TEXTS, seed=1)
    options = replace(settings.server(), cache_mb=_CACHE_MB)
    with (
        tempfile.TemporaryDirectory(prefix="bertine-") as folder,
        running(options, Path(folder)) as server,
        Generator(settings.spec(server.target), settings.processes) as cached,
    ):
        repeats.measure(bench, ranked, cached, server)


def _context(settings: _Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "target": settings.target or "bertine serve",
        "protocol": settings.protocol,
        "transport": settings.transport,
        "fronts": settings.fronts,
        "cache_mb": settings.cache,
        "generator_processes": settings.processes,
        "quick": settings.quick,
    }


if __name__ == "__main__":
    main()
