"""What is asked for and what is answered, by all calls that return hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bertine.index.filters import Filter
from bertine.recommend.history import Usable
from bertine.types import Contribution, Hits, Item, StageTimes, Vector


@dataclass(frozen=True, slots=True)
class Query:
    """One query: exactly one of the three is set.

    Attributes:
        text: the model's query prompt is put before it.
        token_ids: of the model's tokenizer, special tokens included.
        vector: unit.
    """

    text: str = ""
    token_ids: Sequence[int] = ()
    vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What hits are wanted, by all calls alike.

    Attributes:
        top_k: hits for each query.
        min_score: least similarity; the threshold theta.
        filter: what a hit's attributes must satisfy.
        include_items: give the hits' items too.
        only: ids of which there is nothing else; None is anything.
        exclude: ids that are never returned.
        exact: score every item that may be returned.
        nprobe: inverted lists of a trained index to visit; 0 is as many as it was tuned to.
        deadline: reading of `time.monotonic` after which the answer is useless.
    """

    top_k: int = 10
    min_score: float = -1.0
    filter: Filter | None = None
    include_items: bool = False
    only: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    exact: bool = False
    deadline: float | None = None
    nprobe: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, and what was asked for beside them.

    Attributes:
        results: one for each query.
        items: of the hits, by id, if asked for.
        times: where the time went.
    """

    results: Sequence[Hits]
    items: Mapping[str, Item]
    times: StageTimes


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Hits for a history.

    Attributes:
        answer: with one result.
        history: what of the history made the profile.
        explanations: for each hit, if asked for; they name entries of `history`.
    """

    answer: Answer
    history: Usable
    explanations: Sequence[tuple[Contribution, ...]] = ()
