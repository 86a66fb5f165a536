"""The thread that learns from recorded events in the background, at the lowest priority."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from bertine.catalog.event_arrays import EventArrays, Mark
from bertine.catalog.store import Store
from bertine.defects import described
from bertine.errors import BertineError, Conflict, StorageError, Unavailable
from bertine.index import saved
from bertine.index.registry import Served
from bertine.priority import BACKGROUND, give_way
from bertine.recommend import learned_folder
from bertine.recommend.learn import words
from bertine.recommend.learn.learned import Learned
from bertine.recommend.learn.learning import LearningOptions, learn
from bertine.recommend.learned_folder import Kept
from bertine.recommend.preparing import interactions_of, vectors_of
from bertine.recommend.refreshing import Change, FitOptions, RefreshPolicy, refresh_reason

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_NO_TRY = -1e18


@dataclass(slots=True)
class _Tried:
    """The last try: of which state, when by the steady clock, and how it ended."""

    mark: Mark = field(default_factory=Mark)
    at: float = _NO_TRY
    failed: bool = False


@dataclass(slots=True)
class _Asked:
    served: Served
    options: FitOptions
    future: Future[Kept] = field(default_factory=Future)


class Learner:
    """Keeps what was learned of every collection's events up to date.

    What is learned is swapped by one reference, so a call sees the old or the new, never both. If
    learning fails, the old stays.

    Args:
        store: events are read from.
        served: gives the collections there are now.
        folder: keeps what was learned.
        fingerprint: of the model that makes the vectors.
        policy: when to learn.
        options: how to learn.
        on_learned: called with the seconds after each time; None if it failed.
    """

    def __init__(
        self,
        store: Store,
        served: Callable[[], Iterable[Served]],
        folder: Path,
        fingerprint: str,
        policy: RefreshPolicy = RefreshPolicy(),  # noqa: B008 - immutable
        options: LearningOptions = LearningOptions(),  # noqa: B008 - the same
        on_learned: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        self._store, self._served, self._folder = store, served, folder
        self._fingerprint = fingerprint
        self._policy, self._options = policy, options
        self._on_learned = on_learned
        self._kept: dict[int, Kept] = {}
        self._tried: dict[int, _Tried] = {}
        self._asked: list[_Asked] = []
        self._changed = threading.Condition()
        self._closed = False
        self._load()
        self._thread = threading.Thread(target=self._run, name="bertine-learner", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after what is being learned, if anything."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def learned(self, collection_key: int) -> Learned | None:
        """What was learned of a collection's events, None if nothing."""
        kept = self._kept.get(collection_key)
        return None if kept is None else kept.learned

    def kept(self, collection_key: int) -> Kept | None:
        """The same, with when and of what it was learned."""
        return self._kept.get(collection_key)

    def fit(self, served: Served, options: FitOptions) -> Future[Kept]:
        """Learn a collection's events now; cancelled before its turn, it is not done.

        Returns:
            What was learned; `Conflict` if there are too few events.

        Raises:
            Unavailable: the server is stopping.
        """
        asked = _Asked(served, options)
        with self._changed:
            if self._closed:
                raise Unavailable("the server is stopping: nothing is learned any more")
            self._asked.append(asked)
            self._changed.notify()
        return asked.future

    def outdated(self) -> list[str]:
        """Names of collections whose learned state still knows a deleted user; wakes the thread."""
        names = [served.name for served in self._served() if self._knows_deleted(served.key)]
        with self._changed:
            self._changed.notify()
        return sorted(names)

    def message(self, collection_key: int) -> str:
        """What stands in the way of learning, "" if nothing."""
        if collection_key in self._kept:
            return ""
        tried = self._tried.get(collection_key)
        if tried is not None and tried.failed:
            return "the last try to learn failed; the server's log says why"
        return f"too few events so far: learning needs {self._policy.least_events}"

    def forget(self, collection_key: int) -> None:
        """Drop what was learned of a collection, from the disk too."""
        self._kept.pop(collection_key, None)
        learned_folder.remove(self._folder / str(collection_key))

    def _knows_deleted(self, collection_key: int) -> bool:
        kept, mark = self._kept.get(collection_key), self._store.events_mark(collection_key)
        return kept is not None and mark is not None and kept.mark.erasures != mark.erasures

    def _load(self) -> None:
        collections = {served.key: served for served in self._served()}
        saved.remove_unknown(self._folder, set(collections))
        for key, served in collections.items():
            if not (self._folder / str(key)).is_dir():
                continue
            try:
                kept = learned_folder.load(self._folder / str(key))
                mark = self._store.events_mark(key)
                if kept.fingerprint == self._fingerprint and mark and mark >= kept.mark:
                    self._kept[key] = kept
            except StorageError as error:
                _log.warning("%s; it is learned again", error, extra={"collection": served.name})

    def _run(self) -> None:
        give_way(BACKGROUND)
        while not self._closed:
            asked = self._next()
            if asked is not None:
                self._answer(asked)
                continue
            self._look_around()
        for asked in self._asked:
            asked.future.cancel()

    def _next(self) -> _Asked | None:
        with self._changed:
            if not self._asked and not self._closed:
                self._changed.wait(POLL_SECONDS)
            return self._asked.pop(0) if self._asked and not self._closed else None

    def _answer(self, asked: _Asked) -> None:
        if not asked.future.set_running_or_notify_cancel():
            return
        try:
            asked.future.set_result(self._learn(asked.served, asked.options))
        except Exception as error:  # noqa: BLE001 - the caller is told, and the old stays
            self._failed(asked.served, error)
            told = Unavailable("learning failed; the server's log says why")
            asked.future.set_exception(error if isinstance(error, BertineError) else told)

    def _look_around(self) -> None:
        served = {one.key: one for one in self._served()}
        for key in set(self._kept) - set(served):
            self.forget(key)
        for key, one in served.items():
            if self._closed or self._asked:
                return
            try:
                self._refresh(key, one)
            except Exception as error:  # noqa: BLE001 - the thread goes on, and the old stays
                self._failed(one, error)

    def _refresh(self, key: int, served: Served) -> None:
        mark = self._store.events_mark(key)
        reason = "" if mark is None else refresh_reason(self._change(key, mark), self._policy)
        if not reason:
            return
        try:
            self._learn(served, FitOptions())
        except Conflict:  # too few: nothing may be left of those that were erased
            if reason == "erased":
                self.forget(key)

    def _change(self, key: int, mark: Mark) -> Change:
        kept, tried = self._kept.get(key), self._tried.setdefault(key, _Tried())
        known = tried.mark if kept is None else kept.mark
        return Change(
            known.last,
            mark.last,
            learned=kept is not None,
            erased=known.erasures != mark.erasures,
            expired=known.expiries != mark.expiries,
            quiet=time.monotonic() - tried.at,
            failed=tried.failed,
        )

    def _learn(self, served: Served, options: FitOptions) -> Kept:
        started = time.monotonic()
        events = self._store.event_arrays(served.key)
        if events is None:
            raise Conflict(f"collection {served.name!r} was deleted meanwhile")
        self._tried[served.key] = _Tried(events.mark, time.monotonic())
        learned = self._learned_of(served, events, self._how(served.key, options))
        seconds = time.monotonic() - started
        kept = Kept(learned, events.mark, time.time(), seconds, self._fingerprint)
        self._kept[served.key] = kept
        self._tried[served.key] = _Tried(events.mark, time.monotonic())
        self._save(served, kept)
        self._on_learned(seconds)
        extra = {"collection": served.name, "seconds": round(seconds, 2)}
        _log.info("learned from events", extra=extra)
        return kept

    def _learned_of(self, served: Served, events: EventArrays, options: LearningOptions) -> Learned:
        versions = self._store.versions(served.key)
        interactions = interactions_of(events, versions)
        if len(interactions) < self._policy.least_events:
            raise Conflict(
                f"collection {served.name!r} has {len(interactions)} events that say what users "
                f"like; learning needs {self._policy.least_events}: send them with RecordEvents"
            )
        index = served.index
        vectors = vectors_of(interactions.item_ids, index.vector, index.dimensions)
        few = len(interactions.item_ids) <= words.MOST_ITEMS  # more are not looked at
        texts = self._store.texts(served.key) if few else {}
        in_order = [texts.get(item_id, "") for item_id in interactions.item_ids]
        return learn(interactions, vectors, options, in_order)

    def _how(self, key: int, options: FitOptions) -> LearningOptions:
        kept = self._kept.get(key)
        weights = kept.learned.by_name() if options.keep_weights and kept is not None else None
        return replace(self._options, validation_share=options.validation_share, weights=weights)

    def _save(self, served: Served, kept: Kept) -> None:
        folder = self._folder / str(served.key)
        try:
            learned_folder.save(folder, kept)
        except StorageError as error:
            # An older generation may know a user who has been deleted.
            learned_folder.remove(folder)
            _log.warning("%s", error, extra={"collection": served.name})

    def _failed(self, served: Served, error: Exception) -> None:
        if isinstance(error, Conflict):
            return
        tried = self._tried.setdefault(served.key, _Tried())
        tried.at, tried.failed = time.monotonic(), True
        # Not its message, which could hold an id.
        extra = {"collection": served.name, **described(error)}
        _log.error("learning failed; what was learned before stays", extra=extra)
        self._on_learned(None)
