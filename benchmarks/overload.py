"""A server that is asked for three times what it can do, by clients that misbehave.

    python -m benchmarks.overload --model DIR [--seconds 600]

First what the server sustains, and a thousand calls that are given up while they wait. Then another
server, whose queue holds half a deadline, is offered three times that rate, while some calls are
cancelled and some streams are hardly read. Exit code 1 says that a bar was missed, 2 that the data
is not there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from benchmarks import data, machine
from benchmarks.conclusion import conclude
from benchmarks.load import sustained, texts
from benchmarks.load.abandon import Crowd, give_up_all
from benchmarks.load.bench import Bench, Pools, pools
from benchmarks.load.contract import Outcome, TargetSpec
from benchmarks.load.effort import FULL, QUICK, Effort
from benchmarks.load.monitor import Memory
from benchmarks.load.recorder import Recording, percentile
from benchmarks.load.remote import Remote
from benchmarks.load.runner import Generator
from benchmarks.load.servers import Measured, ServerOptions, running
from benchmarks.load.slow_readers import SlowReaders
from benchmarks.load.sustained import Sustained
from benchmarks.load.worker import Cancellations
from benchmarks.progress import say, stages
from benchmarks.report import Report, at_least, at_most
from bertine.encode.cores import usable_cores

_FACTOR = 3.0
_CANCELLED = Cancellations(share=0.05, within=0.3)
_SLOW_STREAMS, _SLOW_PAUSE, _SLOW_TEXTS = 8, 0.5, 16
_SLOW_CALLS = 512
_SLOW_LEAD = 1.0
_UNDER_WAY, _SENT = 1_000, 1_200
# Of work; their deadline is in 120 s, and a call is let in if two fifths of its time suffice.
_ABANDONED_SECONDS = 36.0
_ROOMY_TOKENS = 1 << 24
_QUEUE_SHARE = 0.5
_SAMPLE_SECONDS = 1.0
_P99 = 99.0


@dataclass(frozen=True, slots=True)
class _Settings:
    """The command line."""

    model: Path
    variant: str
    transport: str
    fronts: int
    processes: int
    seconds: float
    deadline: float
    max_waiting_tokens: int
    quick: bool

    def server(self, max_waiting_tokens: int) -> ServerOptions:
        return ServerOptions(
            model=self.model,
            variant=self.variant,
            transport=self.transport,
            fronts=self.fronts,
            max_waiting_tokens=max_waiting_tokens,
        )

    def spec(self, address: str) -> TargetSpec:
        return TargetSpec("bertine", address, connections=self.server(0).connections)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the two servers' parts share."""

    settings: _Settings
    report: Report
    progress: Progress
    pools: Pools
    effort: Effort

    @contextmanager
    def bench(self, max_waiting_tokens: int) -> Iterator[tuple[Bench, Measured]]:
        """A server and a generator for it."""
        options = self.settings.server(max_waiting_tokens)
        with (
            tempfile.TemporaryDirectory(prefix="bertine-") as folder,
            running(options, Path(folder)) as server,
            Generator(self.settings.spec(server.target), self.settings.processes) as generator,
        ):
            yield (
                Bench(
                    effort=self.effort,
                    report=self.report,
                    progress=self.progress,
                    generator=generator,
                    pools=self.pools,
                    server=server,
                ),
                server,
            )


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph of the artifact.")
@click.option("--transport", type=click.Choice(["grpc", "native"]), default="grpc")
@click.option("--fronts", type=click.IntRange(min=0), default=0, help="Of the server.")
@click.option("--processes", type=click.IntRange(min=1), default=1, help="Of the generator.")
@click.option("--seconds", type=click.FloatRange(min=5), default=30.0, show_default=True)
@click.option("--deadline", type=click.FloatRange(min=0.05), default=1.0, show_default=True)
@click.option(
    "--max-waiting-tokens",
    type=click.IntRange(min=0),
    default=0,
    help="Of the server; default: what it encodes in half a deadline.",
)
@click.option("--quick", is_flag=True, help="Measure shorter what is sustained.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(bars: bool, file: Path | None, **options: Any) -> None:  # noqa: FBT001 - click's flag
    """Offer a server three times what it sustains, with clients that misbehave."""
    conclude(lambda: measure(_Settings(**options)), file, bars=bars, remark=_remark)


def _remark(report: Report) -> None:
    for warning in report.details["warnings"]:
        say(f"[yellow]{warning}[/]")


def measure(settings: _Settings) -> Report:
    """Run all parts.

    Raises:
        DataAbsentError: the texts are not there.
    """
    effort = QUICK if settings.quick else FULL
    # Texts of which no two are under way at once: equal ones would be encoded once, for all.
    chosen = replace(pools(data.folder(), effort), glosses=texts.glosses(data.folder()))
    report = Report("overload", _context(settings))
    with stages() as progress:
        run = _Run(settings, report, progress, chosen, effort)
        with run.bench(_ROOMY_TOKENS) as (bench, server):
            base = sustained.measure(bench, server, settings.deadline)
            _report_sustained(report, base)
            _give_up(run, server, base)
        with run.bench(_queue(settings, base)) as (bench, server):
            _overload(run, bench, server, base)
            bench.note_generator()
    return report


def _queue(settings: _Settings, base: Sustained) -> int:
    """Tokens that may wait: more could not be answered in time, less would let the encoder idle."""
    half = base.tokens_per_second * settings.deadline * _QUEUE_SHARE
    return settings.max_waiting_tokens or max(1, round(half))


def _give_up(run: _Run, server: Measured, base: Sustained) -> None:
    per_call = max(1, round(base.closed * _ABANDONED_SECONDS / _SENT))
    pool = run.pools.glosses
    calls = [[pool[(at + step) % len(pool)] for step in range(per_call)] for at in range(_SENT)]
    with Remote(partial(Crowd, run.settings.spec(server.target))) as crowd:
        found = give_up_all(crowd, calls, _UNDER_WAY, server.metrics)
    report = run.report
    report.add("abandoned_calls", "calls given up while they waited", found.calls)
    report.add("abandoned_seconds", "until nothing of them waited", found.seconds, "s")
    # The batch that each core ran at that moment cannot be taken back.
    label = "batches that ended after that"
    report.add("abandoned_batches", label, found.batches_after, bar=at_most(usable_cores()))
    report.details["abandoned"] = asdict(found)


def _overload(run: _Run, bench: Bench, server: Measured, base: Sustained) -> None:
    """Offer the load and watch the server's memory meanwhile."""
    settings = run.settings
    rate = base.offered * _FACTOR
    load = sustained.open_load(bench, rate, settings.deadline, settings.seconds)
    spare = _SLOW_LEAD + settings.seconds
    slow = Remote(partial(SlowReaders, server.target, _slow_calls(run.pools.glosses)))
    with slow, bench.part(f"overload at {rate:.0f} texts/s", round(settings.seconds)) as advance:
        slow.start("run", _SLOW_STREAMS, spare, _SLOW_PAUSE)
        slow.ready(_SLOW_LEAD)
        bench.generator.start(replace(load, cancellations=_CANCELLED))
        memory = _watch(bench.generator, server, advance)
        recording = bench.generator.result()
        run.report.details["slow_streams"] = streams = slow.result()
    bench.recordings["overload"] = recording
    run.report.add("offered", "offered in overload", rate, "texts/s")
    read = streams["answers"] * _SLOW_TEXTS / spare
    _report_goodput(run.report, base, recording, settings.deadline, read)
    _report_memory(run.report, memory)


def _slow_calls(pool: Sequence[str]) -> list[Sequence[str]]:
    """From the end of the pool, where the generator comes last."""
    starts = range(len(pool) - _SLOW_CALLS * _SLOW_TEXTS, len(pool), _SLOW_TEXTS)
    return [pool[start : start + _SLOW_TEXTS] for start in starts]


def _watch(generator: Generator, server: Measured, advance: Callable[[], None]) -> Memory:
    """Sample until the load is over."""
    memory, started = Memory(), time.perf_counter()
    while not generator.ready(_SAMPLE_SECONDS):
        memory.add(time.perf_counter() - started, server.memory_mib())
        advance()
    return memory


def _report_sustained(report: Report, base: Sustained) -> None:
    report.add("sustained_closed", "closed loop, within the deadline", base.closed, "texts/s")
    report.add("best_goodput", "best goodput", base.best, "texts/s")
    report.add("best_offered", "offered for it, or answered", base.offered, "texts/s")
    report.details["sustained"] = base.details


def _report_goodput(
    report: Report, base: Sustained, recording: Recording, deadline: float, slow: float
) -> None:
    """What was answered: of the calls what was in time, of the streams what was read."""
    goodput = recording.throughput(deadline)
    answers, refusals = recording.latencies(), recording.latencies(Outcome.REJECTED)
    refused = percentile(refusals, _P99) * 1e3 if len(refusals) else 0.0
    accepted = percentile(answers, _P99) * 1e3 if len(answers) else 0.0
    report.add("goodput", "answered within the deadline", goodput, "texts/s")
    report.add("slow_goodput", "read by those who read slowly", slow, "texts/s")
    share = (goodput + slow) / base.best
    report.add("goodput_share", "goodput / best, both", share, bar=at_least(0.90))
    report.add("calls_share", "of the calls alone", goodput / base.best)
    report.add("rejected", "calls refused", len(refusals), bar=at_least(1))
    report.add("rejected_p99_ms", "refusals: p99", refused, "ms", at_most(15))
    report.add("accepted_p99_ms", "answers: p99", accepted, "ms")
    report.add("late", "calls that ran into their deadline", recording.count(Outcome.LATE))
    report.add("failed", "calls that failed", recording.count(Outcome.FAILED), bar=at_most(0))
    report.details["overload"] = recording.summary()


def _report_memory(report: Report, memory: Memory) -> None:
    report.add("memory_mib", "server's memory, at most", max(memory.mebibytes), "MiB")
    report.add("memory_slope", "memory, second half", memory.slope, "MiB/min")
    report.add("memory_growth", "middle to end", memory.growth, bar=at_most(0.05))
    report.details["memory"] = asdict(memory)


def _context(settings: _Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "transport": settings.transport,
        "fronts": settings.fronts,
        "seconds": settings.seconds,
        "deadline": settings.deadline,
        "factor": _FACTOR,
        "texts_per_call": sustained.PER_CALL,
        "quick": settings.quick,
    }


if __name__ == "__main__":
    main()
