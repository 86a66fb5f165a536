"""The blocking client's calls about collections and aliases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from bertine.types import Matrix, NamedVector
from bertine.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    index_pb2,
    index_pb2_grpc,
    recommendation_pb2,
    recommendation_pb2_grpc,
)
from bertine.wire.items import named_vectors_to_wire
from bertine.wire.values import vectors_to_wire


class CollectionCalls(ABC):
    """Part of `Client`."""

    _catalog: catalog_pb2_grpc.CatalogServiceStub
    _index: index_pb2_grpc.IndexServiceStub
    _recommendation: recommendation_pb2_grpc.RecommendationServiceStub

    def create_collection(
        self,
        name: str,
        *,
        text_template: str = "",
        vectors: Sequence[NamedVector] = (),
        exist_ok: bool = False,
    ) -> catalog_pb2.Collection:
        """Make an empty collection.

        Args:
            name: 1 to 64 characters of a-z, A-Z, 0-9, '_', '-' and '.'.
            text_template: composes the text of items that bring none: ``"{title}. {blurb}"``.
            vectors: parts of the items' vectors beside the text's, at most 8.
            exist_ok: an equal collection is not an error.
        """
        request = catalog_pb2.CreateCollectionRequest(
            name=name,
            text_template=text_template,
            exist_ok=exist_ok,
            vectors=named_vectors_to_wire(vectors),
        )
        made: catalog_pb2.Collection = self._call(self._catalog.CreateCollection, request)
        return made

    def get_collection(self, name: str) -> catalog_pb2.Collection:
        """A collection's settings and size."""
        request = catalog_pb2.GetCollectionRequest(name=name)
        made: catalog_pb2.Collection = self._call(self._catalog.GetCollection, request)
        return made

    def list_collections(self) -> list[catalog_pb2.Collection]:
        """All collections, by name."""
        request = catalog_pb2.ListCollectionsRequest()
        return list(self._call(self._catalog.ListCollections, request).collections)

    def delete_collection(self, name: str) -> int:
        """Delete a collection with everything in it; returns how many items it had."""
        request = catalog_pb2.DeleteCollectionRequest(name=name)
        return int(self._call(self._catalog.DeleteCollection, request).deleted_items)

    def set_alias(self, alias: str, collection: str) -> str:
        """Let an alias stand for a collection; returns the one that it stood for before.

        Calls that begin afterwards see the new one. A method that sends several calls, such as
        `list_items`, may see both: give it the collection's own name where that matters.

        Args:
            alias: a name that no collection has; may stand for another collection already.
            collection: its own name.

        Returns:
            "" if the alias is new.
        """
        request = catalog_pb2.SetAliasRequest(alias=alias, collection=collection)
        return str(self._call(self._catalog.SetAlias, request).previous_collection)

    def delete_alias(self, alias: str) -> str:
        """Delete an alias; returns the collection that it stood for, which stays."""
        request = catalog_pb2.DeleteAliasRequest(alias=alias)
        return str(self._call(self._catalog.DeleteAlias, request).collection)

    def list_aliases(self, collection: str = "") -> dict[str, str]:
        """The collection that each alias stands for, by alias; of one collection if it is given."""
        request = catalog_pb2.ListAliasesRequest(collection=collection)
        answer = self._call(self._catalog.ListAliases, request)
        return {one.alias: one.collection for one in answer.aliases}

    def tune(
        self, collection: str, *, recall: float | None = None, queries: Matrix | None = None
    ) -> index_pb2.TuneCollectionResponse:
        """Choose a collection's trained index by measurement; later rebuilds keep to it.

        It takes as long as several rebuilds: give the client a timeout to match.

        Args:
            collection: its name.
            recall: part of the ten best items that must be found, 0.5 to 0.99; default: as it was
                tuned before.
            queries: float32 ``[n, d]``, of texts such as users ask; default: the latest searches.
        """
        request = index_pb2.TuneCollectionRequest(
            collection=collection,
            recall=recall,
            queries=None if queries is None else vectors_to_wire(queries),
        )
        done: index_pb2.TuneCollectionResponse = self._call(self._index.TuneCollection, request)
        return done

    def fit(
        self,
        collection: str,
        *,
        validation_share: float | None = None,
        keep_weights: bool = False,
    ) -> recommendation_pb2.LearnedStatus:
        """Learn from a collection's recorded events now, and how much each channel should count.

        It may take minutes: give the client a timeout to match.

        Args:
            collection: its name.
            validation_share: the latest share of the events that channels are weighed by, 0 to 0.5;
                default 0.1.
            keep_weights: learn anew with the weights there are.

        Raises:
            CallError: ``FAILED_PRECONDITION`` if there are too few events.
        """
        request = recommendation_pb2.FitRequest(
            collection=collection, validation_share=validation_share, keep_weights=keep_weights
        )
        done: recommendation_pb2.LearnedStatus = self._call(self._recommendation.Fit, request)
        return done

    def learned(self, collection: str) -> recommendation_pb2.LearnedStatus:
        """What has been learned from a collection's events; without a time if nothing has."""
        request = recommendation_pb2.GetLearnedRequest(collection=collection)
        found: recommendation_pb2.LearnedStatus = self._call(
            self._recommendation.GetLearned, request
        )
        return found

    @abstractmethod
    def _call(self, method: Any, request: Any) -> Any:
        """Send a request; a refusal is raised as `CallError`."""
