"""What the parts of one run share."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from benchmarks.index.child import Worker
from benchmarks.index.truth import TOP_K, kth_best
from benchmarks.report import Report
from bertine.types import Matrix, Vector

FULL = 116_659
MILLION = 1_000_000
IVF_MIN_ITEMS = 20_000


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line.

    Attributes:
        model: artifact folder.
        variant: which graph encodes.
        size: vectors of the corpus.
        large: vectors of the part `million`.
        queries: of each kind.
        rounds: of every contest.
        seconds: least time of one measured point.
        threads: of every contestant.
        writers: threads that upsert to a server.
        random_filters: filtered queries that are searched for leaks.
        parts: what is measured.
        cache: folder for vectors, and for all that a part writes.
        quick: less of everything.
    """

    model: Path
    variant: str
    size: int
    large: int
    queries: int
    rounds: int
    seconds: float
    threads: int
    writers: int
    random_filters: int
    parts: tuple[str, ...]
    cache: Path
    quick: bool

    @property
    def full(self) -> bool:
        """Whether figures that are bound to all glosses can be held against their bars."""
        return self.size == FULL

    @property
    def million(self) -> bool:
        """The same for a million."""
        return self.large == MILLION


@dataclass(frozen=True)
class Queries:
    """One kind of queries.

    Attributes:
        name: in keys.
        title: in tables.
        vectors: float32 ``[n, d]``, unit rows.
        file: the same on disk.
        corpus: what is searched.
    """

    name: str
    title: str
    vectors: Matrix
    file: Path
    corpus: Matrix

    @cached_property
    def least(self) -> Vector:
        """The score that a hit must have to be one of the ten best."""
        return kth_best(self.corpus, self.vectors, TOP_K)


@dataclass(slots=True)
class Run:
    """A run.

    Attributes:
        settings: the command line.
        report: what is found.
        progress: shows what is done.
        corpus: float32 ``[size, d]``, unit rows.
        glosses: held-out glosses.
        short: short queries of people.
        file: the corpus on disk.
        folder: for what a part writes; gone afterwards.
        fingerprint: of the model.
        absent: why something took no part.
    """

    settings: Settings
    report: Report
    progress: Progress
    corpus: Matrix
    glosses: Queries
    short: Queries
    file: Path
    folder: Path
    fingerprint: str
    absent: dict[str, str] = field(default_factory=dict)

    def live(self, module: str = "live", **options: Any) -> Worker:
        """A process with a live index, not started."""
        return Worker(module, Path(sys.executable), {**self.live_options, **options})

    @property
    def live_options(self) -> Mapping[str, Any]:
        """Of a live index: it has a trained part at any size of this benchmark."""
        return {
            "dimensions": self.corpus.shape[1],
            "threads": self.settings.threads,
            "top_k": TOP_K,
            "ivf_min_items": min(IVF_MIN_ITEMS, self.settings.size),
            "fingerprint": self.fingerprint,
        }


def queries(name: str, title: str, vectors: Matrix, corpus: Matrix, folder: Path) -> Queries:
    """Queries, written to a file that workers read."""
    file = folder / f"{name}.npy"
    np.save(file, vectors)
    return Queries(name, title, vectors, file, corpus)
