"""Queries, items and histories in; ranked items out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import numpy as np

from bertine.catalog.store import Store
from bertine.encode.encoder import Encoder
from bertine.encode.request import Embedded
from bertine.errors import NotFound
from bertine.index.registry import Registry, Served
from bertine.index.search import Request
from bertine.recommend.history import usable
from bertine.recommend.profile import Profile, ProfileOptions, build, entry_weights, explain
from bertine.recommend.requests import Answer, Query, Recommendation, Wanted
from bertine.types import (
    Contribution,
    Event,
    HistoryEntry,
    Hits,
    Item,
    Matrix,
    SearchPlan,
    StageTimes,
    Vector,
)

USER_EVENTS = 100
"""How many of a user's latest events make the profile."""

_T = TypeVar("_T")
_NOTHING = Hits((), (), SearchPlan("exact", 0))


class Recommender:
    """Answers searches and recommendations.

    Args:
        encoder: makes the vectors of texts.
        store: is read from.
        registry: the indexes.
        readers: runs blocking reads and index searches.
    """

    def __init__(
        self, encoder: Encoder, store: Store, registry: Registry, readers: Executor
    ) -> None:
        self._encoder = encoder
        self._store = store
        self._registry = registry
        self._readers = readers

    async def search(self, name: str, queries: Sequence[Query], wanted: Wanted) -> Answer:
        """The items most similar to each query.

        Raises:
            NotFound: no such collection.
        """
        served = self._registry.get(name)
        times = StageTimes()
        vectors = await self._query_vectors(queries, times, wanted.deadline)
        return await self._answer(served, vectors, wanted, times, frozenset())

    async def similar(self, name: str, item_id: str, wanted: Wanted) -> Answer:
        """The items most similar to an item, without it.

        Raises:
            NotFound: no such collection or item.
        """
        served = self._registry.get(name)
        vector = served.index.vector(item_id)
        if vector is None:
            raise NotFound("item", item_id, f"collection {name!r} has no item of that id")
        return await self._answer(
            served, vector[None, :], wanted, StageTimes(), frozenset({item_id})
        )

    async def recommend(
        self,
        name: str,
        history: Sequence[HistoryEntry],
        options: ProfileOptions,
        wanted: Wanted,
        *,
        user: bytes | None = None,
        exclude_seen: bool = True,
        explanations: bool = False,
    ) -> Recommendation:
        """The items most similar to the profile of a history.

        Args:
            name: of the collection.
            history: oldest first.
            options: how it is weighted.
            wanted: what hits.
            user: keyed hash; the latest recorded events of that user go before `history`.
            exclude_seen: leave out the items of the history.
            explanations: say for each hit which entries carried it.

        Raises:
            NotFound: no such collection.
            InvalidInput: decay by age, but an entry has no time.
        """
        served = self._registry.get(name)
        times = StageTimes()
        recorded = [] if user is None else await self._recorded(served, user, times)
        entries = [*recorded, *history]
        vectors = await self._entry_vectors(served, entries, times, wanted.deadline)
        known = usable(entries, vectors, len(recorded))
        profile = build(known.vectors, entry_weights(known.entries, options))
        if profile is None:
            return Recommendation(Answer([_NOTHING], {}, times), known)
        seen = frozenset(entry.item_id for entry in entries if entry.item_id and exclude_seen)
        answer = await self._answer(served, profile.vector[None, :], wanted, times, seen)
        reasons = _explanations(served, profile, answer.results[0]) if explanations else ()
        return Recommendation(answer, known, reasons)

    async def _recorded(self, served: Served, user: bytes, times: StageTimes) -> list[HistoryEntry]:
        started = time.perf_counter()
        read = partial(self._store.user_events, served.key, user, USER_EVENTS)
        events = await self._run(read)
        times.storage += time.perf_counter() - started
        return [_entry(event) for event in events]

    async def _query_vectors(
        self, queries: Sequence[Query], times: StageTimes, deadline: float | None
    ) -> Matrix:
        vectors = np.empty((len(queries), self._encoder.dimensions), np.float32)
        by_text = [n for n, query in enumerate(queries) if query.text]
        by_ids = [n for n, query in enumerate(queries) if query.token_ids]
        if by_text:
            texts = [queries[n].text for n in by_text]
            embedded = await self._encoder.embed(texts, input_type="query", deadline=deadline)
            vectors[by_text] = _timed(embedded, times)
        if by_ids:
            ids = [queries[n].token_ids for n in by_ids]
            embedded = await self._encoder.embed(token_ids=ids, deadline=deadline)
            vectors[by_ids] = _timed(embedded, times)
        for n, query in enumerate(queries):
            if query.vector is not None:
                vectors[n] = query.vector
        return vectors

    async def _entry_vectors(
        self,
        served: Served,
        entries: Sequence[HistoryEntry],
        times: StageTimes,
        deadline: float | None,
    ) -> list[Vector | None]:
        """One for each entry; None for an item that is not there."""
        vectors = [
            served.index.vector(entry.item_id) if entry.item_id else None for entry in entries
        ]
        by_text = [n for n, entry in enumerate(entries) if not entry.item_id]
        if by_text:
            texts = [entries[n].text for n in by_text]
            embedded = await self._encoder.embed(texts, input_type="document", deadline=deadline)
            for n, vector in zip(by_text, _timed(embedded, times), strict=True):
                vectors[n] = vector
        return vectors

    async def _answer(
        self,
        served: Served,
        vectors: Matrix,
        wanted: Wanted,
        times: StageTimes,
        exclude: frozenset[str],
    ) -> Answer:
        started = time.perf_counter()
        request = _request(wanted, exclude)
        results = await self._run(partial(served.index.search, vectors, request))
        times.search += time.perf_counter() - started
        items: Mapping[str, Item] = {}
        if wanted.include_items:
            items = await self._items(served, results, times)
        return Answer(results, items, times)

    async def _items(
        self, served: Served, results: Sequence[Hits], times: StageTimes
    ) -> Mapping[str, Item]:
        started = time.perf_counter()
        ids = list({item_id for hits in results for item_id in hits.ids})
        read = partial(self._store.get_items, served.key, ids, with_vectors=False)
        items = await self._run(read)
        times.storage += time.perf_counter() - started
        return items

    async def _run(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)


def _request(wanted: Wanted, exclude: frozenset[str]) -> Request:
    return Request(
        top_k=wanted.top_k,
        min_score=wanted.min_score,
        filter=wanted.filter,
        exclude=exclude | wanted.exclude,
        only=wanted.only,
        exact=wanted.exact,
        now=time.time(),
        nprobe=wanted.nprobe,
    )


def _entry(event: Event) -> HistoryEntry:
    return HistoryEntry(
        item_id=event.item_id, time=event.time, event_type=event.event_type, weight=event.weight
    )


def _timed(embedded: Embedded, times: StageTimes) -> Matrix:
    times.tokenize += embedded.tokenize_seconds
    times.queue = max(times.queue, embedded.queue_seconds)
    times.encode = max(times.encode, embedded.encode_seconds)
    return embedded.vectors


def _explanations(served: Served, profile: Profile, hits: Hits) -> list[tuple[Contribution, ...]]:
    reasons = []
    for item_id, score in zip(hits.ids, hits.scores, strict=True):
        vector = served.index.vector(item_id)
        # Deleted since it was found: nothing is left to explain it with.
        reasons.append(() if vector is None else explain(profile, vector, score))
    return reasons
