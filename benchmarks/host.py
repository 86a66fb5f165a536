"""What a call costs the host beside the model: processor time of the server with a fake encoder.

    python -m benchmarks.host --model DIR [--quick] [--json FILE]

A GPU makes the encoder fast; then this is what limits a server. Exit code 1 says that a bar was
missed, 2 that the data is not there.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks import contest, data, encoders, host_client, machine, texts
from benchmarks.bare import BareLoop
from benchmarks.conclusion import conclude
from benchmarks.host_client import Requests
from benchmarks.host_server import TRANSPORTS, HostServer
from benchmarks.progress import stages
from benchmarks.report import Report, at_most
from bertine import artifact
from bertine.config import Transport
from bertine.encode.fake import FakeSession
from bertine.encode.padding import pad

_VARIANT = "int8"
_FRONTS = (0, 2)
_PER_CALL = (1, 32)
_TEXTS = 3_200
_LARGE = 32
_BARS = {("native", 0, 1): at_most(260.0)}
_BEYOND_BAR = at_most(15.0)


@dataclass(frozen=True, slots=True)
class _Settings:
    """The command line."""

    model: Path
    rounds: int
    seconds: float
    clients: int


@dataclass(frozen=True, slots=True)
class _Case:
    """One way to ask one server."""

    transport: Transport
    fronts: int
    requests: Requests

    @property
    def key(self) -> str:
        fronts = f"_{self.fronts}_fronts" if self.fronts else ""
        return f"{self.transport}{fronts}_{self.requests.key}"

    @property
    def title(self) -> str:
        fronts = f", {self.fronts} fronts" if self.fronts else ""
        return f"{self.transport}{fronts}: {self.requests.title}"


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--clients", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--quick", is_flag=True, help="Short loops: about a minute, and more noise.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(model: Path, clients: int, quick: bool, bars: bool, file: Path | None) -> None:  # noqa: FBT001 - click's flags
    """Measure the server's processor time a call, on each transport, with and without fronts."""
    settings = _Settings(model, rounds=5, seconds=0.7 if quick else 2.0, clients=clients)
    conclude(lambda: measure(settings), file, bars=bars)


def measure(settings: _Settings) -> Report:
    """Run all cases by turns.

    Raises:
        DataAbsentError: the queries are not there.
    """
    queries = texts.shuffled_queries(data.folder())[:_TEXTS]
    report = Report("host", _context(settings))
    shares = _Shares(settings.model, queries, settings.rounds)
    with ExitStack() as stack:
        cases = list(_cases(settings, queries, stack))
        progress = stack.enter_context(stages())
        task = progress.add_task("calls, by turns", total=len(cases) * settings.rounds)
        measured = contest.alternate(
            {case.key: run for case, run in cases},
            settings.rounds,
            lambda: progress.advance(task),
        )
    _report_shares(report, shares)
    for case, _ in cases:
        _report_case(report, case, measured, shares)
    return report


def _context(settings: _Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, _VARIANT) | {"session": "FakeSession"},
        "cache": encoders.CACHE,
        "clients": settings.clients,
        "repeats": settings.rounds,
    }


def _cases(
    settings: _Settings, queries: list[str], stack: ExitStack
) -> Iterator[tuple[_Case, Callable[[], float]]]:
    """Each case and what measures it once, its server started."""
    bare = BareLoop(artifact.load(settings.model), _VARIANT)
    kinds = [kind(queries, bare, count) for count in _PER_CALL for kind in host_client.KINDS]
    for transport in TRANSPORTS:
        for fronts in _FRONTS:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bertine-")))
            server = HostServer(settings.model, folder, transport, fronts)
            stack.enter_context(server)
            for requests in kinds:
                run = partial(_cost, server, requests, settings, max(1, 2 * fronts))
                yield _Case(transport, fronts, requests), run


def _cost(server: HostServer, requests: Requests, settings: _Settings, connections: int) -> float:
    """Processor microseconds of the server for one call."""
    drive = host_client.drive(
        server.target, requests, settings.clients, settings.seconds, connections, server.cpu_seconds
    )
    return asyncio.run(drive)


class _Shares:
    """What one text costs outside the server's own work, in microseconds of processor time.

    Attributes:
        tokenizer: to tokenize it, in batches of `_LARGE`.
        fake: in `FakeSession`, in batches of `_LARGE`.
    """

    def __init__(self, model: Path, queries: list[str], rounds: int) -> None:
        loaded = artifact.load(model)
        bare = BareLoop(loaded, _VARIANT)
        rows = bare.tokenize(queries[:_LARGE])
        batch = pad(rows, loaded.manifest.pad_token_id)
        fake = FakeSession(loaded.manifest.dimensions)
        self.tokenizer = [
            _microseconds(lambda: bare.tokenize(queries[:_LARGE])) for _ in range(rounds)
        ]
        self.fake = [_microseconds(lambda: fake.run(*batch)) for _ in range(rounds)]


def _microseconds(run: Callable[[], object], times: int = 50) -> float:
    """For one of `_LARGE` texts."""
    run()
    started = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - started) * 1e6 / times / _LARGE


def _report_shares(report: Report, shares: _Shares) -> None:
    tokenizer = "tokenizer alone, in this process"
    contest.add_median(report, "tokenizer_us", tokenizer, shares.tokenizer, "µs/text")
    contest.add_median(report, "fake_us", "FakeSession alone, by 32", shares.fake, "µs/text")


def _report_case(
    report: Report, case: _Case, measured: dict[str, list[float]], shares: _Shares
) -> None:
    calls, per_call = measured[case.key], case.requests.per_call
    bar = _BARS.get((case.transport, case.fronts, per_call)) if case.requests.tokenizes else None
    contest.add_median(report, f"{case.key}_us", case.title, calls, "µs/call", bar)
    if per_call < _LARGE:
        return
    beyond = median(shares.fake) + case.requests.tokenizes * median(shares.tokenizer)
    texts_cost = [cost / per_call - beyond for cost in calls]
    less = "FakeSession and tokenizer" if case.requests.tokenizes else "FakeSession"
    label = f"{case.title}, for a text, less {less}"
    bar = _BEYOND_BAR if case.requests.tokenizes and not case.fronts else None
    contest.add_median(report, f"{case.key}_beyond_us", label, texts_cost, "µs/text", bar)


if __name__ == "__main__":
    main()
