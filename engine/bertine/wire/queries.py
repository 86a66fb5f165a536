"""Searches and their answers as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bertine.config import Limits
from bertine.errors import InvalidInput
from bertine.recommend.history import Usable
from bertine.recommend.requests import (
    Contribution,
    Explanation,
    Query,
    Recommendation,
    Source,
    Wanted,
)
from bertine.types import Hits, Item
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.filters import filter_from_wire
from bertine.wire.items import check_count, check_text, item_to_wire, named_from_wire
from bertine.wire.values import vectors_from_wire

DEFAULT_TOP_K = 10
MAX_NPROBE = 1 << 20
"""More lists than an index has."""

_SOURCES: Mapping[Source, pb.HitSource] = {
    "personal": pb.HIT_SOURCE_PERSONAL,
    "promoted": pb.HIT_SOURCE_PROMOTED,
    "exploration": pb.HIT_SOURCE_EXPLORATION,
    "backfill": pb.HIT_SOURCE_BACKFILL,
}

Request: TypeAlias = pb.SearchRequest | pb.SimilarItemsRequest | pb.RecommendRequest


def wanted_from_wire(request: Request, limits: Limits, deadline: float | None) -> Wanted:
    """What hits a request wants.

    Raises:
        InvalidInput: top_k, threshold or filter out of range or malformed.
    """
    top_k = request.top_k if request.HasField("top_k") else DEFAULT_TOP_K
    if not 1 <= top_k <= limits.max_top_k:
        raise InvalidInput("top_k", f"is {top_k}; ask for 1 to {limits.max_top_k:,} hits")
    min_score = request.min_score if request.HasField("min_score") else -1.0
    # NaN fails the comparison too.
    if not -1.0 <= min_score <= 1.0:
        raise InvalidInput("min_score", f"is {min_score}; a cosine is between -1 and 1")
    scope = request.scope
    return Wanted(
        top_k=top_k,
        min_score=min_score,
        filter=filter_from_wire(request.filter),
        include_items=request.include_items,
        only=_ids(scope.only_ids, limits, "scope.only_ids") or None,
        exclude=_ids(scope.exclude_ids, limits, "scope.exclude_ids"),
        exact=scope.exact,
        deadline=deadline,
        nprobe=min(scope.nprobe, MAX_NPROBE),
        vector_weights=dict(request.vector_weights),
    )


def _ids(ids: Sequence[str], limits: Limits, field: str) -> frozenset[str]:
    if len(ids) > limits.max_inputs:
        raise InvalidInput(field, f"holds {len(ids):,} ids; send at most {limits.max_inputs:,}")
    return frozenset(ids)


def queries_from_wire(messages: Sequence[pb.Query], dimensions: int, limits: Limits) -> list[Query]:
    """Read and check queries.

    Raises:
        InvalidInput: none, too many, or one that is wrong.
    """
    check_count(len(messages), limits.max_queries, "queries", "queries")
    return [
        _query(message, dimensions, limits, f"queries[{position}]")
        for position, message in enumerate(messages)
    ]


def _query(message: pb.Query, dimensions: int, limits: Limits, field: str) -> Query:
    others = named_from_wire(message.vectors, f"{field}.vectors")
    match message.WhichOneof("input"):
        case "text":
            return Query(text=check_text(message.text, limits, f"{field}.text"), vectors=others)
        case "token_ids":
            if not message.token_ids.ids:
                raise InvalidInput(f"{field}.token_ids", "is empty; send at least one id")
            return Query(token_ids=message.token_ids.ids, vectors=others)
        case "vector":
            check_count(message.vector.count, 1, f"{field}.vector.count", "vectors")
            vectors = vectors_from_wire(message.vector, dimensions, f"{field}.vector")
            return Query(vector=vectors[0], vectors=others)
        case _ if others:
            return Query(vectors=others)
        case _:
            raise InvalidInput(field, "is empty; set text, token_ids, vector or vectors")


def hits_to_wire(hits: Hits, items: Mapping[str, Item]) -> pb.HitList:
    """Hits as a message.

    Args:
        hits: of one query.
        items: of the hits, by id, where they were asked for.
    """
    message = pb.HitList()
    _fill(message, hits, items)
    return message


def _fill(message: pb.HitList, hits: Hits, items: Mapping[str, Item]) -> None:
    plan = message.plan
    plan.index, plan.strategy = hits.plan.index, hits.plan.strategy
    plan.examined, plan.matching = hits.plan.examined, hits.plan.matching
    plan.truncated = hits.plan.truncated
    for item_id, score in zip(hits.ids, hits.scores, strict=True):
        wire = message.hits.add(id=item_id, score=score)
        if items and item_id in items:
            wire.item.CopyFrom(item_to_wire(items[item_id]))


def recommendation_to_wire(done: Recommendation) -> pb.RecommendResponse:
    """A recommendation as a message, but for its timings."""
    response = pb.RecommendResponse(
        skipped=done.history.skipped,
        history_size=len(done.history.entries),
        recommendation_id=done.id,
        channels=done.channels,
    )
    [hits] = done.answer.results
    # Filled where it is: given to the response it would be copied.
    _fill(response.result, hits, done.answer.items)
    wires = response.result.hits
    for wire, source, propensity in zip(wires, done.sources, done.propensities, strict=True):
        wire.source = _SOURCES[source]
        if propensity:
            wire.propensity = propensity
    for wire, explanation in zip(wires, done.explanations, strict=False):
        _explain(wire.explanation, explanation, done.history)
    return response


def _explain(message: pb.Explanation, explanation: Explanation, history: Usable) -> None:
    message.contributions.extend(_contribution(part, history) for part in explanation.contributions)
    for share in explanation.channels:
        message.channels.add(channel=share.channel, score=share.score, share=share.share)


def _contribution(part: Contribution, history: Usable) -> pb.Contribution:
    message = pb.Contribution(score=part.score, share=part.share)
    if part.entry < 0:
        message.other = part.other
        return message
    entry, position = history.entries[part.entry], history.positions[part.entry]
    if entry.item_id:
        message.item_id = entry.item_id
    elif position < 0:  # no text of the request
        message.other = entry.text
    else:
        message.text_position = position
    return message
