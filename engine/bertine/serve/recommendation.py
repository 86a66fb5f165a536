"""RecommendationService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from bertine.catalog.events import DeleteUser, RecordEvents
from bertine.engine import Engine
from bertine.errors import InvalidInput
from bertine.index.live import LiveIndex
from bertine.recommend.requests import Wanted, Wish
from bertine.serve.callers.admission import admitted
from bertine.serve.calls import Context, Gate, deadline_of, gated, timings
from bertine.types import Event, StageTimes
from bertine.v1 import recommendation_pb2 as pb
from bertine.v1 import recommendation_pb2_grpc
from bertine.wire.events import (
    MAX_USER_BYTES,
    events_from_wire,
    history_from_wire,
    noise_from_wire,
    profile_from_wire,
    session_from_wire,
    situation_from_wire,
)
from bertine.wire.items import MAX_ID_BYTES, check_name
from bertine.wire.learned import fit_options_from_wire, learned_to_wire
from bertine.wire.queries import (
    Request,
    hits_to_wire,
    queries_from_wire,
    recommendation_to_wire,
    wanted_from_wire,
)
from bertine.wire.rules import channel_weights_from_wire, rules_from_wire


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
        wanted = self._wanted(request, deadline_of(context))
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
        wanted = self._wanted(request, deadline_of(context))
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
        wish = self._wish(request, deadline_of(context))
        done = await self.gate.engine.recommender.recommend(request.collection, wish)
        response = recommendation_to_wire(done)
        response.timings.CopyFrom(timings(done.answer.times, started))
        return response

    def _wish(self, request: pb.RecommendRequest, deadline: float | None) -> Wish:
        limits = self.gate.engine.config.limits
        session_digest = self.gate.engine.user_key.session_digest
        session = session_from_wire(request.context)
        noise = noise_from_wire(request.profile)
        return Wish(
            history=history_from_wire(request.history, limits),
            wanted=self._wanted(request, deadline),
            options=profile_from_wire(request.profile),
            noise=noise,
            user=self._user(request),
            session=session_digest(session) if session else None,
            situation=situation_from_wire(request.context, time.time()),
            exclude_seen=_exclude_seen(request, blurred=noise is not None),
            explain=request.explain,
            rules=rules_from_wire(request.rules),
            channel_weights=channel_weights_from_wire(request.channel_weights),
        )

    def _wanted(self, request: Request, deadline: float | None) -> Wanted:
        wanted = wanted_from_wire(request, self.gate.engine.config.limits, deadline)
        mandatory = admitted().filter
        return wanted if mandatory is None else replace(wanted, mandatory=mandatory)

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
        key = self.gate.engine.user_key
        events = events_from_wire(
            request.events,
            key.digest,
            key.session_digest,
            time.time(),
            self.gate.engine.config.limits,
        )
        change = RecordEvents(served.key, _own(events, served.index))
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
        refreshing = await asyncio.to_thread(self.gate.engine.learner.outdated)
        return pb.DeleteUserResponse(deleted_events=deleted, refreshing=refreshing)

    @gated
    async def Fit(self, request: pb.FitRequest, _context: Context) -> pb.LearnedStatus:
        """See ``recommendation.proto``."""
        learner = self.gate.engine.learner
        served = self.gate.engine.registry.get(request.collection)
        # Cancelled with the call, at its deadline too, unless it is under way already.
        kept = await asyncio.wrap_future(learner.fit(served, fit_options_from_wire(request)))
        return learned_to_wire(kept.learned, kept.time)

    @gated
    async def GetLearned(
        self, request: pb.GetLearnedRequest, _context: Context
    ) -> pb.LearnedStatus:
        """See ``recommendation.proto``."""
        learner = self.gate.engine.learner
        key = self.gate.engine.registry.get(request.collection).key
        kept = learner.kept(key)
        if kept is None:
            return pb.LearnedStatus(message=learner.message(key))
        return learned_to_wire(kept.learned, kept.time)


def _exclude_seen(request: pb.RecommendRequest, *, blurred: bool) -> bool:
    if not request.HasField("exclude_seen"):
        return not blurred
    if request.exclude_seen and blurred:
        raise InvalidInput("exclude_seen", "would show what profile.noise hides; set it to false")
    return request.exclude_seen


def _own(events: Sequence[Event], index: LiveIndex) -> Sequence[Event]:
    """The events of items that are the caller's; their ids are the caller's too."""
    caller = admitted()
    test = caller.test
    if test is None:
        return events
    return [
        replace(event, event_id=f"{caller.name}\n{event.event_id}")
        for event in events
        if index.vector(event.item_id, test) is not None
    ]
