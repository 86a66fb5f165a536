"""Bertine's own services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.load.contract import STAGES, Priority, UnexpectedAnswerError
from benchmarks.load.grpc_calls import GrpcTarget
from bertine.types import Matrix
from bertine.v1 import common_pb2, embedding_pb2, recommendation_pb2

_MICROSECONDS = 1e-6
_PRIORITIES: dict[Priority, common_pb2.Priority] = {
    "": common_pb2.PRIORITY_UNSPECIFIED,
    "interactive": common_pb2.PRIORITY_INTERACTIVE,
    "bulk": common_pb2.PRIORITY_BULK,
}


class _BertineTarget(GrpcTarget):
    def stages(self, payload: bytes) -> tuple[float, ...] | None:
        """See `Target.stages`."""
        timings = self.answered(payload).timings
        return tuple(getattr(timings, f"{stage}_us") * _MICROSECONDS for stage in STAGES)


class BertineEmbed(_BertineTarget):
    """``EmbeddingService.Embed``."""

    method = "/bertine.v1.EmbeddingService/Embed"

    def pack(self, texts: Sequence[str]) -> bytes:
        """See `Target.pack`."""
        priority = _PRIORITIES[self.spec.priority]
        request = embedding_pb2.EmbedRequest(model=self.spec.model, texts=texts, priority=priority)
        return bytes(request.SerializeToString())

    def answered(self, payload: bytes) -> embedding_pb2.EmbedResponse:
        """See `GrpcTarget.answered`."""
        return embedding_pb2.EmbedResponse.FromString(payload)

    def vectors(self, payload: bytes) -> Matrix:
        """See `Target.vectors`."""
        packed = self.answered(payload).vectors
        return np.frombuffer(packed.data, "<f4").reshape(packed.count, packed.dimensions)


class _BertineHits(_BertineTarget):
    """A call that is answered with hits."""

    def vectors(self, payload: bytes) -> Matrix:
        """Hits have none.

        Raises:
            UnexpectedAnswerError: always.
        """
        raise UnexpectedAnswerError(f"the answer is hits, not vectors: {len(payload)} bytes")


class BertineSearch(_BertineHits):
    """``RecommendationService.Search`` in `TargetSpec.collection`."""

    method = "/bertine.v1.RecommendationService/Search"

    def pack(self, texts: Sequence[str]) -> bytes:
        """See `Target.pack`."""
        queries = [recommendation_pb2.Query(text=text) for text in texts]
        request = recommendation_pb2.SearchRequest(collection=self.spec.collection, queries=queries)
        return bytes(request.SerializeToString())

    def answered(self, payload: bytes) -> Any:
        """See `GrpcTarget.answered`."""
        return recommendation_pb2.SearchResponse.FromString(payload)


class BertineRecommend(_BertineHits):
    """``RecommendationService.Recommend`` in `TargetSpec.collection`: a call is one history."""

    method = "/bertine.v1.RecommendationService/Recommend"

    def pack(self, texts: Sequence[str]) -> bytes:
        """One request: the history of these entries, oldest first."""
        request = recommendation_pb2.RecommendRequest(
            collection=self.spec.collection, history=[self.entry(text) for text in texts]
        )
        return bytes(request.SerializeToString())

    def entry(self, text: str) -> recommendation_pb2.HistoryEntry:
        """An item of the collection, by its id."""
        return recommendation_pb2.HistoryEntry(item_id=text)

    def answered(self, payload: bytes) -> Any:
        """See `GrpcTarget.answered`."""
        return recommendation_pb2.RecommendResponse.FromString(payload)


class BertineRecommendTexts(BertineRecommend):
    """The same for histories of raw texts."""

    def entry(self, text: str) -> recommendation_pb2.HistoryEntry:
        """A text that is encoded for this call."""
        return recommendation_pb2.HistoryEntry(text=text)
