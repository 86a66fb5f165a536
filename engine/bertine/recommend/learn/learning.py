"""Interactions in, channels and their weights out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertine.recommend.learn import als, words
from bertine.recommend.learn.channel import View
from bertine.recommend.learn.content import Content
from bertine.recommend.learn.context import CONTEXTS, by_context
from bertine.recommend.learn.fitting import fit, ndcg, steadied
from bertine.recommend.learn.interactions import Interactions
from bertine.recommend.learn.learned import Learned, Status
from bertine.recommend.learn.popularity import popular
from bertine.recommend.learn.refined import refine
from bertine.recommend.learn.repeats import Repeats
from bertine.recommend.learn.transitions import (
    REGRESSED,
    SEQUENCES,
    TOGETHER,
    regressed_view,
    sequence_views,
    together_views,
    users_items,
)
from bertine.recommend.learn.validation import held_out, moments, ordinal, score
from bertine.types import Matrix

LEAST_ROWS = 50
"""Validation rows below which weights are not fitted."""

FACTORS = 64

TIMED = ("popularity_recent", "trending", "by_week")
"""Channels that need more of times than their order."""

ALL_CHANNELS = (
    "content",
    "repeat",
    "seen",
    "popularity",
    *TIMED,
    "content_latest",
    "content_best",
    "content_even",
    words.NAME,
    *SEQUENCES,
    *REGRESSED,
    *TOGETHER,
    *CONTEXTS,
    "factors",
)

_OF_ANY_ITEM = ("content", "content_latest", "content_best", "content_even")
"""Channels that know what came after learning."""

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "content": 0.4,
    "content_even": 0.8,
    "sequence": 1.5,
    "sequence_linear": 1.0,
    "together": 0.2,
    "popularity": 0.02,
}
"""Where there is too little to fit by, and a part of what is fitted to few rows. Few events make
weak links, so that content leads until there are more."""

_ALONE: Mapping[str, tuple[float, float]] = {"content": (1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """How to learn.

    Attributes:
        validation_share: the latest share of the events that channels are weighed by, 0 .. 0.5.
        weights: by channel name, kept instead of fitted, see `Learned.by_name`; None: fit.
        seed: of all that is drawn.
        least_users: distinct users behind a cell of popularity by context, else it does not count.
        channels: only these, what "content" is always among; None: all.
        profile_half_life: of the profiles of validation rows, in positions.
    """

    validation_share: float = 0.1
    weights: Mapping[str, tuple[float, float]] | None = None
    seed: int = 0
    least_users: int = 5
    channels: tuple[str, ...] | None = None
    profile_half_life: float = 1.0


def learn(
    interactions: Interactions,
    vectors: Matrix,
    options: LearningOptions,
    texts: Sequence[str] = (),
) -> Learned:
    """Learn channels from events, and weigh them.

    Weights are fitted on the latest part of the events with channels learned of what was before;
    then the channels are learned anew of all events.

    Args:
        interactions: sorted by user and time.
        vectors: float32 ``[items, d]``, rows of `interactions.item_ids`; zero for an item without.
        options: how.
        texts: of the items, "" for one without; none at all: words do not count.
    """
    options = _timed(interactions, options)
    of_items = _of_items(vectors, texts, options)
    kept, status = options.weights, Status()
    if kept is None:
        kept, status = _weigh(interactions, vectors, options, of_items)
    views = of_items + _views(interactions, vectors, options)
    weights, new_weights = _weights(views, kept, options.channels)
    described = _described(interactions, status)
    return Learned(tuple(interactions.item_ids), views, weights, described, new_weights)


def _weigh(
    interactions: Interactions,
    vectors: Matrix,
    options: LearningOptions,
    of_items: tuple[View, ...],
) -> tuple[Mapping[str, tuple[float, float]], Status]:
    held = held_out(interactions, options.validation_share)
    rows = moments(interactions, vectors, held, options.profile_half_life, options.seed)
    if len(rows) < LEAST_ROWS:
        return {name: (weight, weight) for name, weight in DEFAULT_WEIGHTS.items()}, Status()
    views = of_items + _views(interactions.where(~held), vectors, options)
    learned = Learned(tuple(interactions.item_ids), views, _weights(views, {}, None)[0])
    scored = score(learned, rows, vectors)
    # A view may have channels beside those that are asked for: they are not to be weighed by.
    scored.values[:, _asked_each(learned.channels, options.channels) == 0] = 0.0
    content = np.array([name in _OF_ANY_ITEM for name in learned.channels])
    usual = np.array([DEFAULT_WEIGHTS.get(name, 0.0) for name in learned.channels])
    weights = steadied(fit(scored, content, options.seed), usual, scored)
    new = scored.new_only()
    # Nearly all moments repeat something, or none does: there is nothing else to learn.
    apart = len(new) >= LEAST_ROWS and scored.seen[scored.targets].any()
    new_weights = weights
    if apart:
        new_weights = steadied(fit(new, content, options.seed), usual, new)
    alone = _weights(views, _ALONE, None)[0]
    status = Status(
        validation_ndcg=ndcg(scored, weights),
        content_ndcg=ndcg(scored, alone),
        validation_rows=len(rows),
    )
    return replace(learned, weights=weights, new_weights=new_weights).by_name(), status


def _of_items(vectors: Matrix, texts: Sequence[str], options: LearningOptions) -> tuple[View, ...]:
    """Views that no event changes, so that they are made once."""
    near = words.near_words(texts) if _asked((words.NAME,), options.channels) else None
    views: list[View | None] = [Content(), Repeats(), refine(vectors), near]
    return _those_asked(views, options)


def _views(
    interactions: Interactions, vectors: Matrix, options: LearningOptions
) -> tuple[View, ...]:
    """Views of what users did that have one of the channels that are asked for."""
    views: list[View | None] = [popular(interactions)]
    if np.any(interactions.weights > 0):
        matrix = users_items(interactions)
        makers: list[tuple[tuple[str, ...], Callable[[], Sequence[View | None]]]] = [
            (SEQUENCES, lambda: sequence_views(interactions, vectors)),
            (REGRESSED, lambda: [regressed_view(interactions, vectors, matrix)]),
            (TOGETHER, lambda: together_views(matrix)),
            (CONTEXTS, lambda: by_context(interactions, options.least_users)),
            (("factors",), lambda: _factors(matrix, options.seed)),
        ]
        for names, make in makers:
            # What nobody asks for is not made: some of it takes seconds.
            views += make() if _asked(names, options.channels) else []
    return _those_asked(views, options)


def _those_asked(views: Sequence[View | None], options: LearningOptions) -> tuple[View, ...]:
    return tuple(
        view for view in views if view is not None and _asked(view.names, options.channels)
    )


def _timed(interactions: Interactions, options: LearningOptions) -> LearningOptions:
    """Without the channels of age and of the week, where times only tell an order."""
    if not ordinal(interactions):
        return options
    names = ALL_CHANNELS if options.channels is None else options.channels
    return replace(options, channels=tuple(name for name in names if name not in TIMED))


def _factors(matrix: Any, seed: int) -> list[View]:
    return [als.factorise(matrix, FACTORS, seed)] if als.available() else []


def _asked(names: Sequence[str], channels: tuple[str, ...] | None) -> bool:
    return channels is None or "content" in names or not set(names).isdisjoint(channels)


def _weights(
    views: Sequence[View],
    kept: Mapping[str, tuple[float, float]],
    channels: tuple[str, ...] | None,
) -> NDArray[np.float64]:
    """For lists with and without what the user has seen: float64 ``[2, channels]``."""
    names = [name for view in views for name in view.names]
    weights = np.array([kept.get(name, (0.0, 0.0)) for name in names], np.float64)
    return weights.T * _asked_each(names, channels)


def _asked_each(names: Sequence[str], channels: tuple[str, ...] | None) -> NDArray[np.float64]:
    return np.array([_asked([name], channels) for name in names], np.float64)


def _described(interactions: Interactions, status: Status) -> Status:
    return Status(
        events=len(interactions),
        users=len(np.unique(interactions.users)),
        items=len(np.unique(interactions.items)),
        validation_ndcg=status.validation_ndcg,
        content_ndcg=status.content_ndcg,
        validation_rows=status.validation_rows,
        time=float(interactions.times.max(initial=0.0)),
        message="" if als.available() else als.MISSING,
    )
