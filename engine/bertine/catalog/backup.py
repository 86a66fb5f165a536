"""A copy of a catalog of one state, taken while a server writes to it.

    BACKUP/manifest.json      which state it is, size and SHA-256 of the other files
    BACKUP/catalog.sqlite3    the catalog, without a write-ahead log
    BACKUP/user.key           without which its events belong to nobody
    BACKUP/user.keys.old      keys before it, if there are any

It holds everything there is to know: keep it as private as the data folder. It has no index and
nothing that was learned of events, which a server makes again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

from bertine.catalog.backup_manifest import (
    MANIFEST_FILE,
    Contents,
    Manifest,
    Saved,
    contents_of,
    read_manifest,
)
from bertine.catalog.connection import open_reading, translated
from bertine.catalog.exchange import exchange
from bertine.catalog.folder import LOCK_FILE, FolderLock, flush_folder
from bertine.catalog.former_keys import FORMER_FILE
from bertine.catalog.privacy import KEY_FILE
from bertine.catalog.store import FILE
from bertine.errors import Conflict, StorageError

Report: TypeAlias = Callable[[int, int], None]
"""Told how many bytes are done, and of how many."""

CHUNK = 1 << 20
_PAGES = 256
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def place_of(out: Path) -> Path:
    """Where a backup goes: `out` itself, or a new name in it if it is a folder of other things."""
    if not out.is_dir() or (out / MANIFEST_FILE).exists():
        return out
    return out / f"bertine-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"


def back_up(
    data: Path, place: Path, *, force: bool = False, report: Report = lambda *_: None
) -> Manifest:
    """Copy the catalog of a data folder, whether a server has it or not.

    The server goes on reading and writing. Until the copy ends, its write-ahead log grows with
    what is written, and what is erased meanwhile stays in that log.

    Args:
        data: the data folder.
        place: of the backup, whose parent exists; it appears there whole, or not at all.
        force: replace a backup that is there.
        report: told how far it is.

    Raises:
        Conflict: something is there that may not be replaced.
        StorageError: the catalog cannot be read or is damaged, or the copy cannot be written.
    """
    if not (data / FILE).is_file():
        raise StorageError(f"{data} holds no catalog: there is nothing to copy")
    _check_place(data, place, force=force)
    with _drafted(place) as draft:
        contents = _copy_catalog(data / FILE, draft / FILE, report)
        for name in (KEY_FILE, FORMER_FILE):
            if (data / name).exists():
                copy_file(data / name, draft / name)
        names = sorted(path.name for path in draft.iterdir() if path.name != LOCK_FILE)
        manifest = Manifest.new(contents, {name: _flushed(draft / name) for name in names})
        write_new(draft / MANIFEST_FILE, manifest.to_json().encode())
        _publish(draft, place)
    return manifest


def _check_place(data: Path, place: Path, *, force: bool) -> None:
    if data.resolve() in (place.resolve(), *place.resolve().parents):
        raise Conflict(f"{place} is in the data folder; give a place outside of it")
    if not os.path.lexists(place):
        return
    if not force:
        raise Conflict(f"{place} is there already; give another name, or --force to replace it")
    try:
        read_manifest(place)
    except (OSError, StorageError) as error:
        raise Conflict(f"{place} is not a backup, so it is not replaced; give another") from error


@contextmanager
def _drafted(place: Path) -> Iterator[Path]:
    """An empty folder beside the place, locked; whatever is left of it in the end is removed.

    One that a killed process left is used again.
    """
    draft = place.with_name(f".{place.name}.bertine-draft")
    with written(draft):
        draft.mkdir(mode=0o700, exist_ok=True)
    lock = FolderLock(draft)
    try:
        for path in draft.iterdir():
            if path.name != LOCK_FILE:
                path.unlink()
        with written(draft):
            yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        lock.release()


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Raise the operating system's complaints about a place as `StorageError`."""
    try:
        yield
    except OSError as error:
        advice = "free some space there" if error.errno == errno.ENOSPC else "is it writable?"
        raise StorageError(
            f"{path}: {error.strerror or error}; {advice}, or give another place"
        ) from error


def _copy_catalog(source: Path, target: Path, report: Report) -> Contents:
    """Copy one state, page by page, and look at the copy.

    The read transaction is what makes it one state: without it the copying would begin anew after
    every commit of the server's.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with (
        translated(source),
        closing(open_reading(source)) as reading,
        closing(sqlite3.connect(target, isolation_level=None)) as writing,
    ):
        reading.execute("BEGIN")
        contents = contents_of(reading, source)
        (page,) = reading.execute("PRAGMA page_size").fetchone()
        with _room_at(target):
            writing.execute("PRAGMA synchronous = OFF")  # the whole file is flushed later
            reading.backup(writing, pages=_PAGES, progress=partial(_pages_done, report, page))
            writing.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        (found,) = writing.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        words = " ".join(found.split())
        raise StorageError(f"{source} is damaged ({words}); restore an older backup")
    return contents


def _pages_done(report: Report, page: int, _status: int, left: int, total: int) -> None:
    report((total - left) * page, total * page)


@contextmanager
def _room_at(target: Path) -> Iterator[None]:
    """Tell a full disk under the copy from one under the catalog."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in _FULL:
            raise StorageError(
                f"{target}: {error}; free some space there, or give another place"
            ) from error
        raise


def _flushed(path: Path) -> Saved:
    """Flush a file to the disk; its size and digest."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Saved(path.stat().st_size, digest)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, to the disk itself."""
    with new_file(path) as stream:
        stream.write(data)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that only its owner can read; on the disk itself afterwards."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def copy_file(source: Path, target: Path, report: Callable[[int], None] = lambda _: None) -> Saved:
    """Copy a file; the size and digest of what was copied.

    Args:
        source: is read once.
        target: is new; only its owner can read it.
        report: told of each chunk's size.
    """
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, new_file(target) as writing:
        while chunk := reading.read(CHUNK):
            writing.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            report(len(chunk))
    return Saved(size, digest.hexdigest())


def _publish(draft: Path, place: Path) -> None:
    """Give the backup its name; one that is replaced has it until then, and is removed."""
    (draft / LOCK_FILE).unlink()
    flush_folder(draft)
    if not place.exists():
        draft.rename(place)
    elif not exchange(draft, place):
        old = place.with_name(f".{place.name}.bertine-old")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
        draft.rename(place)
        shutil.rmtree(old, ignore_errors=True)
    flush_folder(place.absolute().parent)
