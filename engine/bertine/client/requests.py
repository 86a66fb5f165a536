"""Python values as requests: what both clients share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from bertine.client.options import (
    FilterLike,
    HistoryLike,
    ItemLike,
    Priority,
    QueryLike,
    RecommendOptions,
    SearchOptions,
)
from bertine.index.parts import TEXT
from bertine.recommend.rules import Recency
from bertine.types import Attribute, HistoryEntry, InputType, Item, Matrix
from bertine.v1 import catalog_pb2, common_pb2, embedding_pb2
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.events import history_to_wire
from bertine.wire.filters import filter_from_mapping, filter_to_wire
from bertine.wire.items import item_to_wire
from bertine.wire.values import (
    duration_to_wire,
    encoding_to_wire,
    time_to_wire,
    vectors_to_wire,
)

EMBED_CHUNK = 1_024
"""Texts in one call; a longer list is sent in several."""

UPSERT_CHUNK = 512
"""Items in one call; a longer list is sent in several."""

_INPUT_TYPES = {
    "none": common_pb2.INPUT_TYPE_UNSPECIFIED,
    "query": common_pb2.INPUT_TYPE_QUERY,
    "document": common_pb2.INPUT_TYPE_DOCUMENT,
}
_PRIORITIES = {
    "auto": common_pb2.PRIORITY_UNSPECIFIED,
    "interactive": common_pb2.PRIORITY_INTERACTIVE,
    "bulk": common_pb2.PRIORITY_BULK,
}
_NEGATIVES = {
    "subtract": pb.NEGATIVES_SUBTRACT,
    "mirror": pb.NEGATIVES_MIRROR,
    "best_score": pb.NEGATIVES_BEST_SCORE,
}
_ITEM_FIELDS = ("id", "text", "vector", "available_from", "available_until", "expire_time")
_T = TypeVar("_T")


def chunks(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most `size` values."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def upsert_chunks(
    items: Iterable[ItemLike], if_versions: Mapping[str, int] | None
) -> Iterator[list[ItemLike]]:
    """Items for one call each; conditions hold for all items or none, so these are one call."""
    return chunks(items, UPSERT_CHUNK) if not if_versions else iter([list(items)])


def embed(
    texts: Sequence[str],
    input_type: InputType,
    dimensions: int | None,
    priority: Priority,
    *,
    truncate: bool,
) -> embedding_pb2.EmbedRequest:
    """A request to encode texts."""
    return embedding_pb2.EmbedRequest(
        texts=texts,
        input_type=_INPUT_TYPES[input_type],
        truncate=truncate,
        dimensions=dimensions or 0,
        encoding=encoding_to_wire("float32"),
        priority=_PRIORITIES[priority],
    )


def vectors(response: embedding_pb2.EmbedResponse) -> Matrix:
    """The vectors of a response, float32 ``[n, d]``."""
    packed = response.vectors
    flat = np.frombuffer(packed.data, "<f4").astype(np.float32, copy=False)
    return flat.reshape(packed.count, packed.dimensions)


def items(values: Iterable[ItemLike]) -> list[catalog_pb2.Item]:
    """Items as messages; a mapping's keys beside an item's own fields are attributes."""
    return [
        item_to_wire(value if isinstance(value, Item) else item_from_mapping(value))
        for value in values
    ]


def item_from_mapping(row: Mapping[str, Any]) -> Item:
    """An item from a flat row: `id`, `text`, `vector`, `vectors` (by name), `available_from`,
    `available_until`, `expire_time`; every other key that has a value is an attribute, lists of
    strings becoming several values.
    """  # noqa: D205 - the summary needs two lines
    own = {name: row[name] for name in _ITEM_FIELDS if row.get(name) is not None}
    own["id"] = str(own.get("id", ""))
    named = row.get("vectors") or {}
    own["vectors"] = {name: np.asarray(part, np.float32) for name, part in named.items()}
    attributes = {
        name: _attribute(value)
        for name, value in row.items()
        if name not in {*_ITEM_FIELDS, "vectors"} and value is not None
    }
    return Item(**own, attributes=attributes)


def _attribute(value: Any) -> Attribute:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | set | frozenset | np.ndarray):
        return tuple(value)
    converted: Attribute = value
    return converted


def filter_message(value: FilterLike) -> common_pb2.Filter | None:
    """A filter, or the short form of one, as a message."""
    if value is None:
        return None
    return filter_to_wire(filter_from_mapping(value) if isinstance(value, Mapping) else value)


def query(value: QueryLike) -> pb.Query:
    """A text, a vector or parts by name as a query."""
    if isinstance(value, Mapping):
        parts = dict(value)
        text = parts.pop(TEXT, None)
        message = pb.Query() if text is None else query(text)
        for name, part in parts.items():
            message.vectors[name].CopyFrom(_packed(part))
        return message
    if isinstance(value, str):
        return pb.Query(text=value)
    return pb.Query(vector=_packed(value))


def _packed(vector: Any) -> common_pb2.Vectors:
    return vectors_to_wire(np.asarray(vector, np.float32).reshape(1, -1))


def history_entries(values: HistoryLike) -> list[HistoryEntry]:
    """A history; a plain string is an item's id."""
    return [
        value if isinstance(value, HistoryEntry) else HistoryEntry(item_id=value)
        for value in values
    ]


def search(
    collection: str, queries: Iterable[QueryLike], options: SearchOptions
) -> pb.SearchRequest:
    """A request to search."""
    return pb.SearchRequest(
        collection=collection, queries=map(query, queries), **_search_fields(options)
    )


def similar(collection: str, item_id: str, options: SearchOptions) -> pb.SimilarItemsRequest:
    """A request for similar items."""
    return pb.SimilarItemsRequest(collection=collection, item_id=item_id, **_search_fields(options))


def recommend(
    collection: str, history: Sequence[HistoryEntry], user: str, options: RecommendOptions
) -> pb.RecommendRequest:
    """A request to recommend."""
    request = pb.RecommendRequest(
        collection=collection,
        history=history_to_wire(history),
        user=user,
        profile=_profile(options),
        explain=options.get("explain", False),
        context=context(options.get("context", {})),
        rules=_rules(options),
        channel_weights=options.get("channel_weights"),
        **_search_fields(options),
    )
    if "exclude_seen" in options:
        request.exclude_seen = options["exclude_seen"]
    return request


def _search_fields(options: SearchOptions) -> dict[str, Any]:
    return {
        "top_k": options.get("top_k", 10),
        "min_score": options.get("min_score"),
        "filter": filter_message(options.get("filter")),
        "include_items": options.get("include_items", False),
        "scope": pb.Scope(
            only_ids=options.get("only_ids", ()),
            exclude_ids=options.get("exclude_ids", ()),
            exact=options.get("exact", False),
            nprobe=options.get("nprobe", 0),
        ),
        "vector_weights": options.get("vector_weights"),
    }


def _profile(options: RecommendOptions) -> pb.Profile:
    message = pb.Profile(
        event_weights=options.get("event_weights"),
        position_half_life=options.get("position_half_life"),
        interests=options.get("interests"),
        negatives=_NEGATIVES[options.get("negatives", "subtract")],
        joined_texts=options.get("joined_texts", 0),
    )
    if "noise" in options:
        given = options["noise"]
        epsilon, delta = given if isinstance(given, tuple) else (given, None)
        message.noise.CopyFrom(pb.Noise(epsilon=epsilon, delta=delta))
    if "age_half_life" in options:
        message.age_half_life.CopyFrom(duration_to_wire(options["age_half_life"]))
    return message


def _rules(options: RecommendOptions) -> pb.Rules:
    caps = options.get("caps", {})
    message = pb.Rules(
        caps=[pb.AttributeCap(attribute=name, at_most=most) for name, most in caps.items()],
        diversity=options.get("diversity"),
        no_backfill=not options.get("backfill", True),
        exploration=options.get("exploration"),
        seed=options.get("seed", 0),
    )
    if "promote" in options:
        which, at_least = options["promote"]
        message.promotion.CopyFrom(pb.Promotion(filter=filter_message(which), at_least=at_least))
    if "recency" in options:
        message.recency.CopyFrom(_recency(options["recency"]))
    if "exploration_age" in options:
        message.exploration_age.CopyFrom(duration_to_wire(options["exploration_age"]))
    return message


def _recency(rule: Recency) -> pb.RecencyBoost:
    half_life = duration_to_wire(rule.half_life)
    return pb.RecencyBoost(attribute=rule.attribute, half_life=half_life, weight=rule.weight)


def context(values: Mapping[str, Any]) -> pb.Context:
    """Where and when a user is; `time` is in seconds since the epoch."""
    fields = {name: value for name, value in values.items() if value is not None}
    moment = fields.pop("time", None)
    message = pb.Context(**fields)
    if moment is not None:
        message.time.CopyFrom(time_to_wire(moment))
    return message


def events(values: Iterable[Mapping[str, Any]]) -> list[pb.Event]:
    """Events as messages, from mappings with `user`, `item_id` and perhaps `event_type`, `time`,
    `weight`, `event_id`, `recommendation_id` and `context` (a mapping with `place`, `device`,
    `session` and `utc_offset_minutes`). One without a time happened now: so a retry sends the
    same event.
    """  # noqa: D205 - the summary needs two lines
    now = time.time()
    return [_event(value, now) for value in values]


def _event(value: Mapping[str, Any], now: float) -> pb.Event:
    fields = {name: part for name, part in value.items() if part is not None}
    moment = fields.pop("time", now)
    where = fields.pop("context", None)
    message = pb.Event(**fields, time=time_to_wire(moment))
    if where is not None:
        message.context.CopyFrom(context(where))
    return message
