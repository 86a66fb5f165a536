"""`bertine rotate-key`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from bertine.catalog.folder import FolderLock
from bertine.catalog.privacy import KEY_FILE, rotate
from bertine.cli.durations import duration
from bertine.errors import StorageError


@click.command(name="rotate-key")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--forget-older-than",
    type=duration,
    metavar="DURATION",
    show_envvar=True,
    help="Drop keys that were replaced so long ago: who has not come since is forgotten.  "
    "[default: keep all]",
)
def rotate_key(data: Path, forget_older_than: float | None) -> None:
    """Replace the key of the users' hashes, while no server uses the data folder.

    \b
    bertine rotate-key data
    bertine rotate-key data --forget-older-than 365d

    The old key is kept beside the new one. A user who comes again is found by it, and known by the
    new key from then on. Without the old key, the events of users who did not come are nobody's:
    no id leads to them, and DeleteUser cannot find them either. Backups made before hold the old
    key.
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    if not (data / KEY_FILE).exists():
        raise StorageError(f"{data} has no {KEY_FILE}; give the folder of --data of the server")
    lock = FolderLock(data)
    try:
        kept, dropped = rotate(data, time.time(), forget_older_than)
    finally:
        lock.release()
    click.echo(f"{data} has a new key; {kept:,} former kept, {dropped:,} dropped")
