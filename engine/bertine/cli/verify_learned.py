"""What `bertine verify` looks at beside catalog and indexes: what was learned of events.

It can be made again, and a start makes what is damaged again by itself: nothing here is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bertine.catalog.verify import Check, collection_of
from bertine.engine import LEARNED_FOLDER
from bertine.errors import StorageError
from bertine.index import saved
from bertine.recommend import learned_folder
from bertine.types import Collection

_AGAIN = "nothing: the next start learns it again"
_REMOVED = "nothing: the next start removes it"


def check_learned(data: Path) -> Iterator[Check]:
    """A check for what was learned of each collection, and one of what is left over."""
    root = data / LEARNED_FOLDER
    left: list[str] = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        collection = collection_of(data, folder.name)
        if collection is None:
            left.append(folder.name)
        else:
            yield _check(folder, collection)
    if left:
        yield Check("learned", "note", f"of no collection: {', '.join(left)}", _REMOVED)


def _check(folder: Path, collection: Collection) -> Check:
    name = f"learned {collection.name}"
    try:
        kept = saved.whichever(folder, partial(learned_folder.load, folder))
    except StorageError as error:
        return Check(name, "note", error.message, _AGAIN)
    if kept.fingerprint != collection.fingerprint:
        return Check(name, "note", "made with another model's vectors", _AGAIN)
    status = kept.learned.status
    return Check(name, "ok", f"{status.events:,} events of {status.users:,} users")
