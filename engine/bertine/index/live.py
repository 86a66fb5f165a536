"""A collection's index that follows the catalog: searched, changed and rebuilt at the same time.

One writer applies changes in the catalog's order; searches take no lock; a rebuild runs beside both
and ends in one swap. What a search sees is one state: see `segment`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bertine.errors import StorageError
from bertine.index import generation, snapshot
from bertine.index.lifecycle import Policy, Shape, rebuild_reason, trained
from bertine.index.search import Request, Search
from bertine.index.segment import ALIVE, Segment
from bertine.index.view import View
from bertine.types import Attribute, Hits, IndexStatus, Item, Matrix, Vector

_log = logging.getLogger(__name__)

TARGET_RECALL = 0.975
"""Recall@10 that a trained part must reach on held-out rows, or it is not used."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where an index keeps its trained part, and which model's vectors it holds.

    Attributes:
        folder: of its snapshots.
        fingerprint: of the model.
    """

    folder: Path
    fingerprint: str


@dataclass(slots=True)
class _State:
    main: Segment
    delta: Segment
    ivf: generation.Ivf | None
    sequence: int


class LiveIndex:
    """The vectors of one collection.

    Args:
        dimensions: of the vectors.
        policy: when it is rebuilt.
        home: where its trained part is kept; None is nowhere.
        clock: monotonic seconds.

    Attributes:
        unsaved: there is a trained part that is not on disk.
    """

    def __init__(
        self,
        dimensions: int,
        policy: Policy | None = None,
        home: Home | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dimensions = dimensions
        self._policy = policy or Policy()
        self._home = home
        self._clock = clock
        self.unsaved = False
        self._state = _State(Segment(dimensions), Segment(dimensions), None, 0)
        self._places: dict[str, tuple[Segment, int]] = {}
        self._dead = 0
        self._changed = clock()
        self._rebuilding = False
        self._apply_lock = threading.Lock()
        self._rebuild_lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    def upsert(self, items: Sequence[Item], vectors: Matrix, sequence: int) -> None:
        """Make items visible at `sequence` in place of those of the same ids.

        Args:
            items: no id twice.
            vectors: float32 ``[len(items), d]``, unit rows.
            sequence: higher than that of any change before.
        """
        with self._apply_lock:
            delta = self._state.delta
            rows = delta.extend(items, vectors, sequence)
            for row, item in zip(rows, items, strict=True):
                self._kill(item.id, sequence)
                self._places[item.id] = (delta, row)
            self._advance(sequence)

    def delete(self, ids: Sequence[str], sequence: int) -> None:
        """Make items invisible from `sequence` on; unknown ids are passed over."""
        with self._apply_lock:
            for item_id in ids:
                self._kill(item_id, sequence)
                self._places.pop(item_id, None)
            self._advance(sequence)

    def _kill(self, item_id: str, sequence: int) -> None:
        place = self._places.get(item_id)
        if place is not None:
            segment, row = place
            segment.died[row] = sequence
            self._dead += 1

    def _advance(self, sequence: int) -> None:
        self._state.sequence = max(sequence, self._state.sequence)
        self._changed = self._clock()

    def vector(self, item_id: str) -> Vector | None:
        """The vector of an item, None if it is not there. float32 ``[d]``, not to be written to."""
        place = self._places.get(item_id)
        if place is None:
            return None
        segment, row = place
        vector: Vector = segment.vectors[row]
        return vector

    def attributes(self, item_id: str) -> dict[str, Attribute] | None:
        """The attributes of an item, None if it is not there."""
        place = self._places.get(item_id)
        return None if place is None else place[0].attributes[place[1]]

    def search(self, queries: Matrix, request: Request) -> list[Hits]:
        """The best hits for each query.

        Args:
            queries: float32 ``[n, d]``, unit rows.
            request: what a hit must satisfy.

        Returns:
            One for each query, best first, equal scores by id.
        """
        state = self._state
        coarse = state.ivf
        if coarse is not None:
            generation.single_threaded()
        queries = np.ascontiguousarray(queries, np.float32)
        view = _view(state)
        allowed = None if request.only is None else self._rows(view, request.only)
        return Search(view, request, coarse, generation.REFINE, allowed).run(queries)

    def _rows(self, view: View, ids: Iterable[str]) -> NDArray[np.int64]:
        """Rows of a view that are these items now; one that changed since the view is left out."""
        places = [self._places.get(item_id) for item_id in ids]
        rows = [view.row(*place) for place in places if place is not None]
        return np.unique(np.array([row for row in rows if row is not None], np.int64))

    def status(self) -> IndexStatus:
        """What it consists of now."""
        state = self._state
        kind = "exact" if state.ivf is None else state.ivf.kind
        main, delta = state.main.count, state.delta.count
        return IndexStatus(kind, main, delta, self._dead, self._rebuilding)

    def rebuild_reason(self) -> str:
        """Why it should be rebuilt now, "" if it should not."""
        quiet = self._clock() - self._changed
        state = self._state
        shape = Shape(state.main.count, state.delta.count, self._dead, quiet)
        return rebuild_reason(shape, self._policy)

    def rebuild(self, *, threads: int = 1) -> None:
        """Build a new trained part beside the running one and swap it in.

        Changes and searches go on meanwhile. Needs memory for a second copy of the vectors.

        Args:
            threads: of the training; one leaves the rest of the machine to serving.
        """
        with self._rebuild_lock:
            self._rebuilding = True
            try:
                self._rebuild(threads)
            finally:
                self._rebuilding = False

    def _rebuild(self, threads: int) -> None:
        with self._apply_lock:
            old = self._state
            view = _view(old)
        kept_main = np.flatnonzero(old.main.alive(view.sequence)[: view.main_count])
        kept_delta = np.flatnonzero(old.delta.alive(view.sequence)[: view.delta_count])
        fresh = Segment(self.dimensions, len(kept_main) + len(kept_delta))
        fresh.adopt(old.main, kept_main)
        fresh.adopt(old.delta, kept_delta)
        names = {*old.main.columns.names(), *old.delta.columns.names()}
        fresh.columns.prepare(names, fresh.attributes, fresh.count)
        ivf = self._train(fresh, threads)
        with self._apply_lock:
            fresh.died[: fresh.count] = np.concatenate(
                [old.main.died[kept_main], old.delta.died[kept_delta]]
            )
            self._swap(old, fresh, ivf, view.delta_count)

    def save(self) -> None:
        """Write the trained part to its home; a disk that cannot take it is only logged."""
        state, self.unsaved = self._state, False
        if state.ivf is None or self._home is None:
            return
        try:
            snapshot.save(self._home.folder, self._home.fingerprint, state.main, state.ivf)
        except StorageError as error:
            _log.warning("index not saved", extra={"reason": error.message})

    def restore(self, versions: Mapping[str, int], sequence: int) -> list[str]:
        """Take the trained part from its home, as far as it fits the catalog.

        Call it before any change.

        Args:
            versions: of every item in the catalog.
            sequence: of the catalog's last change.

        Returns:
            Ids of the items to be read from the catalog and upserted: those that changed since,
            or all if nothing could be taken.
        """
        if self._home is None:
            return list(versions)
        try:
            main, ivf = snapshot.load(self._home.folder, self._home.fingerprint)
        except StorageError as error:
            _log.info("index is built anew", extra={"reason": error.message})
            return list(versions)
        for row, item_id in enumerate(main.ids):
            if versions.get(item_id) != main.born[row]:
                main.died[row] = main.born[row]
        self._state = _State(main, Segment(self.dimensions), ivf, sequence)
        self._places = _places(main)
        self._dead = main.count - len(self._places)
        return [item_id for item_id in versions if item_id not in self._places]

    def _train(self, segment: Segment, threads: int) -> generation.Ivf | None:
        if not trained(segment.count, self._policy):
            return None
        vectors = segment.vectors[: segment.count]
        return generation.build(vectors, target_recall=TARGET_RECALL, threads=threads)

    def _swap(
        self, old: _State, fresh: Segment, ivf: generation.Ivf | None, replay_from: int
    ) -> None:
        """Replay what came during the build, then let searches see the new state."""
        delta = Segment(self.dimensions)
        late = np.arange(replay_from, old.delta.count)
        delta.adopt(old.delta, late[old.delta.died[late] == ALIVE])
        self._places = _places(fresh) | _places(delta)
        self._dead = fresh.count + delta.count - len(self._places)
        self.unsaved = ivf is not None and self._home is not None
        if trained(fresh.count, self._policy):
            self._state = _State(fresh, delta, ivf, old.sequence)
        else:
            fresh.adopt(delta, np.arange(delta.count))
            self._places = _places(fresh)
            self._state = _State(Segment(self.dimensions), fresh, None, old.sequence)


def _view(state: _State) -> View:
    # The sequence is read before the count: rows that it covers are then counted.
    sequence = state.sequence
    return View(state.main, state.delta, state.main.count, state.delta.count, sequence)


def _places(segment: Segment) -> dict[str, tuple[Segment, int]]:
    alive: NDArray[np.int64] = np.flatnonzero(segment.died[: segment.count] == ALIVE)
    return {segment.ids[row]: (segment, row) for row in alive.tolist()}
