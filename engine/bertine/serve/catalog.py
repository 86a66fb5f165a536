"""CatalogService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from bertine.catalog.condition import Condition
from bertine.catalog.guard import Guard
from bertine.catalog.ingest import Upserted
from bertine.engine import Engine
from bertine.errors import InvalidInput, NotFound
from bertine.serve.callers.admission import admitted
from bertine.serve.calls import Context, Gate, deadline_of, gated, timings
from bertine.serve.importing import import_stream
from bertine.serve.paging import decode_page_token, encode_page_token, next_items
from bertine.types import Collection
from bertine.v1 import catalog_pb2 as pb
from bertine.v1 import catalog_pb2_grpc
from bertine.wire.items import (
    MAX_ID_BYTES,
    check_collection_name,
    check_count,
    check_name,
    collection_to_wire,
    item_to_wire,
    items_from_wire,
    named_vectors_from_wire,
)
from bertine.wire.versions import if_versions_from_wire

MAX_GET = 1_000
MAX_PAGE = 1_000
DEFAULT_PAGE = 100
_OF_EVERYBODY = ("item_count", "sequence", "index")
"""What a collection's message tells of items that may be others'."""


class CatalogServicer(catalog_pb2_grpc.CatalogServiceServicer):
    """Collections and their items.

    Attributes:
        gate: of the server.
    """

    def __init__(self, gate: Gate[Engine]) -> None:
        self.gate = gate

    @gated
    async def CreateCollection(
        self, request: pb.CreateCollectionRequest, _context: Context
    ) -> pb.Collection:
        """See ``catalog.proto``."""
        name = check_collection_name(request.name, "name")
        collection = await self.gate.engine.ingest.create(
            name,
            request.text_template,
            named_vectors_from_wire(request.vectors),
            exist_ok=request.exist_ok,
        )
        return self._collection(collection)

    @gated
    async def GetCollection(
        self, request: pb.GetCollectionRequest, _context: Context
    ) -> pb.Collection:
        """See ``catalog.proto``."""
        served = self.gate.engine.registry.get(request.name)
        return self._collection(
            await asyncio.to_thread(self.gate.engine.store.collection, served.name)
        )

    @gated
    async def ListCollections(
        self, _request: pb.ListCollectionsRequest, _context: Context
    ) -> pb.ListCollectionsResponse:
        """See ``catalog.proto``."""
        collections = await asyncio.to_thread(self.gate.engine.store.collections)
        found = []
        for collection in collections:
            with suppress(NotFound):  # deleted since it was read
                if admitted().may_use(collection.name):
                    found.append(self._collection(collection))
        return pb.ListCollectionsResponse(collections=found)

    @gated
    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, _context: Context
    ) -> pb.DeleteCollectionResponse:
        """See ``catalog.proto``."""
        deleted = await self.gate.engine.ingest.delete(request.name)
        return pb.DeleteCollectionResponse(deleted_items=deleted)

    @gated
    async def UpsertItems(
        self, request: pb.UpsertItemsRequest, context: Context
    ) -> pb.UpsertItemsResponse:
        """See ``catalog.proto``."""
        started = time.perf_counter()
        _, done = await self._upsert(request, deadline_of(context))
        return pb.UpsertItemsResponse(
            inserted=done.inserted,
            updated=done.updated,
            unchanged=done.unchanged,
            sequence=done.sequence,
            timings=timings(done.times, started),
        )

    @gated
    async def ImportItems(
        self, requests: AsyncIterator[pb.ImportItemsRequest], context: Context
    ) -> pb.ImportItemsResponse:
        """See ``catalog.proto``."""
        deadline = deadline_of(context)

        async def one(request: pb.ImportItemsRequest) -> pb.ImportItemsResponse:
            collection, done = await self._upsert(request, deadline)
            return pb.ImportItemsResponse(
                inserted=done.inserted,
                updated=done.updated,
                unchanged=done.unchanged,
                sequence=done.sequence,
                collection=collection,
            )

        return await import_stream(requests, one)

    @gated
    async def DeleteItems(
        self, request: pb.DeleteItemsRequest, _context: Context
    ) -> pb.DeleteItemsResponse:
        """See ``catalog.proto``."""
        ids = _ids(request.ids, self.gate.engine.config.limits.max_inputs)
        if_versions = if_versions_from_wire(request.if_versions, frozenset(ids))
        done = await self.gate.engine.ingest.delete_items(
            request.collection, ids, _condition(if_versions)
        )
        return pb.DeleteItemsResponse(
            deleted=len(done.deleted), missing=done.missing, sequence=done.sequence
        )

    @gated
    async def GetItems(self, request: pb.GetItemsRequest, _context: Context) -> pb.GetItemsResponse:
        """See ``catalog.proto``."""
        served = self.gate.engine.registry.get(request.collection)
        ids = _ids(request.ids, MAX_GET)
        read = partial(
            self.gate.engine.store.get_items, served.key, ids, with_vectors=request.with_vectors
        )
        stored = await asyncio.to_thread(read)
        found = {item.id: item for item in admitted().visible(stored.values())}
        return pb.GetItemsResponse(
            items=[item_to_wire(found[id_]) for id_ in ids if id_ in found],
            missing=[id_ for id_ in ids if id_ not in found],
        )

    @gated
    async def ListItems(
        self, request: pb.ListItemsRequest, _context: Context
    ) -> pb.ListItemsResponse:
        """See ``catalog.proto``."""
        served = self.gate.engine.registry.get(request.collection)
        size = request.page_size or DEFAULT_PAGE
        if size > MAX_PAGE:
            raise InvalidInput("page_size", f"is {size}; ask for at most {MAX_PAGE} and page on")
        after = decode_page_token(request.page_token)
        read = partial(
            self.gate.engine.store.list_items, served.key, with_vectors=request.with_vectors
        )
        items = await next_items(read, admitted().visible, after, size + 1)
        token = encode_page_token(items[size - 1].id) if len(items) > size else ""
        return pb.ListItemsResponse(items=map(item_to_wire, items[:size]), next_page_token=token)

    @gated
    async def SetAlias(self, request: pb.SetAliasRequest, _context: Context) -> pb.SetAliasResponse:
        """See ``catalog.proto``."""
        alias = check_collection_name(request.alias, "alias")
        name = check_collection_name(request.collection, "collection")
        previous = await self.gate.engine.ingest.set_alias(alias, name)
        return pb.SetAliasResponse(previous_collection=previous)

    @gated
    async def DeleteAlias(
        self, request: pb.DeleteAliasRequest, _context: Context
    ) -> pb.DeleteAliasResponse:
        """See ``catalog.proto``."""
        collection = await self.gate.engine.ingest.delete_alias(request.alias)
        return pb.DeleteAliasResponse(collection=collection)

    @gated
    async def ListAliases(
        self, request: pb.ListAliasesRequest, _context: Context
    ) -> pb.ListAliasesResponse:
        """See ``catalog.proto``."""
        registry, caller = self.gate.engine.registry, admitted()
        own, wanted = self.gate.admission.own, request.collection
        if wanted:
            wanted = registry.get(own(caller, wanted, "collection")).name
        aliases = await asyncio.to_thread(self.gate.engine.store.aliases)
        return pb.ListAliasesResponse(
            aliases=[
                pb.Alias(alias=one.alias, collection=one.collection)
                for one in aliases
                if wanted in {"", one.collection}
                and caller.may_use(one.alias)
                and caller.may_use(one.collection)
            ]
        )

    async def _upsert(
        self, request: pb.UpsertItemsRequest | pb.ImportItemsRequest, deadline: float | None
    ) -> tuple[str, Upserted]:
        """Upsert; gives the name of the collection too, which an alias may stand for."""
        engine = self.gate.engine
        name = self.gate.admission.own(admitted(), request.collection, "collection")
        served = engine.registry.get(name)
        items = items_from_wire(request.items, served.parts.text, engine.config.limits)
        if_versions = if_versions_from_wire(
            request.if_versions, frozenset(item.id for item in items)
        )
        condition = _condition(if_versions)
        return served.name, await engine.ingest.upsert(served.name, items, deadline, condition)

    def _collection(self, collection: Collection) -> pb.Collection:
        served, caller = self.gate.engine.registry.get(collection.name), admitted()
        aliases = list(filter(caller.may_use, self.gate.engine.registry.aliases(served)))
        message = collection_to_wire(collection, served.index.status(), aliases)
        if caller.filter is not None:
            for field in _OF_EVERYBODY:
                message.ClearField(field)
        return message


def _condition(if_versions: Mapping[str, int]) -> Condition:
    test = admitted().owns
    return Condition(if_versions, None if test is None else Guard(test))


def _ids(ids: Sequence[str], most: int) -> list[str]:
    check_count(len(ids), most, "ids", "ids")
    return [check_name(id_, MAX_ID_BYTES, f"ids[{position}]") for position, id_ in enumerate(ids)]
