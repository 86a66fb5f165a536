"""A history becomes one vector, and its similarity to an item splits exactly over the history.

With unit vectors v_h and weights w_h the profile is u = sum_h w_h v_h, and

    sim(u, i) = <u, v_i> / |u| = sum_h w_h <v_h, v_i> / |u|

so entry h contributed w_h <v_h, v_i> / |u| to the score: nothing is approximated. A negative weight
pushes away, as in Rocchio's relevance feedback (Rocchio 1971, in Salton, The SMART System).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.errors import InvalidInput
from bertine.types import HistoryEntry, Matrix, Vector

DEFAULT_EVENT_WEIGHTS: Mapping[str, float] = {"dislike": -0.5}
"""Weight by event type; a type that is not listed weighs 1."""

DEFAULT_POSITION_HALF_LIFE = 1.0
"""Entries back from the latest after which the weight has halved; why: docs/decisions/0006."""

Negatives: TypeAlias = Literal["subtract", "mirror", "best_score"]
"""How dislikes count: ``subtract`` their vectors with their weights; ``mirror`` the mean of the
disliked in that of the liked, 2 avg+ - avg-; ``best_score`` leaves out what is nearer to a disliked
entry than to any liked one."""

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class ProfileOptions:
    """How entries are weighted.

    Attributes:
        position_half_life: entries back from the latest after which the weight halves.
        age_half_life: seconds before the latest entry after which the weight halves; if set,
            positions do not count.
        event_weights: by event type, before the defaults.
        interests: that the history is split into at most, 1 .. 8; None is as many as it shows.
        negatives: what is done with entries of negative weight.
        joined_texts: so many of the latest texts are encoded as one; 0 is each by itself.
    """

    position_half_life: float = DEFAULT_POSITION_HALF_LIFE
    age_half_life: float | None = None
    event_weights: Mapping[str, float] = field(default_factory=dict)
    interests: int | None = None
    negatives: Negatives = "subtract"
    joined_texts: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """A user's vector and what it was made of.

    Attributes:
        vector: float32 ``[d]``, unit.
        norm: length of the weighted sum before it was normalised.
        weights: float64 ``[h]``, of each entry.
    """

    vector: Vector
    norm: float
    weights: NDArray[np.float64]


def strengths(history: Sequence[HistoryEntry], options: ProfileOptions) -> NDArray[np.float64]:
    """The event weight of each entry, float64 ``[h]``."""
    known = {**DEFAULT_EVENT_WEIGHTS, **options.event_weights}
    weights = [
        known.get(entry.event_type, 1.0) if entry.weight is None else entry.weight
        for entry in history
    ]
    return np.array(weights, np.float64)


def decay(history: Sequence[HistoryEntry], options: ProfileOptions) -> NDArray[np.float64]:
    """What each entry still counts, oldest first: float64 ``[h]``, at most 1.

    Raises:
        InvalidInput: decay is by age and an entry has no time.
    """
    if options.age_half_life is not None:
        return _decay_by_age(history, options.age_half_life)
    back = np.arange(len(history) - 1, -1, -1, dtype=np.float64)
    return np.asarray(np.exp2(-back / options.position_half_life))


def combined(weights: NDArray[np.float64], negatives: Negatives) -> NDArray[np.float64]:
    """The weights with which entries are summed, as dislikes are to count: float64 ``[h]``.

    The mirror 2 avg+ - avg- is a weighted sum too: 2 w / sum w+ of the liked, w / sum |w-| of the
    disliked.

    Args:
        weights: float64 ``[h]``, negative for a dislike.
        negatives: how.
    """
    disliked = weights < 0.0
    if negatives == "subtract" or not disliked.any():
        return weights
    if negatives == "best_score":
        return np.where(disliked, 0.0, weights)
    liked, against = weights[~disliked].sum(), -weights[disliked].sum()
    return np.asarray(
        np.where(disliked, weights / against, 2.0 * weights / max(liked, _TINY)), np.float64
    )


def nearer_to_disliked(
    items: Matrix, vectors: Matrix, weights: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which items are nearer to a disliked entry than to any liked one: bool ``[c]``.

    Args:
        items: float32 ``[c, d]``, unit rows.
        vectors: float32 ``[h, d]``, unit rows.
        weights: float64 ``[h]``, negative for a dislike.
    """
    similar = items @ vectors.T
    liked = similar[:, weights > 0.0].max(axis=1, initial=-2.0)
    against = similar[:, weights < 0.0].max(axis=1, initial=-2.0)
    return np.asarray(against > liked)


def _decay_by_age(history: Sequence[HistoryEntry], half_life: float) -> NDArray[np.float64]:
    times = np.empty(len(history), np.float64)
    for position, entry in enumerate(history):
        if entry.time is None:
            raise InvalidInput(
                f"history[{position}].time",
                "is not set, but decay by age needs the time of every entry; "
                "set it, or use profile.position_half_life",
            )
        times[position] = entry.time
    return np.asarray(np.exp2((times - times.max(initial=-np.inf)) / half_life))


def build(vectors: Matrix, weights: NDArray[np.float64]) -> Profile | None:
    """The profile of weighted entries, or None if they cancel out or there are none.

    Args:
        vectors: float32 ``[h, d]``, unit rows.
        weights: float64 ``[h]``.
    """
    total = weights @ vectors.astype(np.float64)
    norm = math.sqrt(total @ total)
    if norm <= _TINY * max(sum(map(abs, weights.tolist())), _TINY):
        return None
    return Profile((total / norm).astype(np.float32), norm, weights)
