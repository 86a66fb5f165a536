"""The client for an event loop: the methods of `Client` as coroutines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Self, Unpack

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bertine.client import requests
from bertine.client.aio_collections import AsyncCollectionCalls
from bertine.client.channel import OPTIONS, READY_SERVICE, Tls, credentials_of, metadata_of
from bertine.client.errors import CallError, translated
from bertine.client.options import (
    HistoryLike,
    ItemLike,
    Priority,
    QueryLike,
    RecommendOptions,
    SearchOptions,
)
from bertine.client.results import Found, Recommended, UpsertCounts, found
from bertine.types import InputType, Item, Matrix
from bertine.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    embedding_pb2_grpc,
    index_pb2_grpc,
    recommendation_pb2,
    recommendation_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)
from bertine.wire.items import item_from_response


class AsyncClient(AsyncCollectionCalls):
    """A connection to a server; closed by `close` or an ``async with`` statement.

    Made inside the event loop that it is used in.

    Args:
        target: HOST:PORT.
        timeout: seconds for each call; the server drops what cannot be done in time.
        key: of the caller, where the server wants one. It is sent as it is, with every call.
        tls: how a server with TLS is known; None for one without.

    Raises:
        InvalidInput: it is no key.
        ConfigError: a file of `tls` cannot be read.
    """

    def __init__(
        self, target: str, *, timeout: float = 60.0, key: str = "", tls: Tls | None = None
    ) -> None:
        self._timeout = timeout
        self._metadata = metadata_of(key)
        credentials = credentials_of(tls)
        self._channel = (
            grpc.aio.insecure_channel(target, options=OPTIONS)
            if credentials is None
            else grpc.aio.secure_channel(target, credentials, options=OPTIONS)
        )
        self._embedding = embedding_pb2_grpc.EmbeddingServiceStub(self._channel)
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(self._channel)
        self._index = index_pb2_grpc.IndexServiceStub(self._channel)
        self._recommendation = recommendation_pb2_grpc.RecommendationServiceStub(self._channel)
        self._server = server_pb2_grpc.ServerServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def wait_until_ready(self, timeout: float = 60.0) -> None:  # noqa: ASYNC109 - as in Client
        """Return when the server says that it is serving.

        Raises:
            CallError: it does not within `timeout` seconds.
        """
        with translated():
            watch = health_pb2_grpc.HealthStub(self._channel).Watch(
                health_pb2.HealthCheckRequest(service=READY_SERVICE),
                timeout=timeout,
                wait_for_ready=True,
            )
            async for answer in watch:
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    watch.cancel()
                    return
        raise CallError("UNAVAILABLE", "the server closed the health stream")

    async def server_info(self) -> server_pb2.ServerInfo:
        """What the server is and allows, see ``server.proto``."""
        request = server_pb2.GetServerInfoRequest()
        info: server_pb2.ServerInfo = await self._call(self._server.GetServerInfo, request)
        return info

    async def embed(
        self,
        texts: Sequence[str],
        *,
        input_type: InputType = "none",
        truncate: bool = True,
        dimensions: int | None = None,
        priority: Priority = "auto",
    ) -> Matrix:
        """Encode texts.

        Args:
            texts: any number; long lists are sent in several calls.
            input_type: which of the model's prompts goes before each text.
            truncate: cut texts at the model's maximum length; otherwise a longer one is an error.
            dimensions: keep only the first of the vector's components.
            priority: who goes first while the encoder is busy, see `options.Priority`.

        Returns:
            float32 ``[len(texts), d]``, rows of length 1.
        """
        parts = []
        for chunk in requests.chunks(texts, requests.EMBED_CHUNK):
            request = requests.embed(chunk, input_type, dimensions, priority, truncate=truncate)
            parts.append(requests.vectors(await self._call(self._embedding.Embed, request)))
        return np.concatenate(parts) if parts else np.empty((0, dimensions or 0), np.float32)

    async def upsert(
        self,
        collection: str,
        items: Iterable[ItemLike],
        *,
        if_versions: Mapping[str, int] | None = None,
    ) -> UpsertCounts:
        """Insert items, or replace those of the same ids. What is returned is on disk.

        Args:
            collection: its name.
            items: `Item`s, or mappings whose keys beside `id`, `text`, `vector`, `available_from`,
                `available_until` and `expire_time` are attributes. Any number; sent in several
                calls.
            if_versions: version that an item must have now (`Item.version` as it was read), or 0 if
                it must not exist, by id. All items are then sent in one call.

        Raises:
            CallError: ``ABORTED`` if an item has another version; nothing is written, and
                `CallError.versions` has those that they have.
        """
        counts = UpsertCounts()
        for chunk in requests.upsert_chunks(items, if_versions):
            request = catalog_pb2.UpsertItemsRequest(
                collection=collection, items=requests.items(chunk), if_versions=if_versions
            )
            done = await self._call(self._catalog.UpsertItems, request)
            counts += UpsertCounts(done.inserted, done.updated, done.unchanged)
        return counts

    async def delete_items(
        self,
        collection: str,
        ids: Sequence[str],
        *,
        if_versions: Mapping[str, int] | None = None,
    ) -> int:
        """Delete items; returns how many of the ids were there.

        Args:
            collection: its name.
            ids: of the items.
            if_versions: as for `upsert`.
        """
        request = catalog_pb2.DeleteItemsRequest(
            collection=collection, ids=ids, if_versions=if_versions
        )
        return int((await self._call(self._catalog.DeleteItems, request)).deleted)

    async def get_items(
        self, collection: str, ids: Sequence[str], *, with_vectors: bool = False
    ) -> dict[str, Item]:
        """Those of the items that exist, by id."""
        request = catalog_pb2.GetItemsRequest(
            collection=collection, ids=ids, with_vectors=with_vectors
        )
        answer = await self._call(self._catalog.GetItems, request)
        return {item.id: item_from_response(item) for item in answer.items}

    async def list_items(
        self, collection: str, *, page_size: int = 500, with_vectors: bool = False
    ) -> AsyncIterator[Item]:
        """All items by ascending id, a page at a time."""
        request = catalog_pb2.ListItemsRequest(
            collection=collection, page_size=page_size, with_vectors=with_vectors
        )
        while True:
            page = await self._call(self._catalog.ListItems, request)
            for item in page.items:
                yield item_from_response(item)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def search(
        self, collection: str, query: QueryLike, **options: Unpack[SearchOptions]
    ) -> list[Found]:
        """The items most similar to a query, best first.

        Args:
            collection: its name.
            query: a text, a vector of the model's dimensions, or parts by name.
            **options: see `SearchOptions`: `top_k`, `min_score`, `filter`, `include_items`.
        """
        [hits] = await self.search_many(collection, [query], **options)
        return hits

    async def search_many(
        self, collection: str, queries: Sequence[QueryLike], **options: Unpack[SearchOptions]
    ) -> list[list[Found]]:
        """As `search`, for several queries in one call."""
        request = requests.search(collection, queries, options)
        answer = await self._call(self._recommendation.Search, request)
        return [found(result) for result in answer.results]

    async def similar(
        self, collection: str, item_id: str, **options: Unpack[SearchOptions]
    ) -> list[Found]:
        """The items most similar to an item, best first; options as in `search`."""
        request = requests.similar(collection, item_id, options)
        answer = await self._call(self._recommendation.SimilarItems, request)
        return found(answer.result)

    async def recommend(
        self,
        collection: str,
        *,
        history: HistoryLike = (),
        user: str = "",
        **options: Unpack[RecommendOptions],
    ) -> Recommended:
        """Items for a history, or for a user's recorded events, or both; best first.

        Args:
            collection: its name.
            history: item ids or `HistoryEntry`s, oldest first.
            user: whose latest recorded events go before `history`.
            **options: see `RecommendOptions`: those of `search`, how the history counts, where and
                when the user is, and what the list must look like.

        Returns:
            A list of hits that also has the `recommendation_id`. Empty if nothing of the history
            could be used and nothing has been learned of events.
        """
        entries = requests.history_entries(history)
        request = requests.recommend(collection, entries, user, options)
        answer = await self._call(self._recommendation.Recommend, request)
        return Recommended(answer, entries)

    async def record_events(self, collection: str, events: Iterable[Mapping[str, Any]]) -> int:
        """Store what users did; returns how many events were new.

        Args:
            collection: its name.
            events: mappings with `user`, `item_id` and perhaps `event_type`, `time` (seconds since
                the epoch), `weight` and `event_id`.
        """
        request = recommendation_pb2.RecordEventsRequest(
            collection=collection, events=requests.events(events)
        )
        return int((await self._call(self._recommendation.RecordEvents, request)).recorded)

    async def delete_user(self, user: str) -> int:
        """Delete all events of a user; returns how many there were."""
        request = recommendation_pb2.DeleteUserRequest(user=user)
        return int((await self._call(self._recommendation.DeleteUser, request)).deleted_events)

    async def _call(self, method: Any, request: Any) -> Any:
        with translated():
            return await method(request, timeout=self._timeout, metadata=self._metadata)
