"""What calls return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertine.types import HistoryEntry, Item
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.items import item_from_response

_SOURCES = {
    pb.HIT_SOURCE_PERSONAL: "personal",
    pb.HIT_SOURCE_PROMOTED: "promoted",
    pb.HIT_SOURCE_EXPLORATION: "exploration",
    pb.HIT_SOURCE_BACKFILL: "backfill",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What one entry of the history, or something else, added to a hit's score.

    Attributes:
        item_id: the history's item, "" if it is none.
        text: the history's text, "" if it is none.
        score: its part of the hit's score; the parts sum to it.
        share: the same as a share of the score.
        other: what it is if it is no entry: ``popularity``, ``recency``.
    """

    item_id: str
    text: str
    score: float
    share: float
    other: str = ""


@dataclass(frozen=True, slots=True)
class ChannelShare:
    """What a channel added to a hit's score.

    Attributes:
        channel: its name.
        score: its part of the hit's score; the parts sum to it.
        share: the same as a share of the score.
    """

    channel: str
    score: float
    share: float


@dataclass(frozen=True, slots=True)
class Found:
    """A hit.

    Attributes:
        id: of the item.
        score: cosine similarity, -1 to 1; of `recommend` the sum of the channels.
        item: with its text and attributes if `include_items` was asked for, else None.
        reasons: largest first, if `explain` was asked for.
        channels: the same score as a sum over channels, largest first, if `explain` was asked for.
        source: of `recommend`: ``personal``, ``promoted``, ``exploration`` or ``backfill``.
        propensity: with which probability exploration put it there.
    """

    id: str
    score: float
    item: Item | None = None
    reasons: tuple[Reason, ...] = ()
    channels: tuple[ChannelShare, ...] = ()
    source: str = ""
    propensity: float = 0.0


class Recommended(list[Found]):
    """The hits of `recommend`, best first.

    Attributes:
        recommendation_id: give it back in events of what was shown or chosen.
        channels: that made the scores.
        skipped: positions in the history of items that the collection lacks.
        history_size: entries that made the profile, the user's events included.
    """

    def __init__(self, message: pb.RecommendResponse, history: Sequence[HistoryEntry]) -> None:
        super().__init__(found(message.result, history))
        self.recommendation_id = message.recommendation_id
        self.channels = tuple(message.channels)
        self.skipped = tuple(message.skipped)
        self.history_size = message.history_size


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """How many items an upsert inserted, replaced, and found unchanged."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: UpsertCounts) -> UpsertCounts:
        return UpsertCounts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )

    @property
    def total(self) -> int:
        """All items."""
        return self.inserted + self.updated + self.unchanged


def found(message: pb.HitList, history: Sequence[HistoryEntry] = ()) -> list[Found]:
    """The hits of one query; `history` as it was sent."""
    return [
        Found(
            hit.id,
            hit.score,
            item_from_response(hit.item) if hit.HasField("item") else None,
            tuple(_reason(part, history) for part in hit.explanation.contributions),
            tuple(
                ChannelShare(part.channel, part.score, part.share)
                for part in hit.explanation.channels
            ),
            _SOURCES.get(hit.source, ""),
            hit.propensity,
        )
        for hit in message.hits
    ]


def _reason(part: pb.Contribution, history: Sequence[HistoryEntry]) -> Reason:
    by_text = part.WhichOneof("subject") == "text_position"
    text = history[part.text_position].text if by_text else ""
    return Reason(part.item_id, text, part.score, part.share, part.other)
