"""Which collections are served, and the index of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from bertine.errors import NotFound
from bertine.index.lifecycle import Policy
from bertine.index.live import Home, LiveIndex
from bertine.types import Collection, Item, Matrix

_NAMES_IN_HINT = 10
_BATCH = 4_096


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


class Source(Protocol):
    """What the catalog must give: see `bertine.catalog.store.Store`."""

    def versions(self, key: int) -> dict[str, int]:
        """The version of every item of a collection."""
        ...

    def get_items(self, key: int, ids: Iterable[str], *, with_vectors: bool) -> dict[str, Item]:
        """Those of the items that are stored."""
        ...


class Registry:
    """The served collections by name; read by any thread, changed by the catalog's writer.

    Args:
        policy: when indexes are rebuilt.
        folder: where they keep their trained parts.
    """

    def __init__(self, policy: Policy, folder: Path) -> None:
        self._policy = policy
        self._folder = folder
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
        home = Home(self._folder / str(collection.key), collection.fingerprint)
        index = LiveIndex(collection.dimensions, self._policy, home)
        served = Served(collection.key, collection.name, collection.text_template, index)
        self._served[collection.name] = served
        return served

    def load(self, collection: Collection, source: Source, *, threads: int) -> Served:
        """Serve a collection as the catalog has it, its index ready.

        Args:
            collection: as of one state.
            source: reads its items, of the same state.
            threads: of the build, if the trained part on disk is not enough.
        """
        served = self.add(collection)
        missing = served.index.restore(source.versions(collection.key), collection.sequence)
        for start in range(0, len(missing), _BATCH):
            ids = missing[start : start + _BATCH]
            found = source.get_items(collection.key, ids, with_vectors=True)
            items = list(found.values())
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
