"""Results of any benchmarks as one page that needs no network.

python -m benchmarks.html serve.json peers.json host.json --out report.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from benchmarks.html.page import page
from benchmarks.progress import say


@click.command()
@click.argument(
    "results", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The page to write.")
def main(results: tuple[Path, ...], out: Path) -> None:
    """Draw the JSON files that benchmarks wrote."""
    out.write_text(page([read(path) for path in results]), encoding="utf-8")
    say(f"wrote {out}")


def read(path: Path) -> dict[str, Any]:
    """A result: the last line of a file, so that a benchmark's whole output will do.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8").strip().rpartition("\n")[2])
    except ValueError as error:
        raise click.BadParameter(f"{path} is no result of a benchmark: {error}") from error
    if not isinstance(result, dict) or "benchmark" not in result:
        raise click.BadParameter(f"{path} is no result of a benchmark: it names none")
    return result


if __name__ == "__main__":
    main()
