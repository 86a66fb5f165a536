"""How well the engine recommends, beside simpler methods, on events it has not learned from.

    python -m benchmarks.quality --model build/model --data-set amazon_office --json quality.json
    python -m benchmarks.quality --model build/model --items FILE --sequences FILE
    python -m benchmarks.quality --model build/model --items FILE --events FILE
    python -m benchmarks.quality --model build/model --data-set movietweetings --quick

Exit code 1 says that a bar was missed, 2 that the data is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks import data, machine
from benchmarks.conclusion import conclude
from benchmarks.progress import say, stages
from benchmarks.quality import (
    events,
    files,
    part_accuracy,
    part_context,
    part_diversity,
    part_noise,
    part_precision,
    part_served,
    part_threshold,
    sequences,
)
from benchmarks.quality.cases import Case, sample
from benchmarks.quality.page import page
from benchmarks.quality.run import Run, Settings
from benchmarks.quality.sets import SETS
from benchmarks.quality.tables import print_tables
from benchmarks.report import Report

PARTS: dict[str, Callable[[Run], None]] = {
    "accuracy": part_accuracy.measure,
    "precision": part_precision.measure,
    "diversity": part_diversity.measure,
    "threshold": part_threshold.measure,
    "context": part_context.measure,
    "noise": part_noise.measure,
    "served": part_served.measure,
}
_CACHE = Path(__file__).resolve().parents[2] / "build" / "quality"
_QUICK_ROWS = 500

_EPILOG = """
\b
Files hold JSON lines, or are CSV, TSV or Parquet with named columns; .gz too:
  --items      id, and the text fields
  --sequences  split (train, valid or test), user, history (ids), target
  --events     user, item, time; perhaps weight, place and device
\b
Parts:
  accuracy   every method on the same rows, baselines tuned before the window
  precision  int8 vectors against fp32, a trained index against exact search
  diversity  maximal marginal relevance: accuracy against diversity by lambda
  threshold  what share of users still gets k items, by theta
  context    the hybrid without the channels that read time, place and device
  noise      NDCG@10 by the epsilon of Gaussian noise on the user's vector
  served     the same rows through a real server, and how fast it is
"""


@click.command(epilog=_EPILOG)
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph encodes.")
@click.option("--data-set", type=click.Choice(list(SETS)), help="Of the real data.")
@click.option("--items", type=click.Path(path_type=Path), help="JSON {id: {...}}, or rows.")
@click.option("--sequences", "sequence_file", type=click.Path(path_type=Path), help="Rows.")
@click.option("--events", "event_file", type=click.Path(path_type=Path), help="Rows.")
@click.option(
    "--text-fields",
    default=",".join(files.TEXT_FIELDS),
    show_default=True,
    help="Of --items, joined to what is encoded.",
)
@click.option(
    "--test-share",
    type=click.FloatRange(0.01, 0.5),
    default=0.1,
    show_default=True,
    help="Of time-stamped events, the latest.",
)
@click.option(
    "--targets",
    type=click.Choice(["new", "all"]),
    default="new",
    show_default=True,
    help="Of time-stamped events: items new to the user, or repeats too.",
)
@click.option("--rows", type=click.IntRange(1), help="Of the window at most; default: all.")
@click.option("--parts", default=",".join(PARTS), show_default=True, help="What to measure.")
@click.option("--page", type=click.Path(path_type=Path), help="Write plots here, as HTML.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=_CACHE,
    show_default="build/quality",
    help="Keeps vectors.",
)
@click.option(
    "--transport",
    type=click.Choice(["grpc", "native"]),
    default="grpc",
    show_default=True,
    help="Of the server.",
)
@click.option("--quick", is_flag=True, help="500 rows, baselines not tuned, fewer steps.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(bars: bool, file: Path | None, **options: Any) -> None:  # noqa: FBT001 - click's flag
    """Measure recommendations: accuracy and all that accuracy does not say."""
    sources = {name: options.pop(name) for name in _SOURCES}
    _check(sources)
    settings = _settings(**options)
    conclude(lambda: measure(settings, sources), file, bars=bars, remark=_remark)


_SOURCES = (
    "data_set",
    "items",
    "sequence_file",
    "event_file",
    "text_fields",
    "test_share",
    "targets",
)


def _check(sources: dict[str, Any]) -> None:
    """Exactly one source of rows.

    Raises:
        click.UsageError: none or several.
    """
    files_given = [sources[name] for name in ("sequence_file", "event_file") if sources[name]]
    if len(files_given) + bool(sources["data_set"]) != 1:
        raise click.UsageError("give one of --data-set, --sequences and --events")
    if files_given and not sources["items"]:
        raise click.UsageError("--sequences and --events need --items")


def _settings(parts: str, rows: int | None, quick: bool, **options: Any) -> Settings:  # noqa: FBT001 - click's flag
    names = [name.strip() for name in parts.split(",") if name.strip()]
    if unknown := set(names) - set(PARTS):
        raise click.BadParameter(
            f"no such part: {', '.join(sorted(unknown))}", param_hint="--parts"
        )
    chosen = tuple(name for name in PARTS if name in names)
    at_most = _QUICK_ROWS if quick and rows is None else rows
    return Settings(parts=chosen, rows=at_most, quick=quick, **options)


def measure(settings: Settings, sources: dict[str, Any]) -> Report:
    """Run the chosen parts.

    Raises:
        DataAbsentError: a file is not there.
    """
    case = read(**sources)
    report = Report(f"quality_{case.name}", _context(settings, case))
    with stages() as progress:
        run = Run(settings, case, sample(case.rows, settings.rows), report, progress)
        report.context["rows_measured"] = len(run.rows)
        for part in settings.parts:
            PARTS[part](run)
    report.details["absent"] = run.absent
    report.details["published"] = {name: list(row) for name, row in case.published.items()}
    return report


def read(
    data_set: str | None,
    items: Path | None,
    sequence_file: Path | None,
    event_file: Path | None,
    text_fields: str,
    test_share: float,
    targets: str,
) -> Case:
    """The case that the command line names.

    Raises:
        DataAbsentError: a file is not there.
        DataFaultError: a file cannot be used.
    """
    window = events.Window(test_share, targets == "new")
    if data_set is not None or items is None:
        return SETS[data_set or ""](data.folder(), window)
    names = tuple(name.strip() for name in text_fields.split(","))
    catalog = files.catalog(files.items(items), names)
    if sequence_file is not None:
        return sequences.read(sequence_file, catalog, sequence_file.stem)
    if event_file is None:
        raise click.UsageError("give one of --data-set, --sequences and --events")
    return events.read_case(event_file, catalog, window)


def _remark(report: Report) -> None:
    for name, reason in report.details["absent"].items():
        say(f"[yellow]absent: {name}[/]: {reason}")
    for warning in report.details.get("warnings", ()):
        say(f"[yellow]{warning}[/]")
    print_tables(report)
    target = report.context.pop("page", None)
    if target is not None:
        Path(target).write_text(page(json.loads(report.to_json())), encoding="utf-8")
        say(f"wrote {target}")


def _context(settings: Settings, case: Case) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "data_set": case.name,
        "protocol": case.protocol,
        "remarks": list(case.remarks),
        "items": len(case.catalog),
        "events_known": len(case.known),
        "rows": len(case.rows),
        "cache": "off",
        "repeats": 1,
        "quick": settings.quick,
        "parts": settings.parts,
        "page": None if settings.page is None else str(settings.page),
    }


if __name__ == "__main__":
    main()
