"""The catalog against a dictionary, under any interleaving of writes, reads and restarts."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bertine.catalog.changes import CreateCollection, DeleteItems, Draft, PurgeExpired, Upsert
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.types import Item

MODEL = "model"
FAR = 4e9
ids = st.sampled_from(["a", "b", "c", "d", "ä", "a\0", "A"])
items = st.builds(
    Item,
    ids,
    st.sampled_from(["", "one", "two"]),
    st.sampled_from([{}, {"x": 1}, {"x": 1.0}, {"x": ("a", "b")}]),
    st.sampled_from([None, None, np.array([3.0, 4.0], np.float32)]),
    st.sampled_from([None, 5.0]),
    expire_time=st.sampled_from([None, None, FAR, FAR + 1]),
)
batches = st.lists(items, max_size=4, unique_by=lambda item: item.id)


def vector_for(item: Item) -> Any:
    if item.vector is not None:
        return item.vector
    return np.array([len(item.text), 1.0], np.float32)


def comparable(item: Item) -> tuple[object, ...]:
    vector = None if item.vector is None else item.vector.tolist()
    attributes = [(name, repr(value)) for name, value in item.attributes.items()]
    times = (item.available_from, item.expire_time)
    return (item.id, item.text, attributes, vector, times, item.version)


class CatalogAgainstDictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.given: dict[str, tuple[object, ...]] = {}
        self.expected: dict[str, Item] = {}

    @initialize()
    def create(self) -> None:
        self.open()
        create = CreateCollection("c", "", 2, MODEL, 1.0)
        self.collection = self.writer.submit(create).result()
        self.sequence = self.collection.sequence

    def open(self) -> None:
        self.store = Store.open(self.folder)
        self.writer = Writer(self.store)

    def close(self) -> None:
        self.writer.close()
        self.store.close()

    @rule(batch=batches)
    def upsert(self, batch: list[Item]) -> None:
        """As the server does: look up what is stored, encode only what must be."""
        drafts = [Draft.of(item) for item in batch]
        stored = self.store.existing(self.collection.key, [item.id for item in batch])
        ready = [
            draft.with_vector(None)
            if (there := stored.get(draft.item.id)) and there.text_digest == draft.text_digest
            else draft.with_vector(vector_for(draft.item))
            for draft in drafts
        ]
        result = self.writer.submit(Upsert(self.collection.key, ready, MODEL)).result()
        changed = [item for item in batch if self.given.get(item.id) != comparable(item)]
        new = [item for item in changed if item.id not in self.expected]
        counts = (len(new), len(changed) - len(new), len(batch) - len(changed))
        assert (result.inserted, result.updated, result.unchanged) == counts
        assert (result.sequence > self.sequence) == bool(changed)
        self.sequence = result.sequence
        for item in changed:
            self.given[item.id] = comparable(item)
            self.expected[item.id] = replace(item, vector=vector_for(item), version=result.sequence)
        told = [comparable(item) for item in result.changed]
        assert told == [comparable(self.expected[item.id]) for item in changed]

    @rule(doomed=st.lists(ids, max_size=3, unique=True))
    def delete(self, doomed: list[str]) -> None:
        result = self.writer.submit(DeleteItems(self.collection.key, tuple(doomed))).result()
        there = [id_ for id_ in doomed if id_ in self.expected]
        assert result.deleted == tuple(there)
        assert result.missing == len(doomed) - len(there)
        assert (result.sequence > self.sequence) == bool(there)
        self.sequence = result.sequence
        for id_ in there:
            del self.expected[id_], self.given[id_]

    @rule(until=st.sampled_from([FAR - 1, FAR, FAR + 1]))
    def purge(self, until: float) -> None:
        result = self.writer.submit(PurgeExpired(until, 2)).result()
        gone = result.deleted.get(self.collection.key, ())
        due = {id_ for id_, item in self.expected.items() if (item.expire_time or FAR * 2) <= until}
        assert set(gone) <= due
        assert len(gone) == min(2, len(due))
        self.sequence = max(self.sequence, result.sequence)
        for id_ in gone:
            del self.expected[id_], self.given[id_]

    @rule(wanted=st.lists(ids, max_size=3))
    def get(self, wanted: list[str]) -> None:
        found = self.store.get_items(self.collection.key, wanted, with_vectors=True)
        assert set(found) == set(wanted) & set(self.expected)
        for id_, item in found.items():
            assert comparable(item) == comparable(self.expected[id_])

    @rule(after=ids, limit=st.integers(1, 3))
    def list_a_page(self, after: str, limit: int) -> None:
        page = self.store.list_items(self.collection.key, after, limit, with_vectors=True)
        wanted = sorted(id_ for id_ in self.expected if id_ > after)[:limit]
        assert [comparable(i) for i in page] == [comparable(self.expected[id_]) for id_ in wanted]

    @rule()
    def reopen(self) -> None:
        self.close()
        self.open()

    @invariant()
    def everything_is_there(self) -> None:
        if not hasattr(self, "collection"):
            return
        scanned = [item for batch in self.store.scan(self.collection.key, 2) for item in batch]
        assert {item.id: comparable(item) for item in scanned} == {
            id_: comparable(item) for id_, item in self.expected.items()
        }
        collection = self.store.collection("c")
        assert (collection.item_count, collection.sequence) == (len(scanned), self.sequence)

    def teardown(self) -> None:
        if hasattr(self, "collection"):
            self.close()
        shutil.rmtree(self.folder)


TestCatalogAgainstDictionary = CatalogAgainstDictionary.TestCase
TestCatalogAgainstDictionary.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
