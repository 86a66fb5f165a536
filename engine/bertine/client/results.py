"""What calls return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertine.types import HistoryEntry, Item
from bertine.v1 import recommendation_pb2 as pb
from bertine.wire.items import item_from_response


@dataclass(frozen=True, slots=True)
class Reason:
    """What one entry of the history added to a hit's score.

    Attributes:
        item_id: the history's item, "" if the entry was a text.
        text: the history's text, "" if the entry was an item.
        score: its part of the hit's score; the parts sum to it.
        share: the same as a share of the score.
    """

    item_id: str
    text: str
    score: float
    share: float


@dataclass(frozen=True, slots=True)
class Found:
    """A hit.

    Attributes:
        id: of the item.
        score: cosine similarity, -1 to 1.
        item: with its text and attributes if `include_items` was asked for, else None.
        reasons: largest first, if `explain` was asked for.
    """

    id: str
    score: float
    item: Item | None = None
    reasons: tuple[Reason, ...] = ()


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
        )
        for hit in message.hits
    ]


def _reason(part: pb.Contribution, history: Sequence[HistoryEntry]) -> Reason:
    by_text = part.WhichOneof("subject") == "text_position"
    text = history[part.text_position].text if by_text else ""
    return Reason(part.item_id, text, part.score, part.share)
