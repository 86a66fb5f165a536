"""What a list must look like beside its scores, as a request says it."""

from __future__ import annotations

from dataclasses import dataclass

from bertine.index.filters import Filter

DAY = 86_400.0
DEFAULT_EXPLORATION_AGE = 30 * DAY


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many items of one value of an attribute; one with several counts for each.

    Attributes:
        attribute: its name; items without it are not counted.
        at_most: >= 1.
    """

    attribute: str
    at_most: int


@dataclass(frozen=True, slots=True)
class Promotion:
    """Items of which some must be in the list, as far as there are any.

    Attributes:
        filter: which they are.
        at_least: so many places, >= 1.
    """

    filter: Filter
    at_least: int


@dataclass(frozen=True, slots=True)
class Recency:
    """Newer items score higher.

    Attributes:
        half_life: seconds, > 0.
        weight: 0 .. 1, what an item of this moment gains.
        attribute: number of seconds since the epoch; "" is the item's `available_from`.
    """

    half_life: float
    weight: float
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """All of them; applied in the order in which ``recommendation.proto`` says it.

    Attributes:
        caps: on attributes.
        promotion: None is none.
        recency: None is none.
        diversity: share of novelty in the choice of each item, 0 .. 1.
        backfill: fill with popular items what personal channels leave open.
        exploration: share of the places for items that nobody has seen yet, 0 .. 0.5.
        seed: of the exploration.
        exploration_age: seconds since `available_from` up to which an item is new.
    """

    caps: tuple[Cap, ...] = ()
    promotion: Promotion | None = None
    recency: Recency | None = None
    diversity: float = 0.0
    backfill: bool = True
    exploration: float = 0.0
    seed: int = 0
    exploration_age: float = DEFAULT_EXPLORATION_AGE

    @property
    def reorders(self) -> bool:
        """Whether the list is anything but the best by score."""
        return bool(
            self.caps or self.promotion or self.recency or self.diversity or self.exploration
        )


NO_RULES = Rules()
