"""Which collections are served, and the index of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bertine.errors import NotFound
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.types import Collection, Item, Matrix

_NAMES_IN_HINT = 10


@dataclass(frozen=True, slots=True)
class Served:
    """A collection that is served.

    Attributes:
        key: its number in the catalog.
        name: unique.
        text_template: composes the text of an item that brings none.
        index: of its vectors.
    """

    key: int
    name: str
    text_template: str
    index: LiveIndex


class Registry:
    """The served collections by name; read by any thread, changed by the catalog's writer."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._served: dict[str, Served] = {}

    def __iter__(self) -> Iterator[Served]:
        return iter(list(self._served.values()))

    def get(self, name: str) -> Served:
        """The collection of that name.

        Raises:
            NotFound: there is none; says which there are.
        """
        served = self._served.get(name)
        if served is None:
            raise NotFound("collection", name, self._hint())
        return served

    def add(self, collection: Collection) -> Served:
        """Serve a collection; one that is served already stays as it is."""
        there = self._served.get(collection.name)
        if there is not None and there.key == collection.key:
            return there
        index = LiveIndex(collection.dimensions, self._policy)
        served = Served(collection.key, collection.name, collection.text_template, index)
        self._served[collection.name] = served
        return served

    def load(
        self, collection: Collection, batches: Iterable[list[Item]], *, threads: int
    ) -> Served:
        """Serve a collection as the catalog has it, its index built.

        Args:
            collection: as of one state.
            batches: its items with their vectors, of the same state.
            threads: of the build.
        """
        served = self.add(collection)
        for items in batches:
            served.index.upsert(items, vectors_of(items), collection.sequence)
        if served.index.rebuild_reason():
            served.index.rebuild(threads=threads)
        return served

    def remove(self, name: str) -> None:
        """Serve a collection no more."""
        self._served.pop(name, None)

    def _hint(self) -> str:
        if not self._served:
            return "there is none yet: create it with CreateCollection"
        names = sorted(self._served)
        more = ", …" if len(names) > _NAMES_IN_HINT else ""
        return f"there are: {', '.join(names[:_NAMES_IN_HINT])}{more}"


def vectors_of(items: Iterable[Item]) -> Matrix:
    """The vectors of stored items, float32 ``[len(items), d]``."""
    return np.stack([item.vector for item in items if item.vector is not None])
