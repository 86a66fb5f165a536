"""`bertine backup` and `bertine restore`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bertine.catalog.backup import back_up, place_of
from bertine.catalog.backup_manifest import Contents
from bertine.catalog.restoring import restore as restore_backup
from bertine.cli.progress import progress

_MEBIBYTE = 1 << 20
_STEPS = 1_000


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    show_envvar=True,
    help="Folder of the catalog; a server may be using it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    show_envvar=True,
    help="Where the backup goes; in a folder that exists it gets a name with the time.",
)
@click.option("--force", is_flag=True, show_envvar=True, help="Replace a backup that is there.")
def backup(data: Path, out: Path, *, force: bool) -> None:
    """Copy a catalog, of one state, while a server goes on using it.

    \b
    bertine backup --data data --out backups/monday
    bertine backup --data data --out backups/        # backups/bertine-20261124T060000Z

    The backup is a folder of the catalog, the key of its users' hashes, and a manifest with their
    SHA-256. Keep it as private as the data folder; whoever is deleted later is still in it. It
    appears under its name when it is whole and on disk. One that was killed leaves a folder
    .NAME.bertine-draft, which the next of that name uses again.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    place = place_of(out)
    with _bytes() as report:
        manifest = back_up(data, place, force=force, report=report)
    size = manifest.size / _MEBIBYTE
    click.echo(f"{place} holds {_described(manifest.contents)}; {size:,.1f} MiB")


@click.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    show_envvar=True,
    help="Folder without a catalog, for `bertine serve`; made if it is not there.",
)
def restore(backup: Path, data: Path) -> None:
    """Make a data folder from a backup, whose files must be as they were written.

    \b
    bertine restore backups/monday --data data
    bertine serve --model model --data data

    The folder must be empty: move away one that holds a catalog, with all that is in it. A server
    that starts on the restored one trains its indexes anew.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    with _bytes() as report:
        manifest = restore_backup(backup, data, report)
    click.echo(f"{data} holds {_described(manifest.contents)}")


def _described(contents: Contents) -> str:
    return (
        f"{contents.items:,} items in {len(contents.collections):,} collections, "
        f"sequence {contents.sequence:,}"
    )


@contextmanager
def _bytes() -> Iterator[Callable[[int, int], None]]:
    """Progress of bytes whose number is known only when they come."""
    with progress(_STEPS, "MiB") as report:

        def scaled(done: int, total: int) -> None:
            report(_STEPS * done // max(total, 1), done // _MEBIBYTE)

        yield scaled
