import datetime

from bertine.v1 import catalog_pb2 as _catalog_pb2
from bertine.v1 import common_pb2 as _common_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Negatives(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NEGATIVES_UNSPECIFIED: _ClassVar[Negatives]
    NEGATIVES_SUBTRACT: _ClassVar[Negatives]
    NEGATIVES_MIRROR: _ClassVar[Negatives]
    NEGATIVES_BEST_SCORE: _ClassVar[Negatives]

class HitSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HIT_SOURCE_UNSPECIFIED: _ClassVar[HitSource]
    HIT_SOURCE_PERSONAL: _ClassVar[HitSource]
    HIT_SOURCE_PROMOTED: _ClassVar[HitSource]
    HIT_SOURCE_EXPLORATION: _ClassVar[HitSource]
    HIT_SOURCE_BACKFILL: _ClassVar[HitSource]
NEGATIVES_UNSPECIFIED: Negatives
NEGATIVES_SUBTRACT: Negatives
NEGATIVES_MIRROR: Negatives
NEGATIVES_BEST_SCORE: Negatives
HIT_SOURCE_UNSPECIFIED: HitSource
HIT_SOURCE_PERSONAL: HitSource
HIT_SOURCE_PROMOTED: HitSource
HIT_SOURCE_EXPLORATION: HitSource
HIT_SOURCE_BACKFILL: HitSource

class Query(_message.Message):
    __slots__ = ("text", "token_ids", "vector", "vectors")
    class VectorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _common_pb2.Vectors
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.Vectors, _Mapping]] = ...) -> None: ...
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    text: str
    token_ids: _common_pb2.TokenIds
    vector: _common_pb2.Vectors
    vectors: _containers.MessageMap[str, _common_pb2.Vectors]
    def __init__(self, text: _Optional[str] = ..., token_ids: _Optional[_Union[_common_pb2.TokenIds, _Mapping]] = ..., vector: _Optional[_Union[_common_pb2.Vectors, _Mapping]] = ..., vectors: _Optional[_Mapping[str, _common_pb2.Vectors]] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("collection", "queries", "top_k", "min_score", "filter", "include_items", "scope", "vector_weights")
    class VectorWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VECTOR_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    queries: _containers.RepeatedCompositeFieldContainer[Query]
    top_k: int
    min_score: float
    filter: _common_pb2.Filter
    include_items: bool
    scope: Scope
    vector_weights: _containers.ScalarMap[str, float]
    def __init__(self, collection: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[Query, _Mapping]]] = ..., top_k: _Optional[int] = ..., min_score: _Optional[float] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., include_items: bool = ..., scope: _Optional[_Union[Scope, _Mapping]] = ..., vector_weights: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Scope(_message.Message):
    __slots__ = ("only_ids", "exclude_ids", "exact", "nprobe")
    ONLY_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_IDS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    NPROBE_FIELD_NUMBER: _ClassVar[int]
    only_ids: _containers.RepeatedScalarFieldContainer[str]
    exclude_ids: _containers.RepeatedScalarFieldContainer[str]
    exact: bool
    nprobe: int
    def __init__(self, only_ids: _Optional[_Iterable[str]] = ..., exclude_ids: _Optional[_Iterable[str]] = ..., exact: bool = ..., nprobe: _Optional[int] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("results", "timings")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[HitList]
    timings: _common_pb2.Timings
    def __init__(self, results: _Optional[_Iterable[_Union[HitList, _Mapping]]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ...) -> None: ...

class HitList(_message.Message):
    __slots__ = ("hits", "plan")
    HITS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    hits: _containers.RepeatedCompositeFieldContainer[Hit]
    plan: SearchPlan
    def __init__(self, hits: _Optional[_Iterable[_Union[Hit, _Mapping]]] = ..., plan: _Optional[_Union[SearchPlan, _Mapping]] = ...) -> None: ...

class Hit(_message.Message):
    __slots__ = ("id", "score", "item", "explanation", "source", "propensity")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PROPENSITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    score: float
    item: _catalog_pb2.Item
    explanation: Explanation
    source: HitSource
    propensity: float
    def __init__(self, id: _Optional[str] = ..., score: _Optional[float] = ..., item: _Optional[_Union[_catalog_pb2.Item, _Mapping]] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ..., source: _Optional[_Union[HitSource, str]] = ..., propensity: _Optional[float] = ...) -> None: ...

class SearchPlan(_message.Message):
    __slots__ = ("index", "examined", "truncated", "strategy", "matching")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EXAMINED_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    index: str
    examined: int
    truncated: bool
    strategy: str
    matching: int
    def __init__(self, index: _Optional[str] = ..., examined: _Optional[int] = ..., truncated: bool = ..., strategy: _Optional[str] = ..., matching: _Optional[int] = ...) -> None: ...

class SimilarItemsRequest(_message.Message):
    __slots__ = ("collection", "item_id", "top_k", "min_score", "filter", "include_items", "scope", "vector_weights")
    class VectorWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    VECTOR_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    item_id: str
    top_k: int
    min_score: float
    filter: _common_pb2.Filter
    include_items: bool
    scope: Scope
    vector_weights: _containers.ScalarMap[str, float]
    def __init__(self, collection: _Optional[str] = ..., item_id: _Optional[str] = ..., top_k: _Optional[int] = ..., min_score: _Optional[float] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., include_items: bool = ..., scope: _Optional[_Union[Scope, _Mapping]] = ..., vector_weights: _Optional[_Mapping[str, float]] = ...) -> None: ...

class SimilarItemsResponse(_message.Message):
    __slots__ = ("result", "timings")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    result: HitList
    timings: _common_pb2.Timings
    def __init__(self, result: _Optional[_Union[HitList, _Mapping]] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("item_id", "text", "time", "event_type", "weight")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    text: str
    time: _timestamp_pb2.Timestamp
    event_type: str
    weight: float
    def __init__(self, item_id: _Optional[str] = ..., text: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event_type: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("position_half_life", "age_half_life", "event_weights", "interests", "negatives", "joined_texts", "noise")
    class EventWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    POSITION_HALF_LIFE_FIELD_NUMBER: _ClassVar[int]
    AGE_HALF_LIFE_FIELD_NUMBER: _ClassVar[int]
    EVENT_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    INTERESTS_FIELD_NUMBER: _ClassVar[int]
    NEGATIVES_FIELD_NUMBER: _ClassVar[int]
    JOINED_TEXTS_FIELD_NUMBER: _ClassVar[int]
    NOISE_FIELD_NUMBER: _ClassVar[int]
    position_half_life: float
    age_half_life: _duration_pb2.Duration
    event_weights: _containers.ScalarMap[str, float]
    interests: int
    negatives: Negatives
    joined_texts: int
    noise: Noise
    def __init__(self, position_half_life: _Optional[float] = ..., age_half_life: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., event_weights: _Optional[_Mapping[str, float]] = ..., interests: _Optional[int] = ..., negatives: _Optional[_Union[Negatives, str]] = ..., joined_texts: _Optional[int] = ..., noise: _Optional[_Union[Noise, _Mapping]] = ...) -> None: ...

class Noise(_message.Message):
    __slots__ = ("epsilon", "delta")
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    epsilon: float
    delta: float
    def __init__(self, epsilon: _Optional[float] = ..., delta: _Optional[float] = ...) -> None: ...

class Context(_message.Message):
    __slots__ = ("time", "utc_offset_minutes", "place", "device", "session")
    TIME_FIELD_NUMBER: _ClassVar[int]
    UTC_OFFSET_MINUTES_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    utc_offset_minutes: int
    place: str
    device: str
    session: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., utc_offset_minutes: _Optional[int] = ..., place: _Optional[str] = ..., device: _Optional[str] = ..., session: _Optional[str] = ...) -> None: ...

class Rules(_message.Message):
    __slots__ = ("caps", "promotion", "recency", "diversity", "no_backfill", "exploration", "seed", "exploration_age")
    CAPS_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    RECENCY_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    NO_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    EXPLORATION_AGE_FIELD_NUMBER: _ClassVar[int]
    caps: _containers.RepeatedCompositeFieldContainer[AttributeCap]
    promotion: Promotion
    recency: RecencyBoost
    diversity: float
    no_backfill: bool
    exploration: float
    seed: int
    exploration_age: _duration_pb2.Duration
    def __init__(self, caps: _Optional[_Iterable[_Union[AttributeCap, _Mapping]]] = ..., promotion: _Optional[_Union[Promotion, _Mapping]] = ..., recency: _Optional[_Union[RecencyBoost, _Mapping]] = ..., diversity: _Optional[float] = ..., no_backfill: bool = ..., exploration: _Optional[float] = ..., seed: _Optional[int] = ..., exploration_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AttributeCap(_message.Message):
    __slots__ = ("attribute", "at_most")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    AT_MOST_FIELD_NUMBER: _ClassVar[int]
    attribute: str
    at_most: int
    def __init__(self, attribute: _Optional[str] = ..., at_most: _Optional[int] = ...) -> None: ...

class Promotion(_message.Message):
    __slots__ = ("filter", "at_least")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AT_LEAST_FIELD_NUMBER: _ClassVar[int]
    filter: _common_pb2.Filter
    at_least: int
    def __init__(self, filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., at_least: _Optional[int] = ...) -> None: ...

class RecencyBoost(_message.Message):
    __slots__ = ("attribute", "half_life", "weight")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    HALF_LIFE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    attribute: str
    half_life: _duration_pb2.Duration
    weight: float
    def __init__(self, attribute: _Optional[str] = ..., half_life: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., weight: _Optional[float] = ...) -> None: ...

class RecommendRequest(_message.Message):
    __slots__ = ("collection", "history", "user", "profile", "top_k", "min_score", "filter", "exclude_seen", "explain", "include_items", "scope", "context", "rules", "channel_weights", "vector_weights")
    class ChannelWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class VectorWeightsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    MIN_SCORE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_SEEN_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    VECTOR_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    history: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    user: str
    profile: Profile
    top_k: int
    min_score: float
    filter: _common_pb2.Filter
    exclude_seen: bool
    explain: bool
    include_items: bool
    scope: Scope
    context: Context
    rules: Rules
    channel_weights: _containers.ScalarMap[str, float]
    vector_weights: _containers.ScalarMap[str, float]
    def __init__(self, collection: _Optional[str] = ..., history: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ..., user: _Optional[str] = ..., profile: _Optional[_Union[Profile, _Mapping]] = ..., top_k: _Optional[int] = ..., min_score: _Optional[float] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., exclude_seen: bool = ..., explain: bool = ..., include_items: bool = ..., scope: _Optional[_Union[Scope, _Mapping]] = ..., context: _Optional[_Union[Context, _Mapping]] = ..., rules: _Optional[_Union[Rules, _Mapping]] = ..., channel_weights: _Optional[_Mapping[str, float]] = ..., vector_weights: _Optional[_Mapping[str, float]] = ...) -> None: ...

class RecommendResponse(_message.Message):
    __slots__ = ("result", "skipped", "history_size", "timings", "recommendation_id", "channels")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    HISTORY_SIZE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    result: HitList
    skipped: _containers.RepeatedScalarFieldContainer[int]
    history_size: int
    timings: _common_pb2.Timings
    recommendation_id: str
    channels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, result: _Optional[_Union[HitList, _Mapping]] = ..., skipped: _Optional[_Iterable[int]] = ..., history_size: _Optional[int] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ..., recommendation_id: _Optional[str] = ..., channels: _Optional[_Iterable[str]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("contributions", "channels")
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    contributions: _containers.RepeatedCompositeFieldContainer[Contribution]
    channels: _containers.RepeatedCompositeFieldContainer[ChannelShare]
    def __init__(self, contributions: _Optional[_Iterable[_Union[Contribution, _Mapping]]] = ..., channels: _Optional[_Iterable[_Union[ChannelShare, _Mapping]]] = ...) -> None: ...

class ChannelShare(_message.Message):
    __slots__ = ("channel", "score", "share")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    channel: str
    score: float
    share: float
    def __init__(self, channel: _Optional[str] = ..., score: _Optional[float] = ..., share: _Optional[float] = ...) -> None: ...

class Contribution(_message.Message):
    __slots__ = ("item_id", "text_position", "other", "score", "share")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_POSITION_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    text_position: int
    other: str
    score: float
    share: float
    def __init__(self, item_id: _Optional[str] = ..., text_position: _Optional[int] = ..., other: _Optional[str] = ..., score: _Optional[float] = ..., share: _Optional[float] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("event_id", "user", "item_id", "event_type", "time", "weight", "context", "recommendation_id")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    RECOMMENDATION_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    user: str
    item_id: str
    event_type: str
    time: _timestamp_pb2.Timestamp
    weight: float
    context: Context
    recommendation_id: str
    def __init__(self, event_id: _Optional[str] = ..., user: _Optional[str] = ..., item_id: _Optional[str] = ..., event_type: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., weight: _Optional[float] = ..., context: _Optional[_Union[Context, _Mapping]] = ..., recommendation_id: _Optional[str] = ...) -> None: ...

class FitRequest(_message.Message):
    __slots__ = ("collection", "validation_share", "keep_weights")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_SHARE_FIELD_NUMBER: _ClassVar[int]
    KEEP_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    validation_share: float
    keep_weights: bool
    def __init__(self, collection: _Optional[str] = ..., validation_share: _Optional[float] = ..., keep_weights: bool = ...) -> None: ...

class GetLearnedRequest(_message.Message):
    __slots__ = ("collection",)
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    collection: str
    def __init__(self, collection: _Optional[str] = ...) -> None: ...

class LearnedStatus(_message.Message):
    __slots__ = ("time", "events", "users", "items", "channels", "validation_ndcg", "content_ndcg", "validation_rows", "message")
    TIME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_NDCG_FIELD_NUMBER: _ClassVar[int]
    CONTENT_NDCG_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_ROWS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    events: int
    users: int
    items: int
    channels: _containers.RepeatedCompositeFieldContainer[Channel]
    validation_ndcg: float
    content_ndcg: float
    validation_rows: int
    message: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., events: _Optional[int] = ..., users: _Optional[int] = ..., items: _Optional[int] = ..., channels: _Optional[_Iterable[_Union[Channel, _Mapping]]] = ..., validation_ndcg: _Optional[float] = ..., content_ndcg: _Optional[float] = ..., validation_rows: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("name", "weight", "new_weight")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    NEW_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    weight: float
    new_weight: float
    def __init__(self, name: _Optional[str] = ..., weight: _Optional[float] = ..., new_weight: _Optional[float] = ...) -> None: ...

class RecordEventsRequest(_message.Message):
    __slots__ = ("collection", "events")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, collection: _Optional[str] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class RecordEventsResponse(_message.Message):
    __slots__ = ("recorded", "duplicates", "timings")
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    recorded: int
    duplicates: int
    timings: _common_pb2.Timings
    def __init__(self, recorded: _Optional[int] = ..., duplicates: _Optional[int] = ..., timings: _Optional[_Union[_common_pb2.Timings, _Mapping]] = ...) -> None: ...

class DeleteUserRequest(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class DeleteUserResponse(_message.Message):
    __slots__ = ("deleted_events", "refreshing")
    DELETED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    REFRESHING_FIELD_NUMBER: _ClassVar[int]
    deleted_events: int
    refreshing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, deleted_events: _Optional[int] = ..., refreshing: _Optional[_Iterable[str]] = ...) -> None: ...
