"""The whole first path on real texts: encode, import, survive a crash, embed, search.

    python -m benchmarks.main_path --model DIR [--items 20000] [--variant int8]

Exit code 1 says that a bar was missed, 2 that the data is not there.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import psutil
from rich.progress import Progress

from benchmarks import data, importing, latency, machine, offline
from benchmarks.conclusion import conclude
from benchmarks.data import Gloss
from benchmarks.importing import COLLECTION
from benchmarks.metrics import percentiles
from benchmarks.progress import stages
from benchmarks.report import Report, at_least, at_most
from bertine.client import Client
from bertine.testing import ServerProcess

_OFFLINE_TEXTS = 5_000
_STAGE_QUERIES = 300
_START_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Settings:
    """The command line."""

    model: Path
    items: int | None
    variant: str
    repeats: int
    queries: int
    crash: bool


@dataclass(slots=True)
class _Run:
    """What the parts of one run share."""

    settings: _Settings
    report: Report
    progress: Progress
    glosses: list[Gloss]
    queries: list[str]
    folder: Path

    @property
    def file(self) -> Path:
        """The rows to import."""
        return self.folder / "glosses.jsonl"

    def server(self, name: str) -> ServerProcess:
        """A server, not started, whose data folder has that name."""
        return ServerProcess(
            self.settings.model,
            self.folder / name,
            *("--variant", self.settings.variant, "--log-level", "warning"),
            # Searches ask what was embedded just before: a cache would answer for the encoder.
            *("--cache-mb", "0", "--no-coalesce"),
            ready_seconds=_START_SECONDS,
        )


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--items", type=click.IntRange(min=1_000), help="How many glosses; default all.")
@click.option("--variant", default="int8", show_default=True, help="Which graph of the artifact.")
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--queries", type=click.IntRange(min=100), default=2_000, show_default=True)
@click.option("--crash/--no-crash", default=True, show_default=True, help="Kill half-way as well.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(bars: bool, file: Path | None, **options: Any) -> None:  # noqa: FBT001 - click's flag
    """Measure the main path of a real server on WordNet glosses and real queries."""
    conclude(lambda: measure(_Settings(**options)), file, bars=bars)


def measure(settings: _Settings) -> Report:
    """Run all parts.

    Raises:
        DataAbsentError: the glosses or the queries are not there.
    """
    source = data.folder()
    glosses = data.glosses(source, settings.items)
    queries = data.short_queries(source)
    random.Random(0).shuffle(queries)  # noqa: S311 - a fixed order, not a secret
    report = Report("main_path", _context(settings, len(glosses)))
    with tempfile.TemporaryDirectory(prefix="bertine-") as folder, stages() as progress:
        run = _Run(settings, report, progress, glosses, queries, Path(folder))
        importing.write_rows(glosses, run.file)
        _measure_import(run)
        _measure_serving(run)
        if settings.crash:
            _measure_crash(run)
    return report


def _context(settings: _Settings, items: int) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "items": items,
        "repeats": settings.repeats,
        "queries": settings.queries,
    }


def _measure_import(run: _Run) -> None:
    """Import everything, between two measurements of how fast it could be encoded offline."""
    measured = _offline(run, "offline, before")
    task = run.progress.add_task("import", total=len(run.glosses))
    with run.server("data") as server:
        seconds = importing.run_import(
            server, run.file, lambda stored: run.progress.update(task, completed=stored)
        )
        stored = importing.stored_items(server)
        run.progress.update(task, completed=stored)
        memory = psutil.Process(server.process.pid).memory_info().rss / 2**20
    for name, rates in _offline(run, "offline, after").items():
        measured[name] += rates
    _report_import(run.report, measured, len(run.glosses) / seconds, len(run.glosses) - stored)
    run.report.add("server_memory_mib", "server's memory after the import", memory, "MiB")


def _offline(run: _Run, title: str) -> dict[str, list[float]]:
    step = max(1, len(run.glosses) // _OFFLINE_TEXTS)
    texts = [gloss.text for gloss in run.glosses[::step]][:_OFFLINE_TEXTS]
    task = run.progress.add_task(title, total=2 * run.settings.repeats)
    return offline.rates(
        run.settings.model,
        run.settings.variant,
        texts,
        run.settings.repeats,
        lambda: run.progress.advance(task),
    )


def _report_import(
    report: Report, measured: dict[str, list[float]], rate: float, missing: int
) -> None:
    best = offline.best_median(measured)
    encoder, raw = median(measured["encoder"]), median(measured["raw_loop"])
    report.details["offline_texts_per_second"] = measured
    report.add("offline_encoder", "offline: Encoder", encoder, "texts/s")
    report.add("offline_raw_loop", "offline: bare ONNX Runtime, sorted, by 32", raw, "texts/s")
    report.add("import_rate", "bertine import, process start to end", rate, "items/s")
    report.add("import_share", "import / the faster offline rate", rate / best, bar=at_least(0.8))
    report.add("import_missing", "items missing after the import", missing, bar=at_most(0))


def _measure_serving(run: _Run) -> None:
    """Latency of a server that was started on the full data folder."""
    started = time.perf_counter()
    with run.server("data") as server, server.client(_START_SECONDS) as client:
        seconds = time.perf_counter() - started
        run.report.add("start_seconds", "server start to SERVING, full data folder", seconds, "s")
        run.report.details["index"] = latency.wait_until_settled(client, COLLECTION)
        _report_latency(run, client)
        fresh = run.queries[-_STAGE_QUERIES:]
        run.report.details["stages"] = latency.stages(server.target, COLLECTION, fresh)


def _report_latency(run: _Run, client: Client) -> None:
    queries = run.queries[: latency.WARM_UP + run.settings.queries]
    embedded = _timed(run, "Embed", lambda text: client.embed([text], input_type="query"), queries)
    searched = _timed(run, "Search", lambda text: client.search(COLLECTION, text), queries)
    task = run.progress.add_task("reading vectors", total=len(run.glosses))
    stored = latency.stored_vectors(client, COLLECTION, lambda: run.progress.advance(task))
    for name, taken, bar in (("embed", embedded, 3.5), ("search", searched, 6.0)):
        for percentile, value in percentiles(taken.seconds).items():
            limit = at_most(bar) if percentile == "p50" else None
            label = f"{name.title()}, one client, one short text: {percentile}"
            run.report.add(f"{name}_{percentile}_ms", label, value, "ms", limit)
    share = latency.served_recall(stored, embedded, searched)
    run.report.add("search_recall_at_10", "recall@10 of these searches, against exact", share)


def _timed(run: _Run, title: str, call: Any, queries: list[str]) -> latency.Timed:
    task = run.progress.add_task(title, total=run.settings.queries)
    return latency.timed(call, queries, lambda: run.progress.advance(task))


def _measure_crash(run: _Run) -> None:
    task = run.progress.add_task("crash, restart, import", total=len(run.glosses))
    crash = importing.crash_and_resume(
        lambda: run.server("crash"),
        run.file,
        lambda stored: run.progress.update(task, completed=stored),
    )
    report = run.report
    report.add("crash_stored", "SIGKILL half-way: items after restart", crash.stored_after)
    report.add("crash_forgotten", "acknowledged but gone after it", crash.forgotten, bar=at_most(0))
    report.add("crash_damage", "lost, doubled or alien in the end", crash.damage, bar=at_most(0))
    report.add("crash_start_seconds", "restart to SERVING", crash.start_seconds, "s")
    report.add("crash_passed_seconds", "import past what was there", crash.passed_seconds, "s")
    report.add("crash_resume_seconds", "import to the end", crash.resume_seconds, "s")
    report.add("repeat_seconds", "import again with everything there", crash.repeat_seconds, "s")


if __name__ == "__main__":
    main()
