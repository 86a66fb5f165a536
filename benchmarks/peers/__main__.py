"""Other encoders and servers on the same texts, in the same run, by turns.

    make bench-peers
    python -m benchmarks.peers --model DIR [--quick] [--part offline] [--json FILE]

A peer that is not installed is reported as absent, with the reason, and counts for nothing. Exit
code 1 says that a bar was missed, 2 that the data is not there.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import click
from rich.progress import Progress

from benchmarks import data, encoders, machine, texts
from benchmarks.bare import BareLoop
from benchmarks.conclusion import conclude
from benchmarks.load.contract import TargetSpec
from benchmarks.load.runner import Generator
from benchmarks.load.servers import ServerOptions, running
from benchmarks.peers import infinity, models, offline, served
from benchmarks.peers.child import PeerFailedError
from benchmarks.peers.install import ROOT, Environment
from benchmarks.peers.models import PeerModels
from benchmarks.peers.roster import roster
from benchmarks.progress import say, stages
from benchmarks.report import Report
from bertine import artifact
from bertine.artifact import Artifact
from bertine.config import Transport

PARTS = ("offline", "served")
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)

_CHECKED = 256
_QUICK_TEXTS = 1_000
_LOOPS = 3


@dataclass(frozen=True, slots=True)
class _Settings:
    """The command line."""

    model: Path
    variant: str
    transport: Transport
    rounds: int
    texts: int
    quick: bool
    parts: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of one closed loop."""
        return 2.5 if self.quick else 8.0


@dataclass(slots=True)
class _Run:
    """What the parts of one run share."""

    settings: _Settings
    report: Report
    progress: Progress
    model: Artifact
    models: PeerModels
    source: Path
    folder: Path
    absent: dict[str, str]


@click.command()
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option("--variant", default="int8", show_default=True, help="Which graph of the artifact.")
@click.option("--transport", type=click.Choice(TRANSPORTS), default="grpc", show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--texts", type=click.IntRange(min=256), default=5_000, show_default=True)
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Default: both.")
@click.option("--quick", is_flag=True, help="At most 1,000 texts, short loops, more noise.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the JSON here.")
def main(bars: bool, file: Path | None, **options: Any) -> None:  # noqa: FBT001 - click's flag
    """Measure Bertine beside its peers, offline and served."""
    conclude(lambda: measure(_settings(**options)), file, bars=bars, remark=_remark)


def _remark(report: Report) -> None:
    for name, reason in report.details["absent"].items():
        say(f"[yellow]absent: {name}[/]: {reason}")


def _settings(texts: int, quick: bool, parts: tuple[str, ...], **options: Any) -> _Settings:  # noqa: FBT001 - the command line's
    texts = min(texts, _QUICK_TEXTS) if quick else texts
    return _Settings(texts=texts, quick=quick, parts=parts or PARTS, **options)


def measure(settings: _Settings) -> Report:
    """Run the chosen parts.

    Raises:
        DataAbsentError: the glosses or the queries are not there.
    """
    source, model = data.folder(), artifact.load(settings.model)
    forms = models.prepare(model, settings.variant, ROOT / "models", Environment("ctranslate2"))
    report = Report("peers", _context(settings))
    absent = report.details["absent"] = {}
    with tempfile.TemporaryDirectory(prefix="bertine-") as folder, stages() as progress:
        run = _Run(settings, report, progress, model, forms, source, Path(folder), absent)
        if "offline" in settings.parts:
            _offline(run)
        if "served" in settings.parts:
            _served(run)
    return report


def _context(settings: _Settings) -> dict[str, Any]:
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.model, settings.variant),
        "cache": encoders.CACHE,
        "transport": settings.transport,
        "texts": settings.texts,
        "repeats": settings.rounds,
    }


def _offline(run: _Run) -> None:
    glosses = texts.spread_glosses(run.source, run.settings.texts)
    reference = BareLoop(run.model, "fp32")(glosses)
    entries = roster(run.model, run.settings.variant, run.models)
    task = run.progress.add_task("offline, by turns", total=None)
    found = offline.compete(
        entries,
        offline.write_texts(glosses, run.folder),
        reference,
        run.settings.rounds,
        lambda: run.progress.advance(task),
    )
    run.absent.update(found.absent)
    offline.report_offline(run.report, entries, found)


def _served(run: _Run) -> None:
    queries = texts.shuffled_queries(run.source)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(Generator(spec)) for name, spec in _specs(run, stack).items()
        }
        total = run.settings.rounds * _LOOPS * len(servers)
        task = run.progress.add_task("served, by turns", total=total)
        found = served.compete(
            servers,
            queries,
            run.settings.seconds,
            run.settings.rounds,
            lambda: run.progress.advance(task),
        )
        reference = BareLoop(run.model, "fp32")(queries[:_CHECKED])
        found.cosine = served.quality(servers, queries[:_CHECKED], reference)
    served.report_served(run.report, found)


def _specs(run: _Run, stack: ExitStack) -> dict[str, TargetSpec]:
    """Both servers, or ours alone where the other cannot be started."""
    settings = run.settings
    options = ServerOptions(settings.model, settings.variant, transport=settings.transport)
    ours = stack.enter_context(running(options, run.folder / "data"))
    specs = {served.OURS: TargetSpec("bertine", ours.target)}
    try:
        specs[served.THEIRS] = stack.enter_context(infinity.serving(run.models.folder))
    except PeerFailedError as error:
        run.absent[infinity.NAME] = str(error)
    return specs


if __name__ == "__main__":
    main()
