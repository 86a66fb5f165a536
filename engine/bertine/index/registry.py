"""Which collections are served, and the index of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from bertine.errors import NotFound
from bertine.index.crew import ALONE, Crew
from bertine.index.gpu import Gpu
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.parts import Parts, parts_of, rows_of
from bertine.index.snapshot import Home
from bertine.types import Collection, Item, Versions

_NAMES_IN_HINT = 10
_BATCH = 4_096


@dataclass(frozen=True, slots=True)
class Served:
    """A collection that is served.

    Attributes:
        key: its number in the catalog.
        name: unique.
        text_template: composes the text of an item that brings none.
        parts: how its vectors are put together.
        index: of its vectors.
    """

    key: int
    name: str
    text_template: str
    parts: Parts
    index: LiveIndex


class Source(Protocol):
    """What the catalog must give: see `bertine.catalog.store.Store`."""

    def version_pages(self, key: int) -> Versions:
        """The version of every item of a collection, some at a time."""
        ...

    def get_items(self, key: int, ids: Iterable[str], *, with_vectors: bool) -> dict[str, Item]:
        """Those of the items that are stored."""
        ...


class Registry:
    """The served collections by name; read by any thread, changed by the catalog's writer.

    Args:
        policy: when indexes are rebuilt.
        folder: where they keep their trained parts.
        crew: helps their searches.
        gpu: that answers them, as far as its memory goes; None is the CPU.
    """

    def __init__(
        self, policy: Policy, folder: Path, crew: Crew = ALONE, gpu: Gpu | None = None
    ) -> None:
        self._policy = policy
        self._folder = folder
        self._crew = crew
        self._gpu = gpu
        self._served: dict[str, Served] = {}
        # To the collection itself, not to its name: whoever asks while an alias is moved and its
        # old collection deleted gets one of the two, never none.
        self._aliases: dict[str, Served] = {}

    def __iter__(self) -> Iterator[Served]:
        return iter(list(self._served.values()))

    def get(self, name: str) -> Served:
        """The collection of that name, or that an alias of that name stands for.

        Ask once for each request: at another time the alias may stand for another collection.

        Raises:
            NotFound: there is none; says which there are.
        """
        served = self._served.get(name) or self._aliases.get(name)
        if served is None:
            raise NotFound("collection", name, self._hint())
        return served

    def add(self, collection: Collection) -> Served:
        """Serve a collection; one that is served already stays as it is."""
        there = self._served.get(collection.name)
        if there is not None and there.key == collection.key:
            return there
        home = Home(self._folder / str(collection.key), collection.fingerprint)
        parts = parts_of(collection)
        index = LiveIndex(parts.dimensions, self._policy, home, crew=self._crew, gpu=self._gpu)
        served = Served(collection.key, collection.name, collection.text_template, parts, index)
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
        versions = partial(source.version_pages, collection.key)
        missing = served.index.restore(versions, collection.sequence, threads=threads)
        for start in range(0, len(missing), _BATCH):
            ids = missing[start : start + _BATCH]
            found = source.get_items(collection.key, ids, with_vectors=True)
            items = list(found.values())
            if not items:  # they have expired
                continue
            served.index.upsert(items, rows_of(items, served.parts), collection.sequence)
        if served.index.rebuild_reason():
            served.index.rebuild(threads=threads)
        return served

    def remove(self, name: str) -> None:
        """Serve a collection no more."""
        self._served.pop(name, None)

    def set_alias(self, alias: str, name: str) -> None:
        """Let an alias stand for a collection that is served."""
        self._aliases[alias] = self._served[name]

    def remove_alias(self, alias: str) -> None:
        """Let an alias stand for nothing."""
        self._aliases.pop(alias, None)

    def aliases(self, served: Served) -> list[str]:
        """The aliases of a collection, ascending."""
        return sorted(alias for alias, one in list(self._aliases.items()) if one is served)

    def delete_items(self, deleted: Mapping[int, Sequence[str]], sequence: int) -> None:
        """Take items out of the indexes.

        Args:
            deleted: ids by the key of their collection; one that is not served is passed over.
            sequence: of the change.
        """
        for served in self:
            if served.key in deleted:
                served.index.delete(deleted[served.key], sequence)

    def _hint(self) -> str:
        if not self._served:
            return "there is none yet: create it with CreateCollection"
        names = sorted(self._served)
        more = ", …" if len(names) > _NAMES_IN_HINT else ""
        return f"there are: {', '.join(names[:_NAMES_IN_HINT])}{more}"
