"""The live index beside bare FAISS, hnswlib and usearch, and under everything a server does to it.

    python -m benchmarks.index.install          once: hnswlib and usearch, in build/peers
    python -m benchmarks.index --model build/model --json index.json
    python -m benchmarks.index --model build/model --quick
    python -m benchmarks.index --model build/model --parts curve,filters

Exit code 1 says that a bar was missed, 2 that the data is not there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from benchmarks import data, machine
from benchmarks.conclusion import conclude
from benchmarks.index import (
    part_busy,
    part_curve,
    part_durable,
    part_filters,
    part_million,
    part_start,
)
from benchmarks.index.run import FULL, MILLION, Run, Settings, queries
from benchmarks.index.vectors import Cache, Texts, read_texts, save
from benchmarks.progress import say, stages
from benchmarks.report import Report
from bertine.types import Matrix

PARTS: dict[str, Callable[[Run], None]] = {
    "curve": part_curve.measure,
    "filters": part_filters.measure,
    "rebuild": part_busy.rebuild,
    "upserts": part_busy.upserts,
    "durable": part_durable.measure,
    "million": part_million.measure,
    "start": part_start.measure,
}
_QUICK: dict[str, Any] = {
    "size": 20_000,
    "large": 100_000,
    "rounds": 3,
    "seconds": 0.05,
    "random_filters": 2_000,
}
_CACHE = Path(__file__).resolve().parents[2] / "build" / "index"

_EPILOG = """
\b
Parts:
  curve    builds, memory, recall@10 against queries a second (by 1,000, by 64, one by one)
           of the live index, bare FAISS, hnswlib and usearch, by turns, on the same vectors
  filters  recall among matches and speed where 50, 10, 1 and 0.1 % match; leaks
  rebuild  p99 of a searcher during a rebuild against quiet
  upserts  the same during 500 upserts a second
  durable  a real server: 8 writers' items a second, and whether each is there when acknowledged
  million  jittered copies of the corpus: recall, speed, memory, start from a snapshot
  start    a real server with as many items as `million`: seconds from its start to SERVING

The first run encodes 117,659 glosses and 1,000 queries: minutes on an idle machine. It may be
interrupted; what is encoded is kept in the cache.
"""


@click.command(epilog=_EPILOG)
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph encodes.")
@click.option("--parts", default=",".join(PARTS), show_default=True, help="What to measure.")
@click.option(
    "--size",
    type=click.IntRange(500, FULL),
    default=FULL,
    show_default=True,
    help="Glosses in the corpus; the bars of the contest are for all.",
)
@click.option(
    "--large",
    type=click.IntRange(500),
    default=MILLION,
    show_default=True,
    help="Vectors of the parts million and start; their bars are for a million.",
)
@click.option(
    "--queries",
    type=click.IntRange(10, 1_000),
    default=1_000,
    show_default=True,
    help="Of each kind: held-out glosses, and short queries of people.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Of everything; medians count.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.01),
    default=0.25,
    show_default=True,
    help="Least time of one measured point.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Of every contestant; all are bound to so many cores.",
)
@click.option(
    "--writers",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Threads that upsert to the server.",
)
@click.option(
    "--random-filters",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="Filtered queries that are searched for leaks.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=_CACHE,
    show_default="build/index",
    help="Keeps vectors; holds what a part writes.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="20,000 vectors, 3 rounds, half the settings, no million: some minutes, more noise. "
    "What is given beside it is kept.",
)
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
@click.pass_context
def main(context: click.Context, /, bars: bool, file: Path | None, **options: Any) -> None:  # noqa: FBT001 - click's flag
    """Measure the index: quality beside speed, each bar with its verdict."""
    settings = _settings(context, **options)
    conclude(lambda: measure(settings), file, bars=bars, remark=_remark)


def _settings(context: click.Context, parts: str, **options: Any) -> Settings:
    """The command line, with less of everything under ``--quick`` that was not asked for."""
    given = {name for name in options if _given(context, name)}
    if options["quick"]:
        options |= {name: value for name, value in _QUICK.items() if name not in given}
    names = [name.strip() for name in parts.split(",") if name.strip()]
    if options["quick"] and not _given(context, "parts"):
        names = [name for name in names if name not in {"million", "start"}]
    if unknown := set(names) - set(PARTS):
        raise click.BadParameter(
            f"no such part: {', '.join(sorted(unknown))}", param_hint="--parts"
        )
    return Settings(parts=tuple(name for name in PARTS if name in names), **options)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _remark(report: Report) -> None:
    for name, reason in report.details["absent"].items():
        say(f"[yellow]absent: {name}[/]: {reason}; nothing is said against it")
    for label in report.details.get("not_reached", []):
        say(f"[yellow]recall not reached[/]: {label}")
    if "large" in report.details:
        large = report.details["large"]
        say(f"{large['vectors']:,} vectors are {large['made_of']}")


def measure(settings: Settings) -> Report:
    """Run the chosen parts.

    Raises:
        DataAbsentError: the glosses or the queries are not there.
    """
    texts = read_texts(data.folder(), settings.size, settings.queries)
    report = Report("index", _context(settings))
    with stages() as progress, _folder(settings.cache) as folder:
        run = _run(settings, report, progress, texts, folder)
        report.details["absent"] = run.absent
        _bind(settings.threads)
        for part in settings.parts:
            PARTS[part](run)
    return report


@contextmanager
def _folder(cache: Path) -> Iterator[Path]:
    """For what the parts write: beside the vectors, since a disk is what durability is about."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache) as name:
        yield Path(name)


def _run(settings: Settings, report: Report, progress: Progress, texts: Texts, folder: Path) -> Run:
    """Encodes what is not in the cache."""
    cache = Cache(settings.cache, settings.model, settings.variant)
    titles = ("corpus", "held-out glosses", "short queries")
    wanted = (texts.corpus, texts.glosses, texts.short)
    corpus, glosses, short = (
        _encode(cache, progress, title, each) for title, each in zip(titles, wanted, strict=True)
    )
    save(folder / "corpus.npy", corpus)
    return Run(
        settings=settings,
        report=report,
        progress=progress,
        corpus=corpus,
        glosses=queries("glosses", titles[1], glosses, corpus, folder),
        short=queries("short", titles[2], short, corpus, folder),
        file=folder / "corpus.npy",
        folder=folder,
        fingerprint=report.context["model"]["fingerprint"],
    )


def _encode(cache: Cache, progress: Progress, title: str, texts: list[str]) -> Matrix:
    task = progress.add_task(f"vectors: {title}", total=len(texts))
    return cache.encode(texts, lambda count: progress.advance(task, count))


def _bind(threads: int) -> None:
    """Keep this thread, and every process it starts, on so many cores: nobody gets more."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:threads])


def _context(settings: Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "cache": "none, vectors are given",
        "threads": settings.threads,
        "size": settings.size,
        "queries": settings.queries,
        "repeats": settings.rounds,
        "quick": settings.quick,
        "parts": settings.parts,
    }


if __name__ == "__main__":
    main()
