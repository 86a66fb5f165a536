"""At most so many items of one value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from bertine.index.filters import Attributes, Key, key_of
from bertine.recommend.rules import Cap
from bertine.types import Scalar

Value: TypeAlias = tuple[int, Key]
"""Which cap, and the value that is counted."""


class Counts:
    """How many items of each value a list has.

    Args:
        caps: the most there may be.
        attributes: of every candidate.
    """

    def __init__(self, caps: Sequence[Cap], attributes: Sequence[Attributes]) -> None:
        self._caps = caps
        self._attributes = attributes
        self._counts: Counter[Value] = Counter()

    @property
    def limited(self) -> bool:
        """Whether there is anything that a list must not hold."""
        return bool(self._caps)

    def fits(self, candidate: int) -> bool:
        """Whether the list may hold this candidate too."""
        return not self._caps or all(
            self._counts[value] < self._caps[value[0]].at_most for value in self._values(candidate)
        )

    def add(self, candidate: int) -> None:
        """It is in the list now."""
        if self._caps:
            self._counts.update(self._values(candidate))

    def remove(self, candidate: int) -> None:
        """It is in the list no more."""
        self._counts.subtract(self._values(candidate))

    def _values(self, candidate: int) -> Iterator[Value]:
        for number, cap in enumerate(self._caps):
            value = self._attributes[candidate].get(cap.attribute)
            if value is not None:
                # A list may name a value twice: it is one item of it all the same.
                parts: Iterable[Scalar] = set(value) if isinstance(value, tuple) else (value,)
                yield from ((number, key_of(part)) for part in parts)


def capped(order: Iterable[int], counts: Counts, count: int) -> list[int]:
    """The first candidates that the caps allow.

    Args:
        order: candidates, best first.
        counts: of the list so far; is told of what is taken.
        count: how many to take.
    """
    if not counts.limited:
        return list(islice(order, count))
    taken: list[int] = []
    for candidate in order:
        if len(taken) == count:
            break
        if counts.fits(candidate):
            counts.add(candidate)
            taken.append(candidate)
    return taken
