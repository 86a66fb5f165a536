"""Generations of files in a folder, of which one is current: what a start may believe.

    FOLDER/CURRENT      name of the generation and digest of its manifest, written last
    FOLDER/GENERATION/  manifest.json, which holds the digests of the other files

A generation is written beside the current one, flushed, renamed, and named last: a crash leaves the
old one or the new one. A byte that does not fit makes it worthless, never a guess.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from bertine.errors import StorageError
from bertine.index.checksums import digests

_T = TypeVar("_T")

_CURRENT = "CURRENT"
_MANIFEST = "manifest.json"
_DIGESTS = "digests"


def save(folder: Path, write: Callable[[Path], Mapping[str, Any]], *, threads: int = 1) -> Path:
    """Write a generation and make it the current one; older ones are removed.

    Args:
        folder: of the generations; made if it is not there.
        write: writes the files into a folder, and gives what the manifest says of them.
        threads: that compute digests.

    Returns:
        The generation.

    Raises:
        OSError: the disk is full or cannot be written; the current generation stays.
    """
    name = uuid.uuid4().hex
    draft = folder / f"{name}.draft"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.mkdir()
        content = dict(write(draft))
        digest = _seal(draft, content, threads)
        draft.rename(folder / name)
        _make_current(folder, f"{name} {digest}")
    finally:
        _remove_others(folder)
    return folder / name


def load(
    folder: Path, fits: Callable[[Mapping[str, Any]], object], *, threads: int = 1
) -> tuple[Path, dict[str, Any]]:
    """The current generation, once all its bytes have been checked, and what its manifest says.

    Args:
        folder: of the generations.
        fits: looks at the manifest before the other files are read; raises if it is of no use.
        threads: that compute digests.

    Raises:
        FileNotFoundError: there is none, or a file of it is missing.
        OSError: it cannot be read.
        ValueError: a file is damaged.
        KeyError: the manifest lacks something.
    """
    with checking(folder, fits, threads=threads) as found:
        return found


@contextmanager
def checking(
    folder: Path, fits: Callable[[Mapping[str, Any]], object], *, threads: int = 1
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """As `load`, whose bytes are checked by other threads during a ``with`` block.

    What the block reads counts for nothing before it has ended: only then is a damaged file told.
    """
    name, digest = (folder / _CURRENT).read_text().split()
    current = folder / name
    _check(current, {_MANIFEST: digest}, 1)
    content: dict[str, Any] = json.loads((current / _MANIFEST).read_text())
    fits(content)
    with ThreadPoolExecutor(1, thread_name_prefix="bertine-check") as pool:
        done = pool.submit(_check, current, content.pop(_DIGESTS), threads)
        try:
            yield current, content
        finally:
            done.result()  # its error says more than whatever else comes of a damaged file


def whichever(folder: Path, read: Callable[[], _T]) -> _T:
    """What reading the current generation gives, which another process may replace meanwhile.

    Raises:
        StorageError: as `read` does while the generation stays the same.
    """
    while True:
        before = _named(folder)
        try:
            return read()
        except StorageError:
            if _named(folder) == before:
                raise


def is_empty(folder: Path) -> bool:
    """Whether there is no current generation."""
    return not _named(folder)


def left_over(folder: Path) -> list[Path]:
    """What a save that was cut short, or is under way, has put beside the current generation.

    Raises:
        OSError: the folder is not there or cannot be read.
    """
    kept = {_CURRENT, *_named(folder).split()[:1]}
    return sorted(entry for entry in folder.iterdir() if entry.name not in kept)


def remove_unknown(root: Path, keys: set[int]) -> None:
    """Remove the folders of collections that are no more.

    Args:
        root: holds a folder for each collection, named by its key.
        keys: of the collections that there are.
    """
    names = set(map(str, keys))
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)


def _named(folder: Path) -> str:
    """The text of `CURRENT`, "" where there is none."""
    try:
        return (folder / _CURRENT).read_text()
    except FileNotFoundError:
        return ""


def _seal(draft: Path, content: dict[str, Any], threads: int) -> str:
    """Flush the files and write the manifest; returns its own digest."""
    files = sorted(draft.iterdir())
    for path in files:
        _flush(path)
    content[_DIGESTS] = digests(files, threads)
    manifest = draft / _MANIFEST
    manifest.write_text(json.dumps(content))
    _flush(manifest)
    _flush(draft)
    return digests([manifest], 1)[_MANIFEST]


def _make_current(folder: Path, text: str) -> None:
    draft = folder / f"{_CURRENT}.draft"
    draft.write_text(text)
    _flush(draft)
    draft.replace(folder / _CURRENT)
    _flush(folder)


def _flush(path: Path) -> None:
    """Bring a file's bytes, or a folder's entries, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_others(folder: Path) -> None:
    """Remove what is not the current generation: older ones, and what a failed save left."""
    with suppress(OSError):  # what cannot be read is left alone
        for entry in left_over(folder):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _check(folder: Path, expected: Mapping[str, str], threads: int) -> None:
    found = digests([folder / file for file in expected], threads)
    for file, digest in expected.items():
        if found[file] != digest:
            raise ValueError(f"{file} is damaged")
