"""What is known of a user, for one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.history import Usable
from bertine.recommend.interests import Interests, interests_of
from bertine.recommend.learn.taste import Situation, Taste
from bertine.recommend.profile import ProfileOptions, combined, decay, strengths
from bertine.types import Matrix


@dataclass(frozen=True, slots=True)
class User:
    """A history as every channel reads it.

    Attributes:
        taste: what channels are given.
        interests: what the index is asked; None if nothing of the history can be used, or if it
            cancels out.
        weights: float64 ``[h]``, event weight times decay, before dislikes were combined.
        outspoken: dislikes leave out what is nearer to them than to what is liked.
    """

    taste: Taste
    interests: Interests | None
    weights: NDArray[np.float64]
    outspoken: bool = False


def user_of(
    known: Usable, options: ProfileOptions, situation: Situation, number: Callable[[str], int]
) -> User:
    """Read a history.

    Args:
        known: its usable entries.
        options: how they are weighted.
        situation: when and where.
        number: of an item in what has been learned, -1 for none.

    Raises:
        InvalidInput: decay is by age and an entry has no time.
    """
    liking = strengths(known.entries, options)
    weights = liking * decay(known.entries, options)
    summed = combined(weights, options.negatives)
    taste = Taste(
        items=np.array([number(entry.item_id) for entry in known.entries], np.int64),
        weights=summed,
        vectors=known.vectors,
        times=np.array([entry.time for entry in known.entries], np.float64),
        situation=situation,
        strengths=liking,
    )
    outspoken = options.negatives == "best_score" and bool((weights < 0.0).any())
    interests = interests_of(known.vectors, summed, options.interests) if len(taste) else None
    return User(taste, interests, weights, outspoken)


def stranger(situation: Situation, dimensions: int) -> Taste:
    """The taste of somebody of whom nothing is known."""
    none = np.empty(0)
    vectors: Matrix = np.empty((0, dimensions), np.float32)
    return Taste(np.empty(0, np.int64), none, vectors, none, situation, none)
