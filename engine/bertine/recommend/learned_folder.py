"""What was learned on disk, so that a start need not learn again.

The catalog stays the truth: what does not fit, a damaged byte or another layout, is learned again.

    data/learned/KEY/   see `bertine.index.saved`; a generation is what `Learned.save` writes
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bertine.catalog.event_arrays import Mark
from bertine.errors import StorageError
from bertine.index import saved
from bertine.recommend.learn.learned import Learned

LAYOUT = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What was learned, and of which state of the events.

    Attributes:
        learned: channels and weights.
        mark: of the events.
        time: when, seconds since the epoch.
        seconds: it took.
        fingerprint: of the model that made the vectors.
    """

    learned: Learned
    mark: Mark
    time: float
    seconds: float
    fingerprint: str


def save(folder: Path, kept: Kept) -> None:
    """Write a generation and make it the current one; older ones are removed.

    Args:
        folder: of the collection; made if it is not there.
        kept: what to write.

    Raises:
        StorageError: the disk is full or cannot be written; the current generation stays.
    """

    def write(draft: Path) -> Mapping[str, Any]:
        kept.learned.save(draft)
        return {
            "layout": LAYOUT,
            "mark": list(kept.mark),
            "time": kept.time,
            "seconds": kept.seconds,
            "fingerprint": kept.fingerprint,
            "status": asdict(kept.learned.status),
        }

    try:
        saved.save(folder, write)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error}; what was learned is kept in memory"
        ) from error


def load(folder: Path) -> Kept:
    """Read the current generation.

    Raises:
        StorageError: there is none, or it is damaged or of another layout; says why.
    """
    try:
        current, content = saved.load(folder, _check_layout)
        learned = Learned.load(current)
        mark = Mark(*content["mark"])
        return Kept(learned, mark, content["time"], content["seconds"], content["fingerprint"])
    except FileNotFoundError as error:
        raise StorageError(f"{folder} holds nothing that was learned") from error
    except (OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise StorageError(f"what was learned in {folder} cannot be read: {error}") from error


def remove(folder: Path) -> None:
    """Remove what was learned of a collection; one that is not there is no error."""
    shutil.rmtree(folder, ignore_errors=True)


def _check_layout(content: Mapping[str, Any]) -> None:
    if content["layout"] != LAYOUT:
        raise ValueError("another version of Bertine wrote it")
