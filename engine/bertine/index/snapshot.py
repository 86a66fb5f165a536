"""A trained part on disk, so that a start need not train again.

The catalog stays the truth: a snapshot says which version of which item each of its rows is, and
whoever loads it compares. Another model's, or another layout's, is worthless, like a damaged one.

    data/index/KEY/   see `saved`; a generation is vectors.f32, ids.bin, attributes.bin,
                      columns.bin, times.npy, main.faiss

Vectors, attributes and columns are mapped, not read: a million rows are there in a few seconds, and
what is never asked for takes no memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np

from bertine.errors import StorageError
from bertine.index import saved
from bertine.index.column_file import ColumnFile, write_columns
from bertine.index.generation import Ivf
from bertine.index.segment import ALIVE, Segment
from bertine.index.stored import StoredAttributes, read_ids, write_attributes, write_ids
from bertine.index.tuning import Tuning
from bertine.types import Matrix

LAYOUT = 3
_VECTORS, _IDS, _TIMES, _FAISS = "vectors.f32", "ids.bin", "times.npy", "main.faiss"
_ATTRIBUTES, _COLUMNS = "attributes.bin", "columns.bin"


class OtherSnapshot(StorageError):
    """A snapshot of another model, or in another version's layout: whole, and of no use here."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What must fit before a snapshot is believed.

    Attributes:
        layout: of the files.
        fingerprint: of the model that made the vectors.
        dimensions: of the vectors.
        count: rows.
        tuning: see `Ivf`, as JSON.
        nprobe: see `Ivf`.
        refine: see `Ivf`.
        columns: attributes that were filtered by.
    """

    layout: int
    fingerprint: str
    dimensions: int
    count: int
    tuning: dict[str, Any]
    nprobe: int
    refine: int
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was loaded.

    Attributes:
        segment: its `born` are the versions of its items.
        ivf: trained on its rows.
    """

    segment: Segment
    ivf: Ivf


@dataclass(frozen=True, slots=True)
class Home:
    """Where an index keeps its trained part, and which model's vectors it holds.

    Attributes:
        folder: of its snapshots.
        fingerprint: of the model.
    """

    folder: Path
    fingerprint: str

    def save(self, segment: Segment, ivf: Ivf) -> None:
        """See `save`."""
        save(self.folder, self.fingerprint, segment, ivf)

    def load(
        self, *, threads: int, meanwhile: Callable[[Segment], object] = lambda _: None
    ) -> Snapshot:
        """See `load`."""
        return load(self.folder, self.fingerprint, threads=threads, meanwhile=meanwhile)


def save(folder: Path, fingerprint: str, segment: Segment, ivf: Ivf, *, threads: int = 1) -> None:
    """Write a generation and make it the current one; older ones are removed.

    The segment then lies in the files that were written: its own copy of vectors, attributes and
    columns is given up for a mapped one.

    Args:
        folder: of the collection's snapshots; made if it is not there.
        fingerprint: of the model.
        segment: whose rows `ivf` covers. Rows that died since are written too: the versions tell.
        ivf: trained on them.
        threads: that compute checksums.

    Raises:
        StorageError: the disk is full or cannot be written; the current generation stays.
    """

    def write(draft: Path) -> Mapping[str, Any]:
        _write(draft, segment, ivf)
        return asdict(_manifest(fingerprint, segment, ivf))

    try:
        _map(segment, saved.save(folder, write, threads=threads), segment.columns.names())
    except (OSError, RuntimeError, ValueError) as error:
        raise StorageError(
            f"{folder} cannot be written: {error}; the index is kept in memory"
        ) from error


def load(
    folder: Path,
    fingerprint: str,
    *,
    threads: int = 1,
    meanwhile: Callable[[Segment], object] = lambda _: None,
) -> Snapshot:
    """Read the current generation.

    Args:
        folder: of the collection's snapshots.
        fingerprint: of the model.
        threads: that compute checksums.
        meanwhile: given the segment while they do; what it made of it counts for nothing if this
            raises.

    Raises:
        OtherSnapshot: it is of another model or layout.
        StorageError: there is none, or it is damaged; says why.
    """

    def fits(content: Mapping[str, Any]) -> None:
        if (content["layout"], content["fingerprint"]) != (LAYOUT, fingerprint):
            raise OtherSnapshot(
                f"the snapshot in {folder} is of no use: it is of another model or another version "
                "of Bertine"
            )

    try:
        with saved.checking(folder, fits, threads=threads) as (current, content):
            manifest = Manifest(**content)
            segment = _segment(current, manifest)
            meanwhile(segment)
        _map(segment, current, manifest.columns)
        return Snapshot(segment, _ivf(current, manifest))
    except FileNotFoundError as error:
        raise StorageError(f"{folder} holds no snapshot") from error
    except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise StorageError(f"the snapshot in {folder} cannot be read: {error}") from error


def _write(folder: Path, segment: Segment, ivf: Ivf) -> None:
    count = segment.count
    segment.vectors[:count].astype("<f4", copy=False).tofile(folder / _VECTORS)
    write_ids(folder / _IDS, segment.ids[:count])
    write_attributes(folder / _ATTRIBUTES, itertools.islice(segment.attributes, count))
    rows = itertools.islice(segment.attributes, count)
    write_columns(folder / _COLUMNS, rows, segment.columns.names())
    times = np.stack([segment.born[:count], segment.opens[:count], segment.closes[:count]])
    np.save(folder / _TIMES, times)
    faiss.write_index(ivf.faiss_index, str(folder / _FAISS))


def _manifest(fingerprint: str, segment: Segment, ivf: Ivf) -> Manifest:
    return Manifest(
        layout=LAYOUT,
        fingerprint=fingerprint,
        dimensions=segment.vectors.shape[1],
        count=segment.count,
        tuning=ivf.tuning.to_json(),
        nprobe=ivf.nprobe,
        refine=ivf.refine,
        columns=segment.columns.names(),
    )


def _map(segment: Segment, folder: Path, used: list[str]) -> None:
    """Let the segment's vectors, attributes and columns be those of the files."""
    count, dimensions = segment.count, segment.vectors.shape[1]
    mapped = np.memmap(folder / _VECTORS, "<f4", "r", shape=(count, dimensions))
    segment.vectors = cast("Matrix", mapped.view(np.ndarray))
    # It reads as the list of dictionaries does; a mapped segment is not appended to.
    segment.attributes = cast("Any", StoredAttributes(folder / _ATTRIBUTES))
    segment.columns.lie_in(ColumnFile(folder / _COLUMNS), used)


def _segment(folder: Path, manifest: Manifest) -> Segment:
    segment = Segment(manifest.dimensions)
    segment.count = manifest.count
    segment.ids = read_ids(folder / _IDS)
    # Numbers of changes and times are stored as one table of float64: exact up to 2 ** 53.
    born, segment.opens, segment.closes = np.load(folder / _TIMES)
    segment.born = born.astype(np.int64)
    segment.died = np.full(manifest.count, ALIVE, np.int64)
    return segment


def _ivf(folder: Path, manifest: Manifest) -> Ivf:
    index = faiss.read_index(str(folder / _FAISS))
    if index.ntotal != manifest.count:
        raise ValueError(f"{_FAISS} holds {index.ntotal} rows, not {manifest.count}")
    return Ivf(index, Tuning.from_json(manifest.tuning), manifest.nprobe, manifest.refine)
