"""What was learned on disk, so that a start need not learn again.

The catalog stays the truth. Anything that does not fit, a damaged byte or another layout, makes it
worthless, never a guess: it is learned again.

    data/learned/KEY/CURRENT      name of the generation and digest of its manifest, written last
    data/learned/KEY/GENERATION/  manifest.json, and what `Learned.save` writes
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bertine.catalog.event_arrays import Mark
from bertine.catalog.folder import flush_folder
from bertine.errors import StorageError
from bertine.index.checksums import digests
from bertine.recommend.learn.learned import Learned

LAYOUT = 1
_CURRENT, _MANIFEST = "CURRENT", "manifest.json"


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
    name = uuid.uuid4().hex
    draft = folder / f"{name}.draft"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.mkdir()
        kept.learned.save(draft)
        digest = _write_manifest(draft, kept)
        draft.rename(folder / name)
        _make_current(folder, f"{name} {digest}")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error}; what was learned is kept in memory"
        ) from error
    finally:
        _remove_others(folder)


def load(folder: Path) -> Kept:
    """Read the current generation.

    Raises:
        StorageError: there is none, or it is damaged or of another layout; says why.
    """
    try:
        name, digest = (folder / _CURRENT).read_text().split()
        current = folder / name
        _check(current, {_MANIFEST: digest})
        raw = json.loads((current / _MANIFEST).read_text())
        _check_layout(raw["layout"])
        _check(current, raw["digests"])
        learned = Learned.load(current)
        return Kept(learned, Mark(*raw["mark"]), raw["time"], raw["seconds"], raw["fingerprint"])
    except FileNotFoundError as error:
        raise StorageError(f"{folder} holds nothing that was learned") from error
    except (OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise StorageError(f"what was learned in {folder} cannot be read: {error}") from error


def remove(folder: Path) -> None:
    """Remove what was learned of a collection; one that is not there is no error."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_unknown(root: Path, keys: set[int]) -> None:
    """Remove what was learned of collections that are no more."""
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in set(map(str, keys)):
            remove(folder)


def _write_manifest(draft: Path, kept: Kept) -> str:
    """The manifest's own digest."""
    files = sorted(draft.iterdir())
    content: dict[str, Any] = {
        "layout": LAYOUT,
        "mark": list(kept.mark),
        "time": kept.time,
        "seconds": kept.seconds,
        "fingerprint": kept.fingerprint,
        "status": asdict(kept.learned.status),
        "digests": digests(files, 1),
    }
    manifest = draft / _MANIFEST
    manifest.write_text(json.dumps(content))
    for path in (*files, manifest):
        _flush(path)
    flush_folder(draft)
    return digests([manifest], 1)[_MANIFEST]


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _make_current(folder: Path, text: str) -> None:
    draft = folder / f"{_CURRENT}.draft"
    draft.write_text(text)
    _flush(draft)
    draft.replace(folder / _CURRENT)
    flush_folder(folder)


def _check_layout(layout: Any) -> None:
    if layout != LAYOUT:
        raise ValueError("another version of Bertine wrote it")


def _check(folder: Path, expected: dict[str, str]) -> None:
    found = digests([folder / file for file in expected], 1)
    for file, digest in expected.items():
        if found[file] != digest:
            raise ValueError(f"{file} is damaged")


def _remove_others(folder: Path) -> None:
    """Remove what is not the current generation: older ones, and what a failed save left."""
    with suppress(OSError, IndexError):
        current = folder / _CURRENT
        kept = {_CURRENT, current.read_text().split()[0]} if current.exists() else {_CURRENT}
        for entry in folder.iterdir():
            if entry.name in kept:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()
