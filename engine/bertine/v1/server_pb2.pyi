import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("version", "models", "limits", "uptime")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    version: str
    models: _containers.RepeatedCompositeFieldContainer[Model]
    limits: Limits
    uptime: _duration_pb2.Duration
    def __init__(self, version: _Optional[str] = ..., models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "variant", "provider", "dimensions", "max_length", "vocab_size", "pooling", "prompts", "fingerprint", "cosine_mean")
    class PromptsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VARIANT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    VOCAB_SIZE_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    COSINE_MEAN_FIELD_NUMBER: _ClassVar[int]
    name: str
    variant: str
    provider: str
    dimensions: int
    max_length: int
    vocab_size: int
    pooling: str
    prompts: _containers.ScalarMap[str, str]
    fingerprint: str
    cosine_mean: float
    def __init__(self, name: _Optional[str] = ..., variant: _Optional[str] = ..., provider: _Optional[str] = ..., dimensions: _Optional[int] = ..., max_length: _Optional[int] = ..., vocab_size: _Optional[int] = ..., pooling: _Optional[str] = ..., prompts: _Optional[_Mapping[str, str]] = ..., fingerprint: _Optional[str] = ..., cosine_mean: _Optional[float] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_inputs", "max_text_bytes", "max_queries", "max_top_k", "max_history", "max_message_bytes", "max_waiting_tokens")
    MAX_INPUTS_FIELD_NUMBER: _ClassVar[int]
    MAX_TEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_QUERIES_FIELD_NUMBER: _ClassVar[int]
    MAX_TOP_K_FIELD_NUMBER: _ClassVar[int]
    MAX_HISTORY_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_WAITING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    max_inputs: int
    max_text_bytes: int
    max_queries: int
    max_top_k: int
    max_history: int
    max_message_bytes: int
    max_waiting_tokens: int
    def __init__(self, max_inputs: _Optional[int] = ..., max_text_bytes: _Optional[int] = ..., max_queries: _Optional[int] = ..., max_top_k: _Optional[int] = ..., max_history: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_waiting_tokens: _Optional[int] = ...) -> None: ...
