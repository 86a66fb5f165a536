"""MLPerf's load generator in front of the encoder: an outside judge of latency and throughput.

    python -m benchmarks.loadgen --model DIR [--quick] [--rate 50] [--json FILE]

Scenarios SingleStream, Server and Offline of MLPerf Inference, in process and over gRPC, on real
short queries. Results are those of LoadGen's own summary. Its rules ask for ten minutes a scenario;
`--seconds` is less by default, so these are measurements, not submissions. Exit code 1 says that a
run was not valid by LoadGen's judgement, 2 that the data is not there.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks import data, encoders, loadgen_summary, machine, texts
from benchmarks.bare import BareLoop
from benchmarks.data import DataAbsentError
from benchmarks.load.servers import ServerOptions, running
from benchmarks.loadgen_run import Embed, LoadGen, Opened, Scenario, SystemUnderTest
from benchmarks.loadgen_summary import Summary
from benchmarks.metrics import cosines
from benchmarks.progress import say, stages
from benchmarks.report import Report
from bertine import artifact
from bertine.artifact import Artifact
from bertine.client.aio import AsyncClient
from bertine.types import Matrix

_SAMPLES = 1_024
_CHECKED = 256
_SERVER_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class _Settings:
    """The command line."""

    model: Path
    variant: str
    rate: float
    latency_ms: float
    seconds: float


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph of the artifact.")
@click.option("--rate", default=0.0, help="Queries a second in Server; 0 is 40 % of Offline's.")
@click.option("--latency-ms", default=50.0, show_default=True, help="Server: what p99 may be.")
@click.option("--seconds", default=20.0, show_default=True, help="Least, of each scenario.")
@click.option("--quick", is_flag=True, help="Three seconds a scenario.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail if one is invalid.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(bars: bool, file: Path | None, quick: bool, seconds: float, **options: Any) -> None:  # noqa: FBT001 - click's flags
    """Measure SingleStream, Server and Offline, in process and over gRPC."""
    settings = _Settings(seconds=3.0 if quick else seconds, **options)
    try:
        report, valid = measure(settings)
    except DataAbsentError as error:
        say(f"[bold red]{error}[/]\nNothing was measured.")
        sys.exit(2)
    report.show(file)
    sys.exit(1 if bars and not valid else 0)


def measure(settings: _Settings) -> tuple[Report, bool]:
    """Run all scenarios; whether LoadGen calls all of them valid.

    Raises:
        DataAbsentError: the queries are not there.
    """
    queries = texts.shuffled_queries(data.folder())[:_SAMPLES]
    report = Report("loadgen", _context(settings))
    model = artifact.load(settings.model)
    reference = BareLoop(model, "fp32")(queries[:_CHECKED])
    results: dict[str, Summary] = {}
    with stages() as progress:
        task = progress.add_task("scenarios", total=2 * len(Scenario))
        for where, opened in (("in_process", _in_process), ("grpc", _over_grpc)):
            with opened(settings, model) as embed, SystemUnderTest(embed, queries) as system:
                offline_rate = max(system.estimate(), system.estimate())
                for scenario in Scenario:
                    results[f"{where}_{scenario.value}"] = _run(
                        settings, system, scenario, offline_rate
                    )
                    progress.advance(task)
                found = cosines(system.embed(queries[:_CHECKED]), reference)
                report.add(f"{where}_cosine", f"{where}: cosine to fp32, mean", float(found.mean()))
    _report(report, results)
    return report, all(summary.valid for summary in results.values())


def _context(settings: _Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "cache": encoders.CACHE,
        "samples": _SAMPLES,
        "seconds": settings.seconds,
        "server_rate": settings.rate or "40 % of offline",
        "server_latency_ms": settings.latency_ms,
        "repeats": 1,
    }


def _run(
    settings: _Settings, system: SystemUnderTest, scenario: Scenario, offline_rate: float
) -> Summary:
    with tempfile.TemporaryDirectory(prefix="bertine-") as folder:
        rate = settings.rate or _SERVER_SHARE * offline_rate
        limits = LoadGen(scenario, settings.seconds, rate, offline_rate, settings.latency_ms)
        limits.run(system, Path(folder))
        return loadgen_summary.read(Path(folder))


@contextmanager
def _in_process(settings: _Settings, model: Artifact) -> Iterator[Opened]:
    encoder = encoders.real(model, settings.variant)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Embed]:
        async def embed(inputs: Sequence[str]) -> Matrix:
            return (await encoder.embed(inputs)).vectors

        yield embed

    try:
        yield opened
    finally:
        encoder.close()


@contextmanager
def _over_grpc(settings: _Settings, _: Artifact) -> Iterator[Opened]:
    options = ServerOptions(settings.model, settings.variant)
    with (
        tempfile.TemporaryDirectory(prefix="bertine-") as folder,
        running(options, Path(folder)) as server,
    ):

        @asynccontextmanager
        async def opened() -> AsyncIterator[Embed]:
            async with AsyncClient(server.target) as client:
                yield client.embed

        yield opened


def _report(report: Report, results: dict[str, Summary]) -> None:
    for name, summary in results.items():
        verdict = "valid" if summary.valid else "INVALID"
        title = name.replace("_", " ")
        report.add(f"{name}_rate", f"{title}, {verdict}: samples", summary.rate, "/s")
        for percentile, milliseconds in summary.percentiles_ms.items():
            report.add(f"{name}_{percentile}_ms", f"{title}: {percentile}", milliseconds, "ms")
    report.details["valid"] = {name: summary.valid for name, summary in results.items()}


if __name__ == "__main__":
    main()
