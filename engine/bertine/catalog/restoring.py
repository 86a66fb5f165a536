"""A data folder made from a backup."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from bertine.catalog.backup import Report, copy_file, written
from bertine.catalog.backup_manifest import Manifest, contents_of, read_manifest
from bertine.catalog.connection import translated
from bertine.catalog.folder import LOCK_FILE, FolderLock, flush_folder, make_folder
from bertine.catalog.former_keys import FORMER_FILE
from bertine.catalog.privacy import KEY_FILE
from bertine.catalog.store import FILE
from bertine.errors import Conflict, StorageError

DRAFT = ".restoring"
_KEYS = (KEY_FILE, FORMER_FILE)
_KNOWN = {FILE, *_KEYS}


def restore(backup: Path, data: Path, report: Report = lambda *_: None) -> Manifest:
    """Make the catalog of a data folder from a backup.

    The catalog appears last and whole: cut short, the same call begins anew.

    Args:
        backup: folder that `backup.back_up` made.
        data: data folder without a catalog, made if need be.
        report: told how far it is.

    Raises:
        Conflict: the folder holds a catalog, or what is left of one.
        StorageError: the backup is damaged or of a newer Bertine, a server has the data folder, or
            it cannot be written.
    """
    manifest = read_manifest(backup)
    if FILE not in manifest.files or not manifest.files.keys() <= _KNOWN:
        raise StorageError(f"{backup} lists the files {sorted(manifest.files)}; is it a backup?")
    make_folder(data)
    lock = FolderLock(data)
    try:
        _check_empty(backup, data)
        with written(data):
            _restore(backup, data, manifest, report)
    finally:
        shutil.rmtree(data / DRAFT, ignore_errors=True)
        lock.release()
    return manifest


def _check_empty(backup: Path, data: Path) -> None:
    """Nothing may be there that would be taken for the restored catalog's.

    An old write-ahead log would be replayed into it, and an old index believed where its versions
    happen to agree.
    """
    shutil.rmtree(data / DRAFT, ignore_errors=True)
    keys = [data / name for name in _KEYS]
    for path in sorted(data.iterdir()):
        if path.name in (LOCK_FILE, "lost+found") or (path in keys and _same(backup, path)):
            continue
        raise Conflict(
            f"{data} holds {path.name} already; restore to an empty folder, or move away what is "
            "in this one"
        )


def _same(backup: Path, key: Path) -> bool:
    """Whether a key is the backup's: a restoration that was cut short left it."""
    kept = backup / key.name
    return kept.exists() and kept.read_bytes() == key.read_bytes()


def _restore(backup: Path, data: Path, manifest: Manifest, report: Report) -> None:
    draft = data / DRAFT
    draft.mkdir(mode=0o700)
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        report(done, manifest.size)

    for name, expected in manifest.files.items():
        if copy_file(backup / name, draft / name, advance) != expected:
            raise StorageError(
                f"{backup / name} is damaged: its size or SHA-256 is not what the manifest says; "
                "take another backup"
            )
    _check_contents(draft / FILE, manifest)
    for name in sorted(manifest.files, key=FILE.__eq__):  # the catalog last
        (draft / name).rename(data / name)
        flush_folder(data)


def _check_contents(path: Path, manifest: Manifest) -> None:
    with translated(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        found = contents_of(connection, path)
    if found != manifest.contents:
        raise StorageError(
            f"the manifest tells of sequence {manifest.contents.sequence}, the catalog in the "
            f"backup is of {found.sequence}; take another backup"
        )
