"""Made-up attributes of items, random filters over them, and who matches, read from columns.

The masks are computed from numpy columns and share nothing with the index's own filtering, so that
one can be held against the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bertine.index.filters import AllOf, AnyOf, Bounds, Exists, Filter, Not, OneOf, Range
from bertine.types import Attribute

Mask: TypeAlias = NDArray[np.bool_]

SHARES = 1_000
"""`share` takes this many values, each equally often."""

COLOURS = ("red", "green", "blue", "white", "black", "grey", "gold", "pink")
TAGS = ("a", "b", "c", "d", "e", "f")
_OFFERED = 0.1
_DEPTH = 3


class Table:
    """Attributes of `count` rows: each row's, and as columns.

    Attributes:
        share: int64 ``[count]``, 0 to 999.
        colour: int64 ``[count]``, positions in `COLOURS`, the first far more often than the last.
        price: float64 ``[count]``, 0 to 100.
        tags: bool ``[count, len(TAGS)]``, none to three of them.
        offered: bool ``[count]``, a tenth; the attribute is there only where it is true.
    """

    def __init__(self, count: int, seed: int = 0) -> None:
        drawn = np.random.default_rng(seed)
        self.count = count
        self.share = drawn.permutation(count) % SHARES
        weights = 0.5 ** np.arange(len(COLOURS))
        self.colour = drawn.choice(len(COLOURS), count, p=weights / weights.sum())
        self.price = np.round(drawn.uniform(0, 100, count), 2)
        self.tags = drawn.random((count, len(TAGS))) < 1 / len(TAGS)
        self.offered = drawn.random(count) < _OFFERED

    def attributes(self, row: int) -> dict[str, Attribute]:
        """Of one row."""
        tags = tuple(tag for tag, there in zip(TAGS, self.tags[row], strict=True) if there)
        found: dict[str, Attribute] = {
            "share": int(self.share[row]),
            "colour": COLOURS[self.colour[row]],
            "price": float(self.price[row]),
        }
        return found | ({"tags": tags} if tags else {}) | self._offer(row)

    def mask(self, node: Filter) -> Mask:
        """Which rows match: bool ``[count]``.

        Args:
            node: made of what `random_filter` makes.
        """
        match node:
            case AllOf(parts):
                return np.asarray(np.all([self.mask(part) for part in parts], axis=0))
            case AnyOf(parts):
                return np.asarray(np.any([self.mask(part) for part in parts], axis=0))
            case Not(part):
                return ~self.mask(part)
            case Range(attribute, bounds):
                return self._between(attribute, bounds)
            case OneOf(attribute, values):
                return self._one_of(attribute, values)
            case Exists(_):
                return self.offered

    def _offer(self, row: int) -> dict[str, Attribute]:
        return {"offered": True} if self.offered[row] else {}

    def _between(self, attribute: str, bounds: Bounds) -> Mask:
        column = self.share if attribute == "share" else self.price
        limits = {comparison: float(bound) for comparison, bound in bounds}
        low, high = limits.get("gte", -np.inf), limits.get("lt", np.inf)
        return np.asarray((column >= low) & (column < high))

    def _one_of(self, attribute: str, values: tuple[object, ...]) -> Mask:
        if attribute == "colour":
            return np.isin(self.colour, [COLOURS.index(str(value)) for value in values])
        chosen = [TAGS.index(str(value)) for value in values]
        return np.asarray(self.tags[:, chosen].any(axis=1))


def share_below(share: float) -> Filter:
    """A filter that a share of all rows matches, in thousandths."""
    return Range("share", (("lt", round(share * SHARES)),))


def random_filter(drawn: random.Random, depth: int = _DEPTH) -> Filter:
    """A filter of a random shape; few or no rows may match."""
    if depth > 1 and drawn.random() < 0.6:  # noqa: PLR2004 - a little more than every second
        parts = tuple(random_filter(drawn, depth - 1) for _ in range(drawn.randint(1, 3)))
        shapes: list[Filter] = [AllOf(parts), AnyOf(parts), Not(parts[0])]
        return drawn.choice(shapes)
    return drawn.choice(_LEAVES)(drawn)


def _price(drawn: random.Random) -> Filter:
    low = round(drawn.uniform(0, 90), 2)
    return Range("price", (("gte", low), ("lt", low + drawn.choice([1, 10, 50]))))


def _share(drawn: random.Random) -> Filter:
    return Range("share", (("lt", drawn.choice([1, 10, 100, 500])),))


def _colour(drawn: random.Random) -> Filter:
    return OneOf("colour", tuple(drawn.sample(COLOURS, drawn.randint(1, 3))))


def _tags(drawn: random.Random) -> Filter:
    return OneOf("tags", tuple(drawn.sample(TAGS, drawn.randint(1, 2))))


def _offered(_: random.Random) -> Filter:
    return Exists("offered")


_LEAVES: tuple[Callable[[random.Random], Filter], ...] = (_price, _share, _colour, _tags, _offered)
