"""Everything that needs a GPU, once: what it computes is right, and how fast it is.

    python -m benchmarks.gpu_check --model build/model --out gpu.json --page gpu.html
    python -m benchmarks.gpu_check --model build/model --device cpu --quick

Each part has a process of its own: one that fails is told, and the others go on. Exit code 1 says
that a bar was missed or a part failed, 2 that there is no GPU and nothing was measured. With
``--device cpu`` the same program runs without one, which says that it works and nothing of a GPU.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from benchmarks import machine
from benchmarks.conclusion import conclude
from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.parts import PARTS, Part, run_part
from benchmarks.gpu_check.present import refuse
from benchmarks.gpu_check.settings import REPOSITORY, Settings
from benchmarks.html.page import page as drawn
from benchmarks.progress import say, stages
from benchmarks.report import Report, at_most
from bertine import artifact
from bertine.encode import opening
from bertine.encode.device import Device, best_variant, missing, parse
from bertine.errors import ArtifactError, BertineError, ConfigError

_RESULTS = REPOSITORY / "benchmarks" / "results"
_NOT_A_GPU = "cpu, not a GPU"

_EPILOG = "\b\nParts:\n" + "\n".join(f"  {part.name:9} {part.title}" for part in PARTS)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be done."""

    settings: Settings
    parts: Sequence[Part]
    seconds: float


@click.command(epilog=_EPILOG)
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Artifact folder.")
@click.option(
    "--device", default="cuda", show_default=True, help="cuda, cuda:N, or cpu to try the program."
)
@click.option("--quick", is_flag=True, help="Very little of everything.")
@click.option("--parts", default=",".join(part.name for part in PARTS), show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0.1), default=7.5, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Also write the JSON here.  [default: benchmarks/results/NAME-OF-THE-GPU.json]",
)
@click.option("--page", type=click.Path(path_type=Path), help="Also draw the results here.")
@click.option("--bars/--no-bars", default=True, show_default=True, help="Fail on a missed bar.")
def main(  # noqa: PLR0913, PLR0917 - click's options
    model: Path,
    device: str,
    quick: bool,  # noqa: FBT001 - click's flag
    parts: str,
    minutes: float,
    out: Path | None,
    page: Path | None,
    bars: bool,  # noqa: FBT001 - click's flag
) -> None:
    """Check encoder, index and server on a GPU, then time them."""
    try:
        settings = _settings(model, device, quick=quick)
    except BertineError as error:
        refuse(error.message)
    asked = _Asked(settings, _chosen(parts), minutes * 60)
    file = out or _place(settings, asked.parts)
    conclude(lambda: measure(asked), file, bars=bars, remark=lambda report: _draw(report, page))


def _settings(model: Path, device: str, *, quick: bool) -> Settings:
    """The command line, if its device is there.

    Raises:
        BertineError: it is not, or there is no model.
    """
    place = parse(device)
    if len(place) > 1 or place[0].kind == "tensorrt":
        raise ConfigError(f"device {device!r}: one of cpu, cuda and cuda:N is checked")
    if problem := missing(place, opening.machine(device)):
        raise ConfigError(problem)
    artifact.load(model)
    return Settings(str(model.resolve()), str(place[0]), quick)


def _chosen(names: str) -> list[Part]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := set(wanted) - {part.name for part in PARTS}:
        raise click.BadParameter(
            f"no such part: {', '.join(sorted(unknown))}", param_hint="--parts"
        )
    return [part for part in PARTS if part.name in wanted]


def _place(settings: Settings, parts: Sequence[Part]) -> Path | None:
    """Among the results that are kept, if all of it ran on a GPU."""
    if not settings.on_gpu or settings.quick or len(parts) < len(PARTS):
        return None
    _RESULTS.mkdir(exist_ok=True)
    return _RESULTS / f"{slug(_device_name(settings.place))}.json"


def slug(name: str) -> str:
    """A device's name as that of a file."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def measure(asked: _Asked) -> Report:
    """Run the parts, each in its process."""
    report = Report("gpu_check", _context(asked))
    found, end = Findings(), time.monotonic() + asked.seconds
    seconds: dict[str, float] = {}
    with stages() as progress:
        for part in asked.parts:
            task = progress.add_task(f"{part.name}: {part.title}", total=1)
            started = time.monotonic()
            found.take(run_part(part, asked.settings, end - started))
            seconds[part.name] = round(time.monotonic() - started, 1)
            progress.advance(task)
    report.figures = found.figures
    missing_parts = {"absent": found.absent, "failed": found.failed}
    report.details = found.details | missing_parts | {"part_seconds": seconds}
    report.add("failed", "sections that failed", len(found.failed), bar=at_most(0))
    report.add("absent", "sections that could not be checked", len(found.absent))
    return report


def _context(asked: _Asked) -> dict[str, Any]:
    settings = asked.settings
    manifest = artifact.load(settings.folder).manifest
    try:
        variant = best_variant(manifest, settings.place.kind)
    except ArtifactError:
        variant = manifest.variants[0].name
    return {
        "machine": machine.describe(),
        "model": machine.describe_model(settings.folder, variant) | {"source": manifest.source},
        "device": _device_name(settings.place),
        "on_gpu": settings.on_gpu,
        "cache": "off",
        "quick": settings.quick,
        "parts": [part.name for part in asked.parts],
    }


def _device_name(place: Device) -> str:
    if place.kind == "cpu":
        return _NOT_A_GPU
    return opening.machine(str(place)).gpus[place.index]


def _draw(report: Report, page: Path | None) -> None:
    say(f"[bold]device: {report.context['device']}[/]")
    for name, reason in report.details["absent"].items():
        say(f"[yellow]absent: {name}[/]: {escape(reason)}")
    for name, reason in report.details["failed"].items():
        say(f"[bold red]failed: {name}[/]: {escape(reason)}")
    if page is not None:
        page.write_text(drawn([json.loads(report.to_json())]), encoding="utf-8")


if __name__ == "__main__":
    main()
