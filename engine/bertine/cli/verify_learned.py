"""What `bertine verify` looks at beside catalog and indexes: what was learned of events.

It can be made again, and a start makes what is damaged again by itself: nothing here is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bertine.catalog.rows import read_collection
from bertine.catalog.verify import Check, opened
from bertine.engine import LEARNED_FOLDER
from bertine.errors import NotFound, StorageError
from bertine.recommend import learned_folder
from bertine.recommend.learned_folder import Kept
from bertine.types import Collection

_AGAIN = "nothing: the next start learns it again"
_REMOVED = "nothing: the next start removes it"
_TRIES = 3


def check_learned(data: Path) -> Iterator[Check]:
    """A check for what was learned of each collection, and one of what is left over."""
    root = data / LEARNED_FOLDER
    left: list[str] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        collection = _collection(data, folder.name)
        if collection is None:
            left.append(folder.name)
        else:
            yield _check(folder, collection)
    if left:
        yield Check("learned", "note", f"of no collection: {', '.join(left)}", _REMOVED)


def _collection(data: Path, key: str) -> Collection | None:
    if not key.isdecimal():
        return None
    with opened(data) as connection:
        try:
            return read_collection(connection, int(key))
        except NotFound:
            return None


def _check(folder: Path, collection: Collection) -> Check:
    name = f"learned {collection.name}"
    try:
        kept = _load(folder)
    except StorageError as error:
        return Check(name, "note", error.message, _AGAIN)
    if kept.fingerprint != collection.fingerprint:
        return Check(name, "note", "made with another model's vectors", _AGAIN)
    status = kept.learned.status
    return Check(name, "ok", f"{status.events:,} events of {status.users:,} users")


def _load(folder: Path) -> Kept:
    """The current generation, whichever that is: a server may replace it while it is read."""
    for _ in range(_TRIES - 1):
        try:
            return learned_folder.load(folder)
        except StorageError:
            continue
    return learned_folder.load(folder)
