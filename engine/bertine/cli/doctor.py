"""`bertine doctor`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from bertine.cli.check_devices import check_devices
from bertine.cli.check_folders import check_data, check_model
from bertine.cli.check_gpu import check_gpu
from bertine.cli.checks import Finding, check_libraries, check_optional, installed

_MARKS = {"ok": ("ok", "green"), "absent": ("absent", "yellow"), "broken": ("BROKEN", "red")}
_NAME_WIDTH = 24
_MARK_WIDTH = 7


@click.command()
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    show_envvar=True,
    help="Folder that `bertine export` wrote: are its files intact?",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    show_envvar=True,
    help="Folder of the catalog: can it be written to and opened?",
)
def doctor(model: Path | None, data: Path | None) -> None:
    """Check that Bertine can run here, and say what to do where it cannot.

    \b
    bertine doctor
    bertine doctor --model model --data data

    What is absent is needed by some commands only. The exit code is 1 if anything is BROKEN. What
    an accelerator or a library claims is tried out, not believed.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    broken = 0
    for finding in _findings(model, data):
        click.echo(line_of(finding))
        broken += finding.status == "broken"
    if broken:
        click.echo(f"{broken} to mend: the command for each stands behind the arrow", err=True)
        sys.exit(1)


def _findings(model: Path | None, data: Path | None) -> Iterator[Finding]:
    versions = installed()
    yield from check_libraries(versions)
    yield from check_devices()
    yield from check_gpu(versions)
    if model is not None:
        yield from check_model(model)
    if data is not None:
        yield from check_data(data)
    yield from check_optional(versions)


def line_of(finding: Finding) -> str:
    """A line of the table. It is never wrapped: its command can be copied."""
    word, colour = _MARKS[finding.status]
    mark = click.style(word.ljust(_MARK_WIDTH), fg=colour)
    remedy = f"  → {finding.remedy}" if finding.remedy else ""
    return f"{mark} {finding.name.ljust(_NAME_WIDTH)} {finding.detail}{remedy}"
