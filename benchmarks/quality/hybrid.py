"""The engine's own recommender, in process, over all items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.cases import Case, Items, Row
from benchmarks.quality.methods import Scores
from bertine.recommend.learn.learned import UNTRAINED, Learned
from bertine.recommend.learn.learning import LearningOptions, learn
from bertine.recommend.learn.taste import Candidates, Taste
from bertine.recommend.profile import DEFAULT_POSITION_HALF_LIFE
from bertine.types import Matrix

CONTEXT = ("by_place", "by_device", "by_week")
"""Channels that read the situation of a call."""


@dataclass(frozen=True)
class Hybrid:
    """Every item scored by every channel, summed with the fitted weights.

    Attributes:
        name: in tables.
        learned: of what is known.
        vectors: float32 ``[items, d]``, unit rows; zero for an item without.
        new_only: whether what the user has seen is left out afterwards.
    """

    name: str
    learned: Learned
    vectors: Matrix
    new_only: bool = False

    def scores(self, rows: Sequence[Row]) -> Scores:
        """See `Method`."""
        everything = Candidates(self.numbers(np.arange(len(self.vectors))), self.vectors)
        return np.stack([self.row_scores(row, everything) for row in rows])

    def row_scores(self, row: Row, candidates: Candidates) -> NDArray[np.float64]:
        """Of one row: float64 ``[candidates]``.

        Without a history all channels count alike: so the server orders what is popular.
        """
        values = self.learned.score(self.taste(row), candidates)
        return np.asarray(values @ self.weights if len(row.history) else values.sum(axis=1))

    @property
    def weights(self) -> NDArray[np.float64]:
        """Of the channels."""
        return self.learned.weights_of(new_only=self.new_only)

    def taste(self, row: Row) -> Taste:
        """What the engine would know of a row's user."""
        back = np.arange(len(row.history) - 1, -1, -1, dtype=np.float64)
        return Taste(
            self.numbers(row.history),
            row.weights * np.exp2(-back / DEFAULT_POSITION_HALF_LIFE),
            self.vectors[row.history],
            row.times,
            row.situation,
            row.weights,
        )

    def proposals(self, row: Row, count: int) -> Items:
        """What the learned channels propose, numbers of the catalog."""
        return self.learned.propose(self.taste(row), count, self.weights)

    def numbers(self, items: Items) -> Items:
        """Items were learned in the order of the catalog, or nothing was learned of any."""
        return items if len(self.learned.item_ids) else np.full(len(items), -1, np.int64)


def hybrid(case: Case, vectors: Matrix, seed: int = 0) -> Hybrid:
    """All channels, weighed on the latest part of what is known."""
    learned = learn(case.known, vectors, LearningOptions(seed=seed), case.catalog.texts)
    return Hybrid("hybrid", learned, vectors, case.new_only)


def of_channels(
    case: Case, vectors: Matrix, name: str, kept: Callable[[str], bool], like: Learned
) -> Hybrid:
    """Only some of the channels that another one has, weighed anew.

    Args:
        case: what is learned from.
        vectors: of the items.
        name: in tables.
        kept: whether a channel stays.
        like: whose channels these are.
    """
    channels = tuple(channel for channel in like.channels if kept(channel))
    learned = learn(case.known, vectors, LearningOptions(channels=channels), case.catalog.texts)
    return Hybrid(name, learned, vectors, case.new_only)


def is_own(channel: str) -> bool:
    """Whether a channel reads the items' texts and the user's own history alone."""
    return channel.startswith("content") or channel in {"repeat", "seen"}


def profile_only(vectors: Matrix) -> Hybrid:
    """Nothing learned of anybody: similarity to the profile of the history."""
    return Hybrid("text only, profile", UNTRAINED, vectors)
