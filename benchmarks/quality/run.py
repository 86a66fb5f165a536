"""What the parts of one run share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.progress import Progress

from benchmarks.index.vectors import Cache
from benchmarks.quality.cases import Case, Row
from benchmarks.quality.evaluation import TOP_K, Outcome, evaluate
from benchmarks.quality.hybrid import Hybrid, hybrid
from benchmarks.quality.methods import Method
from benchmarks.report import Report
from bertine.types import Matrix

OFFICE = "amazon_office"
"""The data set that the published figures, and the bars held against them, are for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line.

    Attributes:
        model: artifact folder.
        variant: which graph encodes.
        parts: what is measured.
        rows: of the test window at most, whole users drawn; None for all.
        cache: folder of vectors.
        page: where the plots go; None for nowhere.
        transport: of the server.
        quick: fewer rows and steps.
    """

    model: Path
    variant: str
    parts: tuple[str, ...]
    rows: int | None
    cache: Path
    page: Path | None
    transport: str
    quick: bool


@dataclass
class Run:
    """A run.

    Attributes:
        settings: the command line.
        case: the data set, split.
        rows: of it that are measured.
        report: what is found.
        progress: shows what is done.
        outcomes: of every method that was measured, by name.
        absent: why something took no part.
    """

    settings: Settings
    case: Case
    rows: Sequence[Row]
    report: Report
    progress: Progress
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether every row of the window is measured, as bars ask for."""
        return len(self.rows) == len(self.case.rows)

    @property
    def has_texts(self) -> bool:
        """Whether content can say anything."""
        return any(self.case.catalog.texts)

    @cached_property
    def vectors(self) -> Matrix:
        """Of the items, by the variant of the command line."""
        return self.encoded(self.settings.variant)

    @cached_property
    def hybrid(self) -> Hybrid:
        """The engine's own recommender, learned from what is known of the case."""
        return hybrid(self.case, self.vectors)

    def encoded(self, variant: str) -> Matrix:
        """float32 ``[items, d]``, unit rows; zero for an item without a text."""
        texts = self.case.catalog.texts
        filled = [number for number, text in enumerate(texts) if text]
        if not filled:
            return np.zeros((len(texts), 1), np.float32)
        task = self.progress.add_task(f"vectors, {variant}", total=len(filled))
        cache = Cache(self.settings.cache, self.settings.model, variant)
        found = cache.encode(
            [texts[number] for number in filled], lambda n: self.progress.advance(task, n)
        )
        vectors = np.zeros((len(texts), found.shape[1]), np.float32)
        vectors[filled] = found
        return vectors

    def outcome(self, method: Method, k: int = TOP_K) -> Outcome:
        """Rank all items for every row; a method of the same name and length is asked once."""
        key = f"{method.name} {k}"
        if key not in self.outcomes:
            task = self.progress.add_task(method.name, total=len(self.rows))
            done: Callable[[int], None] = lambda n: self.progress.advance(task, n)  # noqa: E731 - a callback
            self.outcomes[key] = evaluate(method, self.case, self.rows, done, k=k)
        return self.outcomes[key]


def key_of(name: str) -> str:
    """A method's name in keys."""
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower()).strip("_")
