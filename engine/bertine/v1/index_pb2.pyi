from bertine.v1 import catalog_pb2 as _catalog_pb2
from bertine.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TuneCollectionRequest(_message.Message):
    __slots__ = ("collection", "recall", "queries")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    collection: str
    recall: float
    queries: _common_pb2.Vectors
    def __init__(self, collection: _Optional[str] = ..., recall: _Optional[float] = ..., queries: _Optional[_Union[_common_pb2.Vectors, _Mapping]] = ...) -> None: ...

class TuneCollectionResponse(_message.Message):
    __slots__ = ("trials", "source", "queries", "recall", "index")
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[IndexTrial]
    source: str
    queries: int
    recall: float
    index: _catalog_pb2.IndexStatus
    def __init__(self, trials: _Optional[_Iterable[_Union[IndexTrial, _Mapping]]] = ..., source: _Optional[str] = ..., queries: _Optional[int] = ..., recall: _Optional[float] = ..., index: _Optional[_Union[_catalog_pb2.IndexStatus, _Mapping]] = ...) -> None: ...

class IndexTrial(_message.Message):
    __slots__ = ("kind", "nprobe", "refine", "recall", "recall_lower", "seconds", "bytes_per_vector", "chosen")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NPROBE_FIELD_NUMBER: _ClassVar[int]
    REFINE_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    RECALL_LOWER_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_VECTOR_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    kind: str
    nprobe: int
    refine: int
    recall: float
    recall_lower: float
    seconds: float
    bytes_per_vector: float
    chosen: bool
    def __init__(self, kind: _Optional[str] = ..., nprobe: _Optional[int] = ..., refine: _Optional[int] = ..., recall: _Optional[float] = ..., recall_lower: _Optional[float] = ..., seconds: _Optional[float] = ..., bytes_per_vector: _Optional[float] = ..., chosen: bool = ...) -> None: ...
