"""IndexService."""

from __future__ import annotations

import asyncio
import threading

from bertine.engine import Engine
from bertine.index.live import LiveIndex
from bertine.index.training import Trained
from bertine.serve.calls import Context, Gate, gated
from bertine.types import Matrix
from bertine.v1 import index_pb2 as pb
from bertine.v1 import index_pb2_grpc
from bertine.wire.index_status import index_status_to_wire
from bertine.wire.indexes import (
    recall_from_wire,
    trials_to_wire,
    tuning_queries_from_wire,
)


class IndexServicer(index_pb2_grpc.IndexServiceServicer):
    """How collections are searched.

    Attributes:
        gate: of the server.
    """

    def __init__(self, gate: Gate[Engine]) -> None:
        self.gate = gate

    @gated
    async def TuneCollection(
        self, request: pb.TuneCollectionRequest, _context: Context
    ) -> pb.TuneCollectionResponse:
        """See ``index.proto``."""
        served = self.gate.engine.registry.get(request.collection)
        index = served.index
        target = recall_from_wire(request) or index.target_recall
        texts = tuning_queries_from_wire(request, served.parts.text)
        queries = None if texts is None else served.parts.beside(texts)
        done = await _tune(index, target, queries)
        chosen = None if done.ivf is None else done.ivf.tuning.trial
        return pb.TuneCollectionResponse(
            trials=trials_to_wire(done.trials, chosen or done.exact),
            source=done.source if done.trials else "",
            queries=done.queries,
            recall=target,
            index=index_status_to_wire(index.status()),
        )


class _GivenUpError(Exception):
    """Nobody waits for the result any more."""


async def _tune(index: LiveIndex, target: float, queries: Matrix | None) -> Trained:
    """Tune on a thread; it ends at the next kind of index when the call is cancelled."""
    given_up = threading.Event()

    def on_trial() -> None:
        if given_up.is_set():
            raise _GivenUpError

    try:
        return await asyncio.to_thread(index.tune, target, queries, on_trial=on_trial)
    finally:
        given_up.set()
