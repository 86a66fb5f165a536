"""RecommendationService."""

from __future__ import annotations

import asyncio
import time

from bertine.catalog.events import DeleteUser, RecordEvents
from bertine.engine import Engine
from bertine.errors import InvalidInput
from bertine.serve.calls import Context, Gate, deadline_of, gated, timings
from bertine.types import StageTimes
from bertine.v1 import recommendation_pb2 as pb
from bertine.v1 import recommendation_pb2_grpc
from bertine.wire.events import (
    MAX_USER_BYTES,
    events_from_wire,
    history_from_wire,
    profile_from_wire,
)
from bertine.wire.items import MAX_ID_BYTES, check_name
from bertine.wire.queries import hits_to_wire, queries_from_wire, wanted_from_wire


class RecommendationServicer(recommendation_pb2_grpc.RecommendationServiceServicer):
    """Ranked items.

    Attributes:
        gate: of the server.
    """

    def __init__(self, gate: Gate[Engine]) -> None:
        self.gate = gate

    @gated
    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        """See ``recommendation.proto``."""
        started = time.perf_counter()
        wanted = wanted_from_wire(request, self.gate.engine.config.limits, deadline_of(context))
        dimensions = self.gate.engine.encoder.dimensions
        queries = queries_from_wire(request.queries, dimensions, self.gate.engine.config.limits)
        answer = await self.gate.engine.recommender.search(request.collection, queries, wanted)
        return pb.SearchResponse(
            results=[hits_to_wire(hits, answer.items) for hits in answer.results],
            timings=timings(answer.times, started),
        )

    @gated
    async def SimilarItems(
        self, request: pb.SimilarItemsRequest, context: Context
    ) -> pb.SimilarItemsResponse:
        """See ``recommendation.proto``."""
        started = time.perf_counter()
        wanted = wanted_from_wire(request, self.gate.engine.config.limits, deadline_of(context))
        item_id = check_name(request.item_id, MAX_ID_BYTES, "item_id")
        answer = await self.gate.engine.recommender.similar(request.collection, item_id, wanted)
        return pb.SimilarItemsResponse(
            result=hits_to_wire(answer.results[0], answer.items),
            timings=timings(answer.times, started),
        )

    @gated
    async def Recommend(
        self, request: pb.RecommendRequest, context: Context
    ) -> pb.RecommendResponse:
        """See ``recommendation.proto``."""
        started = time.perf_counter()
        done = await self.gate.engine.recommender.recommend(
            request.collection,
            history_from_wire(request.history, self.gate.engine.config.limits),
            profile_from_wire(request.profile),
            wanted_from_wire(request, self.gate.engine.config.limits, deadline_of(context)),
            user=self._user(request),
            exclude_seen=request.exclude_seen if request.HasField("exclude_seen") else True,
            explanations=request.explain,
        )
        return pb.RecommendResponse(
            result=hits_to_wire(
                done.answer.results[0], done.answer.items, done.explanations, done.history
            ),
            skipped=done.history.skipped,
            history_size=len(done.history.entries),
            timings=timings(done.answer.times, started),
        )

    def _user(self, request: pb.RecommendRequest) -> bytes | None:
        if request.user:
            return self.gate.engine.user_key.digest(
                check_name(request.user, MAX_USER_BYTES, "user")
            )
        if not request.history:
            raise InvalidInput("history", "is empty and no user is given; send one of them")
        return None

    @gated
    async def RecordEvents(
        self, request: pb.RecordEventsRequest, _context: Context
    ) -> pb.RecordEventsResponse:
        """See ``recommendation.proto``."""
        started = time.perf_counter()
        served = self.gate.engine.registry.get(request.collection)
        digest = self.gate.engine.user_key.digest
        events = events_from_wire(
            request.events, digest, time.time(), self.gate.engine.config.limits
        )
        change = RecordEvents(served.key, events)
        done = await asyncio.wrap_future(self.gate.engine.writer.submit(change, None))
        return pb.RecordEventsResponse(
            recorded=done.recorded,
            duplicates=done.duplicates,
            timings=timings(StageTimes(storage=time.perf_counter() - started), started),
        )

    @gated
    async def DeleteUser(
        self, request: pb.DeleteUserRequest, _context: Context
    ) -> pb.DeleteUserResponse:
        """See ``recommendation.proto``."""
        user = self.gate.engine.user_key.digest(check_name(request.user, MAX_USER_BYTES, "user"))
        deleted = await asyncio.wrap_future(self.gate.engine.writer.submit(DeleteUser(user), None))
        return pb.DeleteUserResponse(deleted_events=deleted)
