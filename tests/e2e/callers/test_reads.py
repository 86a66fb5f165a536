"""Two tenants in one collection: neither sees anything of the other, however he asks."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from bertine.client import CallError, Client, HistoryEntry
from tests.e2e.callers.who import SHARED, WORDS, Served, refused


def condition(dice: random.Random, other: str) -> Any:
    """A filter such as somebody would send who wants what is not his."""
    return dice.choice(
        [
            None,
            {"tenant": other},
            {"tenant": ["a", "b"]},
            {"tenant": {"not": "nobody"}},
            {"year": {"gte": dice.randrange(10)}},
            {"tenant": {"exists": False}},
        ]
    )


def ask(client: Client, dice: random.Random, other: str) -> list[Any]:
    ids = [f"{tenant}{dice.randrange(60):03}" for tenant in "ab" for _ in range(5)]
    options: dict[str, Any] = {
        "top_k": dice.choice([1, 10, 200]),
        "filter": condition(dice, other),
        "include_items": True,
        "exact": dice.random() < 0.3,
        "only_ids": ids if dice.random() < 0.3 else [],
    }
    kind = dice.randrange(3)
    if kind == 0:
        found: list[Any] = client.search(SHARED, " ".join(dice.choices(WORDS, k=2)), **options)
    elif kind == 1:
        own = f"{'ab'.replace(other, '')}{dice.randrange(60):03}"
        found = client.similar(SHARED, own, **options)
    else:
        rules: dict[str, Any] = {
            "promote": ({"tenant": other}, 2),
            "exploration": 0.5,
            "diversity": 0.3,
            "user": f"u{dice.randrange(9)}",
            "history": dice.sample(ids, 4),
            "exclude_seen": dice.random() < 0.5,
        }
        chosen = {name: value for name, value in rules.items() if dice.random() < 0.5}
        found = client.recommend(SHARED, **({"user": "u1"} | chosen), **options)
    return found


@pytest.mark.parametrize("tenant", ["a", "b"])
def test_hundreds_of_filtered_calls_show_nothing_of_others(filled: Served, tenant: str) -> None:
    dice = random.Random(tenant)  # noqa: S311 - repeatable
    other = "ab".replace(tenant, "")
    seen = 0
    for _ in range(400):
        for hit in ask(filled[tenant], dice, other):
            assert hit.id.startswith(tenant)
            assert hit.item is not None
            assert hit.item.attributes["tenant"] == tenant
            seen += 1
    assert seen > 1_000


def test_ids_that_change_hands_show_nothing_of_others(filled: Served) -> None:
    """The same ids are deleted by one and taken by the other while both search."""
    ids = [f"contested {number}" for number in range(8)]
    stop, failed = threading.Event(), []

    def churn(tenant: str) -> None:
        dice = random.Random(tenant)  # noqa: S311 - repeatable
        client = filled[tenant]
        while not stop.is_set():
            id_ = dice.choice(ids)
            try:
                if dice.random() < 0.5:
                    client.delete_items(SHARED, [id_])
                else:
                    row = {"id": id_, "text": "sea whale", "tenant": tenant, "n": dice.random()}
                    client.upsert(SHARED, [row])
            except CallError as error:
                if error.code != "PERMISSION_DENIED":
                    failed.append(error)

    threads = [threading.Thread(target=churn, args=(tenant,)) for tenant in "ab"]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            tenant = "ab"[number % 2]
            client = filled[tenant]
            found = client.search(SHARED, "sea whale", include_items=True, only_ids=ids)
            items = [hit.item for hit in found if hit.item is not None]
            items += client.get_items(SHARED, ids).values()
            assert all(item.attributes["tenant"] == tenant for item in items)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    filled["root"].delete_items(SHARED, ids)


def test_items_are_got_and_listed_as_if_there_were_no_others(filled: Served) -> None:
    whole = {item.id: item for item in filled["root"].list_items(SHARED, with_vectors=True)}
    for tenant in "ab":
        own = [id_ for id_, item in whole.items() if item.attributes["tenant"] == tenant]
        for size in (1, 7, 1_000):
            listed = filled[tenant].list_items(SHARED, page_size=size, with_vectors=size == 7)
            assert [item.id for item in listed] == own
        assert list(filled[tenant].get_items(SHARED, list(whole))) == own


def test_items_of_others_are_unknown_where_they_are_named(filled: Served) -> None:
    unknown = refused("NOT_FOUND", lambda: filled["a"].similar(SHARED, "nobody's")).message
    error = refused("NOT_FOUND", lambda: filled["a"].similar(SHARED, "b001"))
    assert error.message == unknown.replace("nobody's", "b001").replace('"', "'")
    found = filled["a"].recommend(SHARED, history=["b001", "a001", "b002"], explain=True)
    assert (list(found.skipped), found.history_size) == ([0, 2], 1)
    entries = [HistoryEntry(item_id="b001"), HistoryEntry(item_id="b002")]
    assert filled["a"].recommend(SHARED, history=entries).history_size == 0


def test_a_collection_tells_nothing_of_how_much_others_have(filled: Served) -> None:
    seen = filled["a"].get_collection(SHARED)
    assert (seen.name, seen.dimensions, seen.item_count, seen.sequence) == (SHARED, 384, 0, 0)
    assert not seen.HasField("index")
    assert filled["reader"].get_collection(SHARED).item_count >= 120
    refused("PERMISSION_DENIED", lambda: filled["a"].learned(SHARED), "held to a filter")
    assert filled["reader"].learned(SHARED).events


def test_items_are_items(filled: Served) -> None:
    """What a tenant reads back is what he wrote."""
    row = {"id": "a-round", "text": "round", "tenant": "a", "year": 3}
    filled["a"].upsert(SHARED, [row])
    item = filled["a"].get_items(SHARED, ["a-round"])["a-round"]
    assert (item.text, item.attributes) == ("round", {"tenant": "a", "year": 3})
    assert filled["a"].delete_items(SHARED, ["a-round"]) == 1
