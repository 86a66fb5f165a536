"""Who is held to a filter is told nothing of other items, though they change while he asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bertine.catalog.changes import Draft, Upsert
from bertine.cli.serve_fake import fake_encoder
from bertine.config import ServeConfig
from bertine.engine import Engine
from bertine.errors import NotFound
from bertine.index.filters import AllOf, OneOf
from bertine.recommend.requests import Query, Wanted, Wish
from bertine.types import HistoryEntry, Item

OURS, THEIRS = (OneOf("tenant", (tenant,)) for tenant in ("ours", "theirs"))


@pytest.fixture
async def engine(model: Path, tmp_path: Path) -> AsyncIterator[Engine]:
    config = ServeConfig(model=model, data=tmp_path / "data")
    opened = await asyncio.to_thread(Engine.open, config, None, fake_encoder)
    await opened.ingest.create("books", "", exist_ok=False)
    tenants = {"a": "ours", "b": "theirs", "c": "ours"}
    items = [Item(id_, f"text of {id_}", {"tenant": name}) for id_, name in tenants.items()]
    await opened.ingest.upsert("books", items)
    yield opened
    await asyncio.to_thread(opened.close)


async def test_an_id_that_changed_hands_after_the_search_is_shown_without_its_item(
    engine: Engine,
) -> None:
    """The catalog is ahead of the index, as it is for a moment in every change."""
    served = engine.registry.get("books")
    item = Item("a", "secret", {"tenant": "theirs"})
    vector = served.index.vector("b")
    draft = replace(Draft.of(item), supplied=True).with_vector(vector)
    change = Upsert(served.key, [draft], engine.encoder.fingerprint)
    await asyncio.wrap_future(engine.writer.submit(change, None))
    wanted = Wanted(include_items=True, mandatory=OURS)
    answer = await engine.recommender.search("books", [Query("text of a")], wanted)
    assert sorted(answer.results[0].ids) == ["a", "c"]
    assert list(answer.items) == ["c"]
    wish = Wish([HistoryEntry(item_id="c")], wanted)
    found = (await engine.recommender.recommend("books", wish)).answer
    assert list(found.results[0].ids) == ["a"]
    assert not found.items


async def test_items_of_others_are_none_where_they_are_named(engine: Engine) -> None:
    wanted = Wanted(mandatory=OURS)
    with pytest.raises(NotFound, match="item 'b' does not exist"):
        await engine.recommender.similar("books", "b", wanted)
    similar = await engine.recommender.similar("books", "a", wanted)
    assert list(similar.results[0].ids) == ["c"]
    history = [HistoryEntry(item_id=id_) for id_ in "bab"]
    known = (await engine.recommender.recommend("books", Wish(history, wanted))).history
    assert [entry.item_id for entry in known.entries] == ["a"]
    assert list(known.skipped) == [0, 2]


def test_both_filters_hold() -> None:
    assert Wanted().both is None
    assert Wanted(filter=OURS).both == Wanted(mandatory=OURS).both == OURS
    assert Wanted(filter=THEIRS, mandatory=OURS).both == AllOf((OURS, THEIRS))
