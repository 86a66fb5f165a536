"""The tuning of an index as messages."""

from __future__ import annotations

from collections.abc import Iterable

from bertine.errors import InvalidInput
from bertine.index.queries import CAPACITY
from bertine.index.tuning import Trial
from bertine.types import Matrix
from bertine.v1 import index_pb2 as pb
from bertine.wire.items import check_count
from bertine.wire.values import vectors_from_wire

LEAST_RECALL, MOST_RECALL = 0.5, 0.99
"""Beyond the higher one more queries would be needed than are kept."""


def recall_from_wire(request: pb.TuneCollectionRequest) -> float | None:
    """The recall that is asked for, None if the request leaves it open.

    Raises:
        InvalidInput: out of range.
    """
    if not request.HasField("recall"):
        return None
    # NaN fails the comparison too.
    if not LEAST_RECALL <= request.recall <= MOST_RECALL:
        raise InvalidInput(
            "recall", f"is {request.recall}; ask for {LEAST_RECALL} to {MOST_RECALL}"
        )
    return request.recall


def tuning_queries_from_wire(request: pb.TuneCollectionRequest, dimensions: int) -> Matrix | None:
    """The queries to tune on, None if the request brings none.

    Raises:
        InvalidInput: too many, or malformed.
    """
    if not request.HasField("queries"):
        return None
    check_count(request.queries.count, CAPACITY, "queries.count", "queries")
    return vectors_from_wire(request.queries, dimensions, "queries")


def trials_to_wire(trials: Iterable[Trial], chosen: Trial | None) -> list[pb.IndexTrial]:
    """What was measured; the chosen one is marked."""
    return [
        pb.IndexTrial(
            kind=trial.kind,
            nprobe=trial.setting.nprobe,
            refine=trial.setting.refine,
            recall=trial.recall,
            recall_lower=trial.lower,
            seconds=trial.seconds,
            bytes_per_vector=trial.bytes_per_vector,
            chosen=trial == chosen,
        )
        for trial in trials
    ]
