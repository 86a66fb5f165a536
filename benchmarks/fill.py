"""Puts measured figures into a page: ``python -m benchmarks.fill docs/performance.md R.json ...``.

Between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` goes the table of the benchmark NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from benchmarks.html.__main__ import read
from benchmarks.html.elements import readable
from benchmarks.progress import say


@click.command()
@click.argument("page", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument(
    "results", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def main(page: Path, results: tuple[Path, ...]) -> None:
    """Replace the tables of PAGE by those of RESULTS."""
    text = page.read_text(encoding="utf-8")
    for result in map(read, results):
        text = fill(text, result)
        say(f"{page}: {result['benchmark']}")
    page.write_text(text, encoding="utf-8")


def fill(text: str, result: Mapping[str, Any]) -> str:
    """The page with one result's table.

    Raises:
        click.BadParameter: the page has no place for it.
    """
    begin, end = (f"<!-- {word} {result['benchmark']} -->" for word in ("begin", "end"))
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise click.BadParameter(f"the page has no {begin} ... {end}")
    table = "\n".join([begin, *_table(result), end])
    return pattern.sub(lambda _: table, text)


def _table(result: Mapping[str, Any]) -> Iterator[str]:
    """Markdown: on what it was measured, then a row for each figure."""
    machine = result.get("machine", {})
    yield (
        f"{machine.get('cores')} cores of {machine.get('cpu')}, load average "
        f"{machine.get('load_average_at_start')} at the start, cache "
        f"{result.get('cache', result.get('cache_mb', 'as configured'))}, "
        f"{result.get('repeats', 'several')} rounds.\n"
    )
    yield "| what | figure | bar |"
    yield "|---|---:|---|"
    for key, value in result["figures"].items():
        label, unit = result.get("labels", {}).get(key, (key, ""))
        bar = result.get("bars", {}).get(key)
        verdict = "" if bar is None else f"{bar['bar']}: {'met' if bar['met'] else '**not met**'}"
        shown = "–" if value is None else readable(value)  # noqa: RUF001 - a dash
        yield f"| {label} | {shown} {unit} | {verdict} |"


if __name__ == "__main__":
    main()
