"""`bertine verify`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from bertine.catalog import verify as catalog
from bertine.catalog.verify import Check, Report, attempt
from bertine.catalog.verify_events import check_events, check_users
from bertine.catalog.verify_items import check_items
from bertine.cli.progress import progress
from bertine.cli.verify_index import check_indexes
from bertine.cli.verify_learned import check_learned

_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("PROBLEM", "red")}
_NAME_WIDTH = 14
_MARK_WIDTH = 7


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    show_envvar=True,
    help="Folder of the catalog; a server may be using it.",
)
def verify(data: Path) -> None:
    """Check all that must hold in a data folder, and say what to do where it does not.

    \b
    bertine verify --data data

    Reads every row of the catalog, every saved index and what was learned of events, and compares
    index and catalog. Nothing is changed
    and no lock is taken, so a server may run beside it: each is then looked at as of one moment,
    and the catalog's write-ahead log grows until that look ends. A note costs nothing but space or
    time. The exit code is 1 if there is a PROBLEM.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    problems = 0
    for check in findings(data):
        click.echo(line_of(check))
        problems += check.status == "problem"
    if problems:
        click.echo(f"{problems} to mend: what to do stands behind the arrow", err=True)
        sys.exit(1)


def findings(data: Path) -> Iterator[Check]:
    """Everything that `bertine verify` looks at.

    Raises:
        StorageError: the folder holds no catalog that can be opened.
    """
    with catalog.opened(data) as connection:
        for name, check in _FIRST.items():
            yield attempt(name, partial(check, connection))
        if catalog.is_older(connection):
            detail = "of an older Bertine: what is in the tables was not looked at"
            yield Check("schema", "note", detail, "start a server once, and verify again")
            return
        for name, check in _TABLES.items():
            yield attempt(name, partial(check, connection))
        (total,) = connection.execute("SELECT count(*) FROM items").fetchone()
        with progress(total, "items") as report:
            yield from _attempt_items(partial(check_items, connection), report)
        yield attempt("users", partial(check_users, connection, data))
    yield from check_indexes(data)
    yield from check_learned(data)


_FIRST = {"file": catalog.check_file, "references": catalog.check_references}
_TABLES = {
    "sequence": catalog.check_sequence,
    "collections": catalog.check_collections,
    "events": check_events,
}


def _attempt_items(check: Callable[[Report], list[Check]], report: Report) -> list[Check]:
    """As `attempt`, of several checks in one pass."""
    found: list[Check] = []

    def run() -> Check:
        found.extend(check(report))
        return found[-1]

    last = attempt("items", run)
    return found or [last]


def line_of(check: Check) -> str:
    """A line of the table, never wrapped."""
    word, colour = _MARKS[check.status]
    mark = click.style(word.ljust(_MARK_WIDTH), fg=colour)
    remedy = f"  → {check.remedy}" if check.remedy else ""
    return f"{mark} {check.name.ljust(_NAME_WIDTH)} {check.detail}{remedy}"
