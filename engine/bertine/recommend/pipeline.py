"""Queries, items and histories in; ranked items out."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from bertine.catalog.store import Store
from bertine.encode.encoder import Encoder
from bertine.encode.request import Embedded
from bertine.errors import NotFound
from bertine.index.filters import Predicate, compile_filter
from bertine.index.live import LiveIndex
from bertine.index.registry import Registry, Served
from bertine.index.request import Request
from bertine.recommend.blend import blend
from bertine.recommend.history import IMPRESSION, Usable, entries_of, joined, usable
from bertine.recommend.learn.learned import UNTRAINED, Learned
from bertine.recommend.listing import Listing
from bertine.recommend.noise import blurred
from bertine.recommend.numbering import Numbering
from bertine.recommend.profile import ProfileOptions, strengths
from bertine.recommend.requests import Answer, Query, Recommendation, Wanted, Wish
from bertine.recommend.user import user_of
from bertine.types import HistoryEntry, Hits, Item, Matrix, StageTimes, Vector

USER_EVENTS = 100
"""How many of a user's latest events make the profile, impressions not counted."""

_ID_BYTES = 16
_INLINE_HITS = 100
_INLINE_PRODUCTS = 1 << 21
"""Multiplications that take a fraction of a millisecond."""

_T = TypeVar("_T")


class Recommender:
    """Answers searches and recommendations.

    Args:
        encoder: makes the vectors of texts.
        store: is read from.
        registry: the indexes.
        readers: runs blocking reads and the searches of large indexes.
        learned: what was learned of the events of a collection, by its key; None if nothing.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        registry: Registry,
        readers: Executor,
        learned: Callable[[int], Learned | None] = lambda _: None,
    ) -> None:
        self._encoder = encoder
        self._store = store
        self._registry = registry
        self._readers = readers
        self._learned = learned
        self._numberings: WeakKeyDictionary[LiveIndex, Numbering] = WeakKeyDictionary()

    async def search(self, name: str, queries: Sequence[Query], wanted: Wanted) -> Answer:
        """The items most similar to each query.

        Raises:
            NotFound: no such collection.
            InvalidInput: a part of the vectors that the collection does not have.
        """
        served = self._registry.get(name)
        for position, query in enumerate(queries):
            served.parts.check(query.vectors, f"queries[{position}].vectors")
        lowering = _lowering(served, wanted)
        times = StageTimes()
        texts = await self._query_vectors(queries, times, wanted.deadline)
        vectors = lowering * served.parts.beside(texts, [query.vectors for query in queries])
        return await self._answer(served, vectors, wanted, times, frozenset())

    async def similar(self, name: str, item_id: str, wanted: Wanted) -> Answer:
        """The items most similar to an item, without it.

        Raises:
            NotFound: no such collection or item.
            InvalidInput: a part of the vectors that the collection does not have.
        """
        served = self._registry.get(name)
        vector = served.index.vector(item_id, _allowed(wanted))
        if vector is None:
            raise NotFound("item", item_id, f"collection {name!r} has no item of that id")
        return await self._answer(
            served,
            _lowering(served, wanted) * vector[None, :],
            wanted,
            StageTimes(),
            frozenset({item_id}),
        )

    async def recommend(self, name: str, wish: Wish) -> Recommendation:
        """Items for a history, as what was learned of the collection's events says.

        Args:
            name: of the collection.
            wish: what for.

        Raises:
            NotFound: no such collection.
            InvalidInput: decay by age, but an entry has no time; a channel that is none.
        """
        served = self._registry.get(name)
        learned = self._learned(served.key) or UNTRAINED
        mixed = blend(learned, wish.channel_weights, new_only=wish.exclude_seen)
        times = StageTimes()
        known, seen = await self._history(served, wish, times)
        if wish.noise is not None:
            known = blurred(known, wish.options, wish.noise, served.index.dimensions)
            seen, wish = frozenset(), replace(wish, options=ProfileOptions())
        user = user_of(known, wish.options, wish.situation, learned.number)
        request = _request(wish.wanted, seen if wish.exclude_seen else frozenset())
        started = time.perf_counter()
        numbering = self._numberings.setdefault(served.index, Numbering())
        listing = Listing(served.index, numbering, mixed, user, wish, request)
        listed = await self._run(listing.run, inline=_is_small(served, request.top_k))
        times.search += time.perf_counter() - started
        items = await self._items(served, [listed.hits], wish.wanted, times)
        return Recommendation(
            Answer([listed.hits], items, times),
            known,
            listed.explanations,
            listed.sources,
            listed.propensities,
            mixed.names,
            secrets.token_hex(_ID_BYTES),
        )

    async def _history(
        self, served: Served, wish: Wish, times: StageTimes
    ) -> tuple[Usable, frozenset[str]]:
        """The entries that can be used, and the ids of all items that the user has seen."""
        recorded = [] if wish.user is None else await self._recorded(served, wish, times)
        entries: Sequence[HistoryEntry] = [*recorded, *wish.history]
        positions: Sequence[int] = range(-len(recorded), len(wish.history))
        seen = frozenset(entry.item_id for entry in entries if entry.item_id)
        if wish.options.joined_texts:
            liked = (strengths(entries, wish.options) > 0.0).tolist()
            entries, kept = joined(entries, liked, wish.options.joined_texts)
            positions = [positions[number] for number in kept]
        lowering = _lowering(served, wish.wanted)
        vectors = await self._entry_vectors(served, entries, times, wish.wanted)
        known = usable(entries, vectors, positions)
        if wish.wanted.vector_weights and known.entries:
            known = replace(known, vectors=lowering * known.vectors)
        return known, seen

    async def _recorded(self, served: Served, wish: Wish, times: StageTimes) -> list[HistoryEntry]:
        started = time.perf_counter()
        user = wish.user or b""
        read = partial(self._store.user_events, served.key, user, USER_EVENTS, IMPRESSION)
        events = await self._run(read)
        times.storage += time.perf_counter() - started
        return entries_of(events, wish.session)

    async def _query_vectors(
        self, queries: Sequence[Query], times: StageTimes, deadline: float | None
    ) -> Matrix:
        """Of their texts' part, zeros where a query has none: float32 ``[n, d]``."""
        vectors = np.zeros((len(queries), self._encoder.dimensions), np.float32)
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
        wanted: Wanted,
    ) -> list[Vector | None]:
        """One for each entry; None for an item that is not there."""
        allowed = _allowed(wanted)
        vectors = [
            served.index.vector(entry.item_id, allowed) if entry.item_id else None
            for entry in entries
        ]
        by_text = [n for n, entry in enumerate(entries) if not entry.item_id]
        if by_text:
            texts = [entries[n].text for n in by_text]
            embedded = await self._encoder.embed(
                texts, input_type="document", deadline=wanted.deadline
            )
            rows = served.parts.beside(_timed(embedded, times))
            for n, vector in zip(by_text, rows, strict=True):
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
        search = partial(served.index.search, vectors, request)
        results = await self._run(search, inline=_is_small(served, request.top_k, len(vectors)))
        times.search += time.perf_counter() - started
        return Answer(results, await self._items(served, results, wanted, times), times)

    async def _items(
        self, served: Served, results: Sequence[Hits], wanted: Wanted, times: StageTimes
    ) -> Mapping[str, Item]:
        """The items of the hits, if they are wanted."""
        if not wanted.include_items:
            return {}
        started = time.perf_counter()
        ids = list({item_id for hits in results for item_id in hits.ids})
        read = partial(self._store.get_items, served.key, ids, with_vectors=False)
        items = await self._run(read)
        times.storage += time.perf_counter() - started
        allowed = _allowed(wanted)
        if allowed is None:
            return items
        # One may have been deleted since, and its id taken by somebody else.
        return {id_: item for id_, item in items.items() if allowed(item.attributes)}

    async def _run(self, call: Callable[[], _T], *, inline: bool = False) -> _T:
        if inline:
            return call()
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)


def _is_small(served: Served, top_k: int, queries: int = 1) -> bool:
    """Whether the work takes less time than to hand it to another thread and back."""
    return top_k <= _INLINE_HITS and (
        queries * len(served.index) * served.index.dimensions <= _INLINE_PRODUCTS
    )


def _lowering(served: Served, wanted: Wanted) -> Vector | np.float32:
    return served.parts.lowering(wanted.vector_weights) if wanted.vector_weights else np.float32(1)


def _request(wanted: Wanted, exclude: frozenset[str]) -> Request:
    return Request(
        top_k=wanted.top_k,
        min_score=wanted.min_score,
        filter=wanted.both,
        exclude=exclude | wanted.exclude,
        only=wanted.only,
        exact=wanted.exact,
        now=time.time(),
        nprobe=wanted.nprobe,
    )


def _allowed(wanted: Wanted) -> Predicate | None:
    return None if wanted.mandatory is None else compile_filter(wanted.mandatory)


def _timed(embedded: Embedded, times: StageTimes) -> Matrix:
    times.tokenize += embedded.tokenize_seconds
    times.queue = max(times.queue, embedded.queue_seconds)
    times.encode = max(times.encode, embedded.encode_seconds)
    return embedded.vectors
