"""items -> vectors -> durable -> visible: how a collection changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bertine.catalog.changes import (
    CreateCollection,
    DeleteAlias,
    DeleteCollection,
    DeleteItems,
    DeleteResult,
    SetAlias,
    SetResult,
)
from bertine.catalog.condition import UNCONDITIONAL, Condition
from bertine.catalog.given import given
from bertine.catalog.guard import Guard
from bertine.catalog.store import Existing, Store
from bertine.catalog.template import check_template
from bertine.catalog.upsert import Draft, StaleVectors, Upsert, UpsertResult
from bertine.catalog.writer import Writer
from bertine.encode.encoder import Encoder
from bertine.index.parts import check_named, rows_of
from bertine.index.registry import Registry, Served
from bertine.types import Collection, Item, NamedVector, StageTimes, Vector

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an upsert did.

    Attributes:
        inserted: how many items are new.
        updated: how many were replaced.
        unchanged: how many were there already.
        sequence: of the collection afterwards.
        times: where the time went.
    """

    inserted: int
    updated: int
    unchanged: int
    sequence: int
    times: StageTimes


class Ingest:
    """Changes collections: what it returns is on disk and visible to the next search.

    Args:
        encoder: makes the vectors.
        store: is read from.
        writer: commits; changes reach the indexes on its thread, in the catalog's order.
        registry: the indexes.
        readers: runs blocking reads.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        writer: Writer,
        registry: Registry,
        readers: Executor,
    ) -> None:
        self._encoder = encoder
        self._store = store
        self._writer = writer
        self._registry = registry
        self._readers = readers

    async def create(
        self,
        name: str,
        text_template: str,
        vectors: Sequence[NamedVector] = (),
        *,
        exist_ok: bool,
    ) -> Collection:
        """Make an empty collection.

        Raises:
            InvalidInput: the template or the named vectors are malformed.
            AlreadyExists: there is one of that name, unless `exist_ok` and its settings are these.
        """
        check_template(text_template)
        check_named(vectors)
        change = CreateCollection(
            name=name,
            text_template=text_template,
            dimensions=self._encoder.dimensions,
            fingerprint=self._encoder.fingerprint,
            created=time.time(),
            exist_ok=exist_ok,
            vectors=tuple(vectors),
        )
        return await asyncio.wrap_future(self._writer.submit(change, self._serve))

    def _serve(self, collection: Collection) -> None:
        self._registry.add(collection)

    async def delete(self, name: str) -> int:
        """Delete a collection; returns how many items it had.

        Raises:
            NotFound: there is none of that name.
            Conflict: an alias stands for it, or the name is an alias.
        """

        def apply(_: int) -> None:
            self._registry.remove(name)

        return await asyncio.wrap_future(self._writer.submit(DeleteCollection(name), apply))

    async def set_alias(self, alias: str, collection: str) -> str:
        """Let an alias stand for a collection; returns the one it stood for, "" if it is new.

        Raises:
            AlreadyExists: a collection has the alias's name.
            NotFound: there is no such collection.
            InvalidInput: the collection's name is itself an alias.
        """

        def apply(result: SetResult) -> None:
            self._registry.set_alias(alias, result.collection.name)

        change = SetAlias(alias, collection)
        return (await asyncio.wrap_future(self._writer.submit(change, apply))).previous

    async def delete_alias(self, alias: str) -> str:
        """Delete an alias; returns the collection that it stood for.

        Raises:
            NotFound: there is no such alias.
        """

        def apply(_: str) -> None:
            self._registry.remove_alias(alias)

        return await asyncio.wrap_future(self._writer.submit(DeleteAlias(alias), apply))

    async def upsert(
        self,
        name: str,
        items: Sequence[Item],
        deadline: float | None = None,
        condition: Condition = UNCONDITIONAL,
    ) -> Upserted:
        """Insert or replace items; only what has changed is encoded and written.

        Args:
            name: of the collection.
            items: checked, no id twice.
            deadline: reading of `time.monotonic` after which the encoding is not begun.
            condition: under which they are written.

        Raises:
            NotFound: no such collection.
            PermissionDenied: the condition's guard refuses an item, or to replace one.
            InvalidInput: an item has nothing to encode and no vector, or a named vector that the
                collection does not know.
            VersionMismatch: an item has another version; nothing is written.
        """
        served = self._registry.get(name)
        if condition.guard is not None:
            await self._check(served, items, condition.guard)
        drafts = [
            Draft.of(given(item, served.parts, served.text_template, f"items[{position}]"))
            for position, item in enumerate(items)
        ]
        times = StageTimes()
        try:
            return await self._upsert(served, drafts, times, deadline, condition)
        except StaleVectors:
            # Another writer was faster: with all vectors at hand there is nothing to miss.
            return await self._upsert(served, drafts, times, deadline, condition, look_up=False)

    async def _check(self, served: Served, items: Sequence[Item], guard: Guard) -> None:
        guard.check_new(items)
        ids = [item.id for item in items]
        read = partial(self._store.get_items, served.key, ids, with_vectors=False)
        guard.check_there(await self._read(read), ids)

    async def _upsert(
        self,
        served: Served,
        drafts: Sequence[Draft],
        times: StageTimes,
        deadline: float | None,
        condition: Condition,
        *,
        look_up: bool = True,
    ) -> Upserted:
        there = await self._existing(served, drafts, times) if look_up else {}
        if look_up:
            condition.check_early({id_: one.version for id_, one in there.items()})
        changed = [draft for draft in drafts if not _same(draft, there.get(draft.item.id))]
        vectors = await self._encode(changed, there, times, deadline)
        ready = [
            draft if draft.supplied else draft.with_vector(vectors.get(draft.item.id))
            for draft in changed
        ]
        result = await self._commit(served, ready, times, condition)
        unchanged = len(drafts) - len(changed) + result.unchanged
        return Upserted(result.inserted, result.updated, unchanged, result.sequence, times)

    async def _existing(
        self, served: Served, drafts: Sequence[Draft], times: StageTimes
    ) -> dict[str, Existing]:
        started = time.perf_counter()
        ids = [draft.item.id for draft in drafts]
        there = await self._read(partial(self._store.existing, served.key, ids))
        times.storage += time.perf_counter() - started
        return there

    async def _encode(
        self,
        drafts: Sequence[Draft],
        there: dict[str, Existing],
        times: StageTimes,
        deadline: float | None,
    ) -> dict[str, Vector]:
        """Vectors of the drafts whose text is new to this model, by id."""
        new = [
            draft.item
            for draft in drafts
            if draft.item.text
            and not draft.supplied
            and self._needs_vector(draft, there.get(draft.item.id))
        ]
        if not new:
            return {}
        texts = [item.text for item in new]
        embedded = await self._encoder.embed(
            texts, input_type="document", deadline=deadline, lane="bulk"
        )
        times.tokenize += embedded.tokenize_seconds
        times.queue += embedded.queue_seconds
        times.encode += embedded.encode_seconds
        return {item.id: vector for item, vector in zip(new, embedded.vectors, strict=True)}

    def _needs_vector(self, draft: Draft, there: Existing | None) -> bool:
        return there is None or (
            there.text_digest != draft.text_digest or there.fingerprint != self._encoder.fingerprint
        )

    async def _commit(
        self,
        served: Served,
        drafts: Sequence[Draft],
        times: StageTimes,
        condition: Condition,
    ) -> UpsertResult:
        started = time.perf_counter()
        change = Upsert(
            served.key, drafts, self._encoder.fingerprint, condition.expected, condition.guard
        )

        def apply(result: UpsertResult) -> None:
            if result.changed:
                rows = rows_of(result.changed, served.parts)
                served.index.upsert(result.changed, rows, result.sequence)

        result = await asyncio.wrap_future(self._writer.submit(change, apply))
        times.storage += time.perf_counter() - started
        return result

    async def delete_items(
        self, name: str, ids: Sequence[str], condition: Condition = UNCONDITIONAL
    ) -> DeleteResult:
        """Delete items by id; ids that are not there, or that a guard hides, are counted.

        Raises:
            NotFound: no such collection.
            VersionMismatch: an item has another version than it must have; none is deleted.
        """
        served = self._registry.get(name)

        def apply(result: DeleteResult) -> None:
            served.index.delete(result.deleted, result.sequence)

        change = DeleteItems(served.key, tuple(ids), condition.expected, condition.guard)
        return await asyncio.wrap_future(self._writer.submit(change, apply))

    async def _read(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)


def _same(draft: Draft, there: Existing | None) -> bool:
    return there is not None and there.content_digest == draft.content_digest
