"""What calls of both clients may be given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from bertine.index.filters import Filter
from bertine.recommend.profile import Negatives
from bertine.recommend.rules import Recency
from bertine.types import HistoryEntry, Item, Vector

FilterLike: TypeAlias = Filter | Mapping[str, Any] | None
ItemLike: TypeAlias = Item | Mapping[str, Any]
HistoryLike: TypeAlias = Sequence[HistoryEntry | str]
QueryLike: TypeAlias = "str | Vector | Mapping[str, str | Vector]"
"""A text, a text's vector, or parts by name: ``{"text": "a red dress", "image": vector}``."""

Priority: TypeAlias = Literal["auto", "interactive", "bulk"]
"""Who goes first while the encoder is busy: ``interactive`` if somebody waits for the answer,
``bulk`` if throughput counts; ``auto`` goes by the number of texts in a call."""


class SearchOptions(TypedDict, total=False):
    """Options of every call that returns hits.

    Attributes:
        top_k: how many hits; default 10.
        min_score: the threshold theta: leave out hits below this cosine; default: none.
        filter: only items that match: ``{"year": {"gte": 1900}, "genre": ["play", "poetry"]}``,
            see `bertine.wire.filters.filter_from_mapping`; default: all.
        include_items: give each hit's text and attributes; default: not.
        only_ids: return only these; default: any.
        exclude_ids: never return these.
        exact: score every item that may be returned: recall 1, slower; default: not.
        nprobe: inverted lists that a trained index visits; default: as many as it was tuned to.
        vector_weights: 0 to 1 by the names of the collection's vectors, "text" for the text's:
            lowers what a part counts, and with it the scores.
    """

    top_k: int
    min_score: float | None
    filter: FilterLike
    include_items: bool
    only_ids: Sequence[str]
    exclude_ids: Sequence[str]
    exact: bool
    nprobe: int
    vector_weights: Mapping[str, float]


class RecommendOptions(SearchOptions, total=False):
    """Options of `recommend`.

    Attributes:
        exclude_seen: leave out the history's items; default: so.
        explain: say for each hit which entries carried it; default: not.
        position_half_life: entries back from the latest after which the weight halves; default 1.
        age_half_life: the same in seconds before the latest entry, instead.
        event_weights: by event type; negative pushes away; default 1, and -0.5 for "dislike".
        interests: that the history is split into at most; default: as many as it shows, up to 4.
        negatives: how dislikes count: ``subtract`` (default), ``mirror`` or ``best_score``.
        joined_texts: so many of the latest texts are encoded as one; default 0, each by itself.
        noise: epsilon, or epsilon and delta (default 1e-5), of Gaussian noise on the profile, which
            is then all that is read of the history; default: none. See ``Noise`` in
            ``recommendation.proto``; `exclude_seen` is then false by default.
        context: `time` (seconds since the epoch), `utc_offset_minutes`, `place`, `device` and
            `session` of the user, all optional.
        caps: at most so many items of one value, by attribute.
        promote: which items must be there, and how many of them.
        recency: newer items score higher, see `Recency`.
        diversity: share of novelty in the choice of each item, 0 to 1; default 0.
        backfill: fill what is left open with popular items; default: so.
        exploration: share of the places for items that nobody has seen yet, 0 to 0.5; default 0.
        seed: of the exploration.
        exploration_age: only items available since so many seconds; default 30 days.
        channel_weights: by channel, instead of the fitted ones; ``{"content": 1}`` is that alone.
    """

    exclude_seen: bool
    explain: bool
    position_half_life: float
    age_half_life: float
    event_weights: Mapping[str, float]
    interests: int
    negatives: Negatives
    joined_texts: int
    noise: float | tuple[float, float]
    context: Mapping[str, Any]
    caps: Mapping[str, int]
    promote: tuple[FilterLike, int]
    recency: Recency
    diversity: float
    backfill: bool
    exploration: float
    seed: int
    exploration_age: float
    channel_weights: Mapping[str, float]
