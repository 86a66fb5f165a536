"""What an index consists of, and how well it answers, as a message."""

from __future__ import annotations

from bertine.types import IndexStatus, Interval
from bertine.v1 import catalog_pb2


def index_status_to_wire(index: IndexStatus) -> catalog_pb2.IndexStatus:
    """What an index consists of, and how well it answers."""
    message = catalog_pb2.IndexStatus(
        kind=index.kind,
        main_count=index.main,
        delta_count=index.delta,
        dead_count=index.dead,
        rebuilding=index.rebuilding,
    )
    if index.main:
        message.nprobe, message.refine = index.nprobe, index.refine
        message.target_recall, message.tuned_on_queries = index.target, index.tuned_on
        message.recall.CopyFrom(_estimate(index.plain))
        message.filtered_recall.CopyFrom(_estimate(index.filtered))
    return message


def _estimate(interval: Interval) -> catalog_pb2.RecallEstimate:
    if not interval.count:
        return catalog_pb2.RecallEstimate()
    return catalog_pb2.RecallEstimate(
        queries=interval.count,
        mean=interval.mean,
        lower=interval.lower,
        upper=interval.upper,
    )
