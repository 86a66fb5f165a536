"""A trained part on disk, so that a start need not train again.

The catalog stays the truth: a snapshot says which version of which item each of its rows is, and
whoever loads it compares. Anything that does not fit, a damaged byte, another model, another
layout, makes it worthless, never a guess.

    data/index/KEY/CURRENT            name of the generation and digest of its manifest, written
    last data/index/KEY/GENERATION/        manifest.json, vectors.f32, rows.json, times.npy,
    main.faiss
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from bertine.errors import StorageError
from bertine.index.generation import Ivf
from bertine.index.segment import Segment

LAYOUT = 1
_CURRENT = "CURRENT"
_MANIFEST = "manifest.json"
_VECTORS, _ROWS, _TIMES, _FAISS = "vectors.f32", "rows.json", "times.npy", "main.faiss"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What must fit before a snapshot is believed.

    Attributes:
        layout: of the files.
        fingerprint: of the model that made the vectors.
        dimensions: of the vectors.
        count: rows.
        kind: see `Ivf`.
        nprobe: see `Ivf`.
        recall: see `Ivf`.
        digests: SHA-256 of each file, in hex.
    """

    layout: int
    fingerprint: str
    dimensions: int
    count: int
    kind: str
    nprobe: int
    recall: float
    digests: dict[str, str]


def save(folder: Path, fingerprint: str, segment: Segment, ivf: Ivf) -> None:
    """Write a generation and make it the current one; older ones are removed.

    Args:
        folder: of the collection's snapshots; made if it is not there.
        fingerprint: of the model.
        segment: whose rows `ivf` covers. Rows that died since are written too: the versions tell.
        ivf: trained on them.

    Raises:
        StorageError: the disk is full or cannot be written; the current generation stays.
    """
    name = uuid.uuid4().hex
    draft = folder / f"{name}.draft"
    try:
        draft.mkdir(parents=True)
        digests = {file: _write(draft / file, body) for file, body in _bodies(segment, ivf)}
        manifest = Manifest(
            layout=LAYOUT,
            fingerprint=fingerprint,
            dimensions=segment.vectors.shape[1],
            count=segment.count,
            kind=ivf.kind,
            nprobe=ivf.nprobe,
            recall=ivf.recall,
            digests=digests,
        )
        text = json.dumps(asdict(manifest))
        digest = _write(draft / _MANIFEST, lambda path: path.write_text(text))
        draft.rename(folder / name)
        _make_current(folder, f"{name} {digest}")
    except (OSError, RuntimeError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StorageError(
            f"{folder} cannot be written: {error}; the index is kept in memory"
        ) from error
    _remove_others(folder, name)


def load(folder: Path, fingerprint: str) -> tuple[Segment, Ivf]:
    """Read the current generation.

    Returns:
        A segment whose `born` are the versions of its items, and its trained index.

    Raises:
        StorageError: there is none, or it does not fit; says why.
    """
    try:
        name, digest = (folder / _CURRENT).read_text().split()
        current = folder / name
        _check(current / _MANIFEST, digest)
        manifest = Manifest(**json.loads((current / _MANIFEST).read_text()))
        if (manifest.layout, manifest.fingerprint) != (LAYOUT, fingerprint):
            raise ValueError("it is of another model or another version of Bertine")  # noqa: TRY301
        for file, expected in manifest.digests.items():
            _check(current / file, expected)
        return _segment(current, manifest), _ivf(current, manifest)
    except FileNotFoundError as error:
        raise StorageError(f"{folder} holds no snapshot") from error
    except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise StorageError(f"the snapshot in {folder} cannot be read: {error}") from error


def remove_unknown(root: Path, keys: set[int]) -> None:
    """Remove the snapshots of collections that are no more."""
    if root.is_dir():
        for folder in root.iterdir():
            if folder.name not in set(map(str, keys)):
                shutil.rmtree(folder, ignore_errors=True)


def _bodies(segment: Segment, ivf: Ivf) -> list[tuple[str, Callable[[Path], object]]]:
    count = segment.count
    rows = list(zip(segment.ids[:count], segment.attributes[:count], strict=True))
    times = np.stack([segment.born[:count], segment.opens[:count], segment.closes[:count]])
    return [
        (_VECTORS, segment.vectors[:count].astype("<f4", copy=False).tofile),
        (_ROWS, lambda path: path.write_text(json.dumps(rows, separators=(",", ":")))),
        (_TIMES, lambda path: np.save(path, times)),
        (_FAISS, lambda path: faiss.write_index(ivf.faiss_index, str(path))),
    ]


def _write(path: Path, body: Callable[[Path], object]) -> str:
    """Write a file to the disk itself; returns its digest."""
    body(path)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _make_current(folder: Path, text: str) -> None:
    draft = folder / f"{_CURRENT}.draft"
    _write(draft, lambda path: path.write_text(text))
    draft.replace(folder / _CURRENT)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_others(folder: Path, name: str) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != name:
            shutil.rmtree(entry, ignore_errors=True)


def _check(path: Path, expected: str) -> None:
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != expected:
            raise ValueError(f"{path.name} is damaged")


def _segment(current: Path, manifest: Manifest) -> Segment:
    count, dimensions = manifest.count, manifest.dimensions
    segment = Segment(dimensions, count)
    segment.vectors[:count] = np.fromfile(current / _VECTORS, "<f4").reshape(count, dimensions)
    rows: list[tuple[str, dict[str, Any]]] = json.loads((current / _ROWS).read_text())
    segment.ids = [id_ for id_, _ in rows]
    segment.attributes = [_attributes(attributes) for _, attributes in rows]
    born, opens, closes = np.load(current / _TIMES)
    segment.born[:count], segment.opens[:count], segment.closes[:count] = born, opens, closes
    segment.count = count
    return segment


def _attributes(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}


def _ivf(current: Path, manifest: Manifest) -> Ivf:
    index = faiss.read_index(str(current / _FAISS))
    if index.ntotal != manifest.count:
        raise ValueError(f"{_FAISS} holds {index.ntotal} rows, not {manifest.count}")
    return Ivf(index, manifest.kind, manifest.nprobe, manifest.recall)
