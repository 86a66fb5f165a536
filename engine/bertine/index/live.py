"""A collection's index that follows the catalog: searched, changed and rebuilt at the same time.

One writer applies changes in the catalog's order; searches take no lock; a rebuild runs beside both
and ends in one swap. What a search sees is one state: see `segment`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bertine.errors import StorageError
from bertine.index.balance import Balance
from bertine.index.crew import ALONE, Crew
from bertine.index.filters import Predicate
from bertine.index.gpu import Gpu
from bertine.index.gpu_placement import Placement
from bertine.index.lifecycle import Policy, rebuild_reason, trained
from bertine.index.places import Places, all_ids
from bertine.index.quality import Quality
from bertine.index.request import Request
from bertine.index.restoring import restore
from bertine.index.search import Search
from bertine.index.segment import Segment
from bertine.index.snapshot import Home, Snapshot
from bertine.index.state import Merged, State, scope_of
from bertine.index.training import Order, Trained, train_if_large
from bertine.index.tuning import recipes, usual
from bertine.index.view import Rows, View
from bertine.types import Attribute, Hits, IndexStatus, Item, Matrix, Vector, Versions

_log = logging.getLogger(__name__)


class LiveIndex:
    """The vectors of one collection.

    Args:
        dimensions: of the vectors.
        policy: when it is rebuilt.
        home: where its trained part is kept; None is nowhere.
        clock: monotonic seconds.
        crew: helps with large batches of queries.
        gpu: that answers searches, as far as its memory goes; None is the CPU.

    Attributes:
        quality: what its live queries teach.
        target_recall: recall@10 that its next trained part must reach.
        unsaved: there is a trained part that is not on disk.
    """

    def __init__(
        self,
        dimensions: int,
        policy: Policy | None = None,
        home: Home | None = None,
        clock: Callable[[], float] = time.monotonic,
        crew: Crew = ALONE,
        gpu: Gpu | None = None,
    ) -> None:
        self.dimensions = dimensions
        self._policy = policy or Policy()
        self._home = home
        self._clock = clock
        self._crew = crew
        self._placement = Placement(gpu)
        self.quality = Quality(dimensions, self._policy.repeated_share)
        self.unsaved = False
        self.target_recall = self._policy.target_recall
        self._recipe = usual(dimensions)
        self._state = State.exact(Segment(dimensions))
        self._dead = 0
        self._changed = clock()
        self._rebuilding = False
        self._apply_lock = threading.Lock()
        self._rebuild_lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def _places(self) -> Places:
        return self._state.known

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
                self._places.put(item.id, row)
            self._advance(sequence)

    def delete(self, ids: Sequence[str], sequence: int) -> None:
        """Make items invisible from `sequence` on; unknown ids are passed over."""
        with self._apply_lock:
            for item_id in ids:
                self._kill(item_id, sequence)
                self._places.forget(item_id)
            self._advance(sequence)

    def _kill(self, item_id: str, sequence: int) -> None:
        place = self._places.find(item_id)
        if place is not None:
            segment, row = place
            segment.died[row] = sequence
            self._dead += 1

    def _advance(self, sequence: int) -> None:
        self._state.sequence = max(sequence, self._state.sequence)
        self._changed = self._clock()

    def vector(self, item_id: str, allowed: Predicate | None = None) -> Vector | None:
        """The vector of an item, None if it is not there. float32 ``[d]``, not to be written to.

        Args:
            item_id: of the item.
            allowed: says of its attributes whether it is there at all.
        """
        place = self._places.find(item_id)
        if place is None or not (allowed is None or allowed(place[0].attributes[place[1]])):
            return None
        vector: Vector = place[0].vectors[place[1]]
        return vector

    def attributes(self, item_id: str) -> dict[str, Attribute] | None:
        """The attributes of an item, None if it is not there."""
        place = self._places.find(item_id)
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
        coarse, view = state.coarse, state.view()
        if coarse is not None and request.nprobe:
            coarse = coarse.visiting(request.nprobe)
        refine = 1 if coarse is None else coarse.refine
        queries = np.ascontiguousarray(queries, np.float32)
        scope = scope_of(state.known, request, view)
        found = Search(view, request, coarse, refine, scope, self._crew).run(queries)
        self.quality.answered(view, request, scope, queries, found)
        return found

    def view(self) -> View:
        """What there is now, to be asked several times."""
        return self._state.view()

    def rows_of(self, ids: Iterable[str], view: View) -> Rows:
        """Rows of a view by the ids of their items, see `Places.rows_of`."""
        return self._places.rows_of(ids, view)

    def status(self) -> IndexStatus:
        """What it consists of now."""
        return self._state.status(self._dead, self.quality, rebuilding=self._rebuilding)

    def rebuild_reason(self) -> str:
        """Why it should be rebuilt now, "" if it should not."""
        state = self._state
        misses = state.ivf is not None and self.quality.calls_for_tuning(state.ivf.tuning.target)
        quiet, misplaced = self._clock() - self._changed, self._placement.misplaced
        shape = state.shape(self._dead, quiet, misses_recall=misses, misplaced=misplaced)
        return rebuild_reason(shape, self._policy)

    def rebuild(self, *, threads: int = 1) -> None:
        """Build a new trained part beside the running one and swap it in.

        Changes and searches go on meanwhile. Needs memory for a second copy of the vectors.

        Args:
            threads: of the training; one leaves the rest of the machine to serving.
        """
        with self._rebuild_lock:
            self._work(
                threads, Order([self._recipe], self.target_recall, self.quality.queries.sample())
            )

    def tune(
        self,
        target: float,
        queries: Matrix | None = None,
        *,
        threads: int = 1,
        on_trial: Callable[[], None] = lambda: None,
    ) -> Trained:
        """Rebuild with every kind of trained index and keep the best, for later rebuilds too.

        Args:
            target: recall@10 that it must reach, 0.5 to 0.99.
            queries: float32 ``[n, d]``, unit rows; None is the latest live ones.
            threads: of the training.
            on_trial: called before each kind is tried; what it raises ends the work.

        Returns:
            What was measured.
        """
        kept = self.quality.queries.sample() if queries is None else queries
        order = Order(recipes(self.dimensions), target, kept)
        with self._rebuild_lock:
            done = self._work(threads, order, on_trial)
            self.target_recall = target
            if done.ivf is not None:
                self._recipe = done.ivf.tuning.trial.recipe or self._recipe
        return done

    def _work(
        self, threads: int, order: Order, on_trial: Callable[[], None] = lambda: None
    ) -> Trained:
        self._rebuilding = True
        try:
            with self._apply_lock:
                view = self._state.view()
            merged = Merged(view)
            rows = merged.segment.vectors[: merged.segment.count]
            order = self._placement.order(order, rows, self._state.mirror)
            done = train_if_large(rows, order, self._policy, threads=threads, on_trial=on_trial)
            mirror = self._placement.mirror(done.ivf, merged.segment, self._state.mirror)
            balance = Balance() if done.ivf is None else Balance(done.ivf.lists())
            with self._apply_lock:
                late, sequence = merged.catch_up(), self._state.sequence
                known = Places(merged.segment, late)
                self._swap(State(merged.segment, late, known, done.ivf, sequence, balance, mirror))
        finally:
            self._rebuilding = False
        return done

    def _swap(self, new: State) -> None:
        """Let searches see a new state."""
        self.unsaved = new.ivf is not None and self._home is not None
        if not trained(new.main.count, self._policy):
            new.main.adopt(new.delta, np.arange(new.delta.count))
            new = State.exact(new.main, new.sequence)
        self._dead = new.main.count + new.delta.count - len(new.known)
        self._state = new
        self.quality.forget()

    def save(self) -> None:
        """Write the trained part to its home; a disk that cannot take it is only logged."""
        state, self.unsaved = self._state, False
        if state.ivf is None or self._home is None:
            return
        try:
            self._home.save(state.main, state.ivf)
        except StorageError as error:
            _log.warning("index not saved", extra={"reason": error.message})

    def restore(
        self, versions: Callable[[], Versions], sequence: int, *, threads: int = 1
    ) -> list[str]:
        """Take the trained part from its home, as far as it fits the catalog.

        Call it before any change.

        Args:
            versions: reads those of every item in the catalog.
            sequence: of the catalog's last change.
            threads: that compute checksums.

        Returns:
            Ids of the items to be read from the catalog and upserted: those that changed since,
            or all if nothing could be taken.
        """
        if self._home is None:
            return all_ids(versions())
        try:
            found = restore(self._home, self._state.delta, versions, threads=threads)
        except StorageError as error:
            _log.info("index is built anew", extra={"reason": error.message})
            return all_ids(versions())
        self._take(found.taken, found.known, sequence)
        return found.missing

    def _take(self, taken: Snapshot, known: Places, sequence: int) -> None:
        ivf, main = taken.ivf, taken.segment
        mirror, balance = self._placement.mirror(ivf, main, None), Balance(ivf.lists())
        self._recipe = ivf.tuning.trial.recipe or self._recipe
        self.target_recall = ivf.tuning.target
        self._dead = main.count - len(known)
        self._state = State(main, self._state.delta, known, ivf, sequence, balance, mirror)
