"""Which trained index a collection gets, and how hard it looks: pure decisions over measurements.

A recipe (how many lists, which codes) is built and searched with rising nprobe; for each
refinement factor the least nprobe is kept whose recall is good enough for certain. Of what is left
the fastest is taken. "For certain" is a lower bound of recall@10 over queries, see `recall.wilson`.
One bound is read for each recipe and factor, and all are to hold together: each gets its part of
the doubt (Bonferroni's correction).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.index.recall import CONFIDENCE, queries_needed
from bertine.types import Matrix

REFINES = (2, 4, 8, 16)
"""Candidates taken from the codes for each result wanted, before exact scoring."""

MARGIN = 4
"""Times the tuned nprobe, if it was tuned on held-out items: queries of users lie farther from the
items than items do from each other (docs/LOG.md)."""

ENOUGH_KEPT = 0.9
"""Share of the vectors' squares that principal components must hold to be indexed alone."""

_MANY_DIMENSIONS = 128
_FIRST_PROBES = (1, 2, 3)
_SAME_SPEED = 1.05
_SPARE_QUERIES = 1.25

Source: TypeAlias = Literal["queries", "items"]
"""What an index was tuned on: queries of users, or items held out."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A kind of trained index, whatever the number of items.

    Attributes:
        codes: FAISS's name of the codes in the lists, for example ``PQ192x4fs``.
        lists: number of inverted lists, as a multiple of the square root of the items.
        kept: principal components that are indexed, see `basis`; 0 is the whole vectors.
    """

    codes: str
    lists: float = 4.0
    kept: int = 0

    def list_count(self, items: int) -> int:
        """How many inverted lists: the nearest power of two."""
        return int(2 ** round(math.log2(max(self.lists * math.sqrt(items), 1.0))))

    def describe(self, items: int) -> str:
        """FAISS's factory description for a collection of that size."""
        kept = f"PCA{self.kept}," if self.kept else ""
        return f"{kept}IVF{self.list_count(items)},{self.codes}"

    def whole(self, dimensions: int) -> Recipe:
        """The same for vectors that vary in all dimensions alike."""
        return replace(self, codes=_halves(dimensions), kept=0)


@dataclass(frozen=True, slots=True)
class Setting:
    """A way to search an index.

    Attributes:
        nprobe: inverted lists visited for each query.
        refine: candidates for each result wanted.
    """

    nprobe: int
    refine: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured of one index and one setting.

    Attributes:
        recipe: None is an exact search of all rows.
        kind: FAISS's description, ``exact`` without a recipe.
        setting: of the searches.
        recall: mean recall@10.
        lower: its lower bound.
        seconds: of one query by one thread, a median.
        bytes_per_vector: of the index, without the exact vectors, which are always there.
    """

    recipe: Recipe | None
    kind: str
    setting: Setting
    recall: float
    lower: float
    seconds: float
    bytes_per_vector: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a trained part was chosen for, and on what grounds.

    Attributes:
        trial: the one that was chosen.
        target: recall@10 that its lower bound reaches.
        source: what it was measured on.
        queries: how many of them.
        needed: lists for deeper rows, see `reach.lists_needed`; empty if it was not measured.
    """

    trial: Trial
    target: float
    source: Source
    queries: int
    needed: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For a manifest."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Tuning:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError: it did not.
        """
        trial = dict(raw["trial"])
        trial["recipe"] = Recipe(**trial["recipe"])
        trial["setting"] = Setting(**trial["setting"])
        needed = tuple(raw.get("needed", ()))
        return cls(**(raw | {"trial": Trial(**trial), "needed": needed}))


@dataclass(frozen=True, slots=True)
class Sample:
    """Queries and what an exact search finds for them.

    Attributes:
        source: where the queries come from.
        queries: float32 ``[n, d]``, unit rows.
        truth: int64 ``[n, k]``, the rows that should be found.
    """

    source: Source
    queries: Matrix
    truth: NDArray[np.int64]


def usual(dimensions: int) -> Recipe:
    """The recipe of a collection that nobody tuned: see docs/decisions/0005."""
    kept = dimensions * 2 // 3 // 8 * 8 if dimensions >= _MANY_DIMENSIONS else 0
    return Recipe(_halves(kept or dimensions), 2.0, kept)


def _halves(dimensions: int) -> str:
    """A code of four bits for every two dimensions."""
    return f"PQ{dimensions // 2}x4fs" if dimensions % 2 == 0 else "SQfp16"


def recipes(dimensions: int) -> tuple[Recipe, ...]:
    """What `bertine tune` tries, the usual one first."""
    halves = _halves(dimensions)
    coarser = (f"PQ{dimensions // 4}x4fs",) if dimensions % 4 == 0 else ()
    whole = (Recipe(halves, 2.0), *map(Recipe, (halves, *coarser, "RaBitQ", "SQfp16")))
    return tuple(dict.fromkeys((usual(dimensions), *whole)))


def confidence(recipe_count: int) -> float:
    """Of each bound, so that all of them hold together with `recall.CONFIDENCE`."""
    return 1.0 - (1.0 - CONFIDENCE) / (recipe_count * len(REFINES))


def enough(queries: int, target: float, recipe_count: int) -> bool:
    """Whether so many queries can show the target at all, with some to spare."""
    return queries >= _SPARE_QUERIES * queries_needed(target, confidence(recipe_count))


def probes(lists: int) -> Iterator[int]:
    """Rising values of nprobe up to the number of lists, each at most 1.5 times the one before."""
    yield from (nprobe for nprobe in _FIRST_PROBES if nprobe < lists)
    nprobe = 4
    while nprobe < lists:
        yield nprobe
        if nprobe * 3 // 2 < lists:
            yield nprobe * 3 // 2
        nprobe *= 2
    yield lists


def with_margin(setting: Setting, source: Source, lists: int) -> Setting:
    """The setting to search with, for one that was found by measuring."""
    if source == "queries":
        return setting
    return Setting(min(setting.nprobe * MARGIN, lists), setting.refine)


def choose(trials: Iterable[Trial], target: float) -> Trial | None:
    """The fastest trial that reaches the target for certain; of equally fast ones the smallest.

    Returns:
        None if none reaches it.
    """
    good = [trial for trial in trials if trial.lower >= target]
    if not good:
        return None
    fastest = min(trial.seconds for trial in good)
    rivals: Sequence[Trial] = [trial for trial in good if trial.seconds <= fastest * _SAME_SPEED]
    return min(rivals, key=lambda trial: (trial.bytes_per_vector, trial.seconds))
