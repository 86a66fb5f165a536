"""Rights, and collections that are others'."""

from __future__ import annotations

from collections.abc import Callable

from bertine.client import Client
from tests.e2e.callers.who import ENTRIES, SHARED, Served, refused


def test_a_missing_right_is_named(filled: Served) -> None:
    row, event = {"id": "x", "text": "x"}, {"user": "u", "item_id": "x"}
    calls: dict[str, tuple[str, Callable[[Client], object]]] = {
        "embed": ("read", lambda client: client.embed(["text"])),
        "search": ("read", lambda client: client.search(SHARED, "sea")),
        "get": ("read", lambda client: client.get_items(SHARED, ["x"])),
        "list": ("read", lambda client: client.list_collections()),
        "upsert": ("write", lambda client: client.upsert(SHARED, [row])),
        "delete": ("write", lambda client: client.delete_items(SHARED, ["x"])),
        "record": ("record", lambda client: client.record_events(SHARED, [event])),
        "create": ("admin", lambda client: client.create_collection("own-x", exist_ok=True)),
        "drop": ("admin", lambda client: client.delete_collection(SHARED)),
        "alias": ("admin", lambda client: client.set_alias("own-y", SHARED)),
        "forget": ("admin", lambda client: client.delete_user("u")),
        "fit": ("admin", lambda client: client.fit(SHARED)),
        "tune": ("admin", lambda client: client.tune(SHARED)),
    }
    for name in ("reader", "writer", "recorder"):
        for right, call in calls.values():
            if right not in ENTRIES[name]["may"]:
                error = refused("PERMISSION_DENIED", lambda: call(filled[name]))  # noqa: B023 - called at once
                assert f"needs the right {right!r}" in error.message
        assert filled[name].server_info().version
    assert len(filled["reader"].embed(["text"])) == 1


def test_other_collections_are_neither_used_nor_seen(served: Served) -> None:
    root, reader, admin = served["root"], served["reader"], served["admin"]
    root.create_collection("secret")
    root.set_alias("shared-alias", "secret")
    error = refused("PERMISSION_DENIED", lambda: reader.search("secret", "sea"))
    assert error.field == "collection"
    refused("PERMISSION_DENIED", lambda: reader.search("shared-alias", "sea"), "an alias of one")
    error = refused("NOT_FOUND", lambda: reader.search("shared-none", "sea"))
    assert "secret" not in error.message
    assert "secret" not in [one.name for one in reader.list_collections()]
    assert reader.list_aliases() == {}
    for name in ("secret", "no-such"):
        refused("PERMISSION_DENIED", lambda: reader.list_aliases(name))  # noqa: B023 - called at once
    admin.create_collection("own-books")
    assert [one.name for one in root.list_collections()] == ["own-books", "secret", SHARED]
    refused("PERMISSION_DENIED", lambda: admin.create_collection("books"))
    refused("PERMISSION_DENIED", lambda: admin.delete_collection("secret"))
    refused("PERMISSION_DENIED", lambda: admin.set_alias("own-alias", "secret"))
    refused("PERMISSION_DENIED", lambda: admin.set_alias("shared-alias", "own-books"))
    refused("PERMISSION_DENIED", lambda: admin.delete_alias("shared-alias"))
    refused("PERMISSION_DENIED", lambda: admin.delete_user("u"), "all collections")
    admin.set_alias("own-alias", "own-books")
    admin.delete_alias("own-alias")
    admin.delete_collection("own-books")
    root.delete_alias("shared-alias")
    root.delete_collection("secret")


def test_an_alias_leads_where_its_collection_may_be_used(filled: Served) -> None:
    filled["root"].set_alias("anything", SHARED)
    try:
        assert filled["a"].search("anything", "sea")[0].id.startswith("a")
        row = {"id": "by-alias", "text": "text", "tenant": "a"}
        assert filled["a"].upsert("anything", [row]).inserted == 1
        assert filled["a"].delete_items("anything", ["by-alias"]) == 1
    finally:
        filled["root"].delete_alias("anything")
