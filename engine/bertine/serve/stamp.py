"""By what a changed file is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """By which a changed file is known: a link that points elsewhere changes it too.

    Who copies a file may set the time at which it was modified, but not that of its last change.
    """

    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def stamp_of(path: Path) -> Stamp | None:
    """That of a file, None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as many fields as one call gives
    except OSError:
        return None
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
