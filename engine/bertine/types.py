"""The vocabulary of the domain: what the floors hand to each other.

Times are seconds since the epoch (UTC). Vectors are float32 and of L2 norm 1; only rows of an index
whose collection has named vectors may be shorter, see `bertine.index.parts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""float32 ``[dimensions]``."""

Matrix: TypeAlias = NDArray[np.float32]
"""float32 ``[count, dimensions]``."""

Versions: TypeAlias = Iterable[tuple[list[str], NDArray[np.int64]]]
"""Ids of some items and the version of each, int64 ``[n]``, then of others; never of none."""

Scalar: TypeAlias = str | int | float | bool
Attribute: TypeAlias = Scalar | tuple[str, ...]
"""A value of an item's attribute; a tuple holds several values at once."""

Strategy: TypeAlias = Literal["scan", "matches", "ivf"]
"""How an index answers a query, see `SearchPlan`."""

InputType: TypeAlias = Literal["none", "query", "document"]
"""Which of the model's prompts is put before a text."""


@dataclass(frozen=True, slots=True)
class NamedVector:
    """A part of a collection's vectors beside the text's, made by another encoder.

    Attributes:
        name: 1 to 64 characters of a-z, A-Z, 0-9, '_', '-' and '.'; not "text".
        dimensions: 1 to 4,096.
        weight: above 0; the weights of all a collection's named vectors are below 1 together, and
            what they leave of 1 is the text's.
    """

    name: str
    dimensions: int
    weight: float


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a collection.

    Attributes:
        id: unique in its collection.
        text: what is encoded; "" for an item that brought its own vectors and no text.
        attributes: for templates, filters and display.
        vector: of the text: given by the client instead of a text to encode, or read back; else
            None.
        available_from: not returned before this time; None is always.
        available_until: not returned from this time on; None is for ever.
        version: catalog sequence number of its last change, 0 before it is stored.
        expire_time: no call returns it from this time on, and it is then deleted; None is never.
        vectors: by the name of a collection's named vector; one that is missing counts as
            similarity 0. Given by the client, or read back with `vector`.
    """

    id: str
    text: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    vector: Vector | None = None
    available_from: float | None = None
    available_until: float | None = None
    version: int = 0
    expire_time: float | None = None
    vectors: Mapping[str, Vector] = field(default_factory=dict)

    @property
    def hidden_from(self) -> float | None:
        """When searches leave it out for good; None is never."""
        ends = [end for end in (self.available_until, self.expire_time) if end is not None]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of items whose vectors were all made by one model.

    Attributes:
        key: its number in the catalog.
        name: unique.
        text_template: composes the text of an item that brings none; "" is none.
        dimensions: of its texts' vectors.
        fingerprint: identity of the model that made them, see `Manifest.fingerprint`.
        created: time.
        sequence: catalog sequence number of its last change.
        item_count: how many items it holds.
        vectors: parts of its items' vectors beside the text's.
    """

    key: int
    name: str
    text_template: str
    dimensions: int
    fingerprint: str
    created: float
    sequence: int
    item_count: int
    vectors: tuple[NamedVector, ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a collection.

    Attributes:
        alias: no collection's name.
        collection: name of the collection that it stands for.
    """

    alias: str
    collection: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something a user did with an item.

    Attributes:
        user: keyed hash of the user's id; the id itself is never stored.
        item_id: need not exist.
        event_type: for example ``view`` or ``purchase``.
        time: when.
        event_id: makes repeats harmless.
        weight: instead of the event type's weight.
        session: keyed hash of the session that it was in, b"" if that is not known.
        place: name of a region, "" if it is not known.
        device: name of a kind of device, "" if it is not known.
        utc_offset_minutes: of the user's clock, None if it is not known.
        recommendation_id: of the list that showed the item, "" if there was none.
    """

    user: bytes
    item_id: str
    event_type: str
    time: float
    event_id: str
    weight: float | None = None
    session: bytes = b""
    place: str = ""
    device: str = ""
    utc_offset_minutes: int | None = None
    recommendation_id: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of the history a recommendation is made from: an item or a text.

    Attributes:
        item_id: of the collection; "" for a text.
        text: "" for an item.
        time: when, None if unknown.
        event_type: looked up in the profile's event weights; "" is weight 1.
        weight: instead of the event type's weight; negative pushes away.
    """

    item_id: str = ""
    text: str = ""
    time: float | None = None
    event_type: str = ""
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: an item's id and its cosine similarity to the query."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How the index answered a query.

    Attributes:
        index: ``exact`` or ``ivf``.
        examined: candidates scored exactly and held against the filter.
        strategy: ``scan`` scored every row, ``matches`` those that match the filter, ``ivf`` those
            that the trained index proposed.
        matching: rows that match filter and allowed ids, dead ones included; 0 without either.
        truncated: given up before top_k matches were found, though there may be more.
    """

    index: Literal["exact", "ivf"]
    examined: int
    strategy: Strategy = "scan"
    matching: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Hits:
    """The answer to one query, best hit first.

    Attributes:
        ids: of the items.
        scores: their cosine similarities to the query.
        plan: how the index answered.
    """

    ids: Sequence[str]
    scores: Sequence[float]
    plan: SearchPlan

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The results one by one; made anew by every call."""
        return tuple(map(Hit, self.ids, self.scores))


@dataclass(slots=True)
class StageTimes:
    """Where a call's time went, in seconds. A stage that did not run is 0.

    Attributes:
        tokenize: text to token ids.
        queue: waiting for the encoder, mean over the call's texts.
        encode: in the encoder's batches, mean over the call's texts.
        search: in the index.
        storage: reading from or committing to the catalog.
    """

    tokenize: float = 0.0
    queue: float = 0.0
    encode: float = 0.0
    search: float = 0.0
    storage: float = 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean recall and one-sided bounds of it.

    Attributes:
        mean: 0 to 1; 1 where nothing was measured.
        lower: the true mean is not below it, with the confidence asked for.
        upper: it is not above it, with the same confidence.
        count: queries measured.
    """

    mean: float = 1.0
    lower: float = 0.0
    upper: float = 1.0
    count: int = 0


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What an index consists of, and how well it answers.

    Attributes:
        kind: ``exact``, or FAISS's description of the trained part.
        main: rows of the trained part.
        delta: rows added since.
        dead: rows of either that are not visible any more.
        rebuilding: a new trained part is being built.
        nprobe: inverted lists visited for a query; 0 without a trained part, as all that follows.
        refine: candidates scored exactly for each result wanted.
        target: recall@10 that it was tuned for.
        tuned_on: how many queries of users it was tuned on; 0 is items in their place.
        plain: recall of live queries without a filter that were repeated exactly.
        filtered: the same of those with a filter or allowed ids.
    """

    kind: str
    main: int
    delta: int
    dead: int
    rebuilding: bool
    nprobe: int = 0
    refine: int = 0
    target: float = 0.0
    tuned_on: int = 0
    plain: Interval = Interval()
    filtered: Interval = Interval()
