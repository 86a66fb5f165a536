"""Copies of a catalog that others write to."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bertine.catalog import backup, schema
from bertine.catalog.backup import back_up, place_of
from bertine.catalog.backup_manifest import MANIFEST_FILE, read_manifest
from bertine.catalog.changes import UpsertResult
from bertine.catalog.exchange import exchange
from bertine.catalog.folder import FolderLock
from bertine.catalog.privacy import KEY_FILE, UserKey
from bertine.catalog.restoring import restore
from bertine.catalog.schema import MIGRATIONS, prepare
from bertine.catalog.store import FILE, Store
from bertine.catalog.writer import Writer
from bertine.errors import Conflict, StorageError
from bertine.types import Item

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
LONG = "words of a long text " * 1000
COUNT = 200


@pytest.fixture
def filled(store: Store, put: Put, make_item: MakeItem) -> Path:
    """A data folder of several hundred pages whose catalog is open and written to."""
    UserKey.load_or_create(store.folder)
    put(*(make_item(f"{number:03d}", f"{number} {LONG}") for number in range(COUNT)))
    return store.folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "monday"


def items_of(folder: Path) -> dict[str, Item]:
    with Store.open(folder) as store:
        (collection,) = store.collections()
        items = {item.id: item for batch in store.scan(collection.key) for item in batch}
        assert collection.item_count == len(items)
        assert collection.sequence == max(item.version for item in items.values())
        return items


def test_a_copy_is_of_one_state_whatever_is_written_meanwhile(
    filled: Path, place: Path, tmp_path: Path, put: Put, make_item: MakeItem, store: Store
) -> None:
    before = store.collection("books")
    done: list[int] = []

    def write(position: int, total: int) -> None:
        """Between two steps of the copying: replace an early item, add a new one."""
        assert position <= total
        done.append(position)
        put(make_item("000", f"new {LONG} {position}"), make_item(f"late-{position}", LONG))

    manifest = back_up(filled, place, report=write)
    assert len(done) > 1
    assert done == sorted(set(done))  # it never began anew
    assert manifest.contents.sequence == before.sequence
    assert dict(manifest.contents.collections) == {"books": COUNT}
    restore(place, tmp_path / "restored")
    restored = items_of(tmp_path / "restored")
    assert set(restored) == {f"{number:03d}" for number in range(COUNT)}
    assert restored["000"].text == f"0 {LONG}"
    assert store.collection("books").item_count == COUNT + len(done)


def test_only_the_owner_can_read_it_and_nothing_else_is_left(filled: Path, place: Path) -> None:
    back_up(filled, place)
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert files == dict.fromkeys((FILE, KEY_FILE, MANIFEST_FILE), 0o600)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    manifest = read_manifest(place)
    assert manifest.size == sum(path.stat().st_size for path in place.iterdir()) - (
        (place / MANIFEST_FILE).stat().st_size
    )


def test_a_folder_that_exists_gets_a_backup_with_a_name_of_its_own(
    filled: Path, place: Path
) -> None:
    inside = place_of(place.parent)
    assert inside.parent == place.parent
    assert inside.name.startswith("bertine-2")
    back_up(filled, inside)
    assert place_of(inside) == inside
    assert place_of(place) == place


def test_a_backup_is_replaced_only_if_told_to(filled: Path, place: Path, put: Put) -> None:
    back_up(filled, place)
    put(Item("one-more", "text"))
    with pytest.raises(Conflict, match="is there already; give another name, or --force"):
        back_up(filled, place)
    assert read_manifest(place).contents.items == COUNT
    back_up(filled, place, force=True)
    assert read_manifest(place).contents.items == COUNT + 1
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_it_is_replaced_where_names_cannot_be_exchanged(
    filled: Path, place: Path, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on some network file systems."""
    monkeypatch.setattr(backup, "exchange", lambda *_: False)
    back_up(filled, place)
    put(Item("one-more", "text"))
    back_up(filled, place, force=True)
    assert read_manifest(place).contents.items == COUNT + 1
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_names_are_exchanged_or_stay(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    assert not exchange(one, other)
    assert one.is_dir()
    other.write_text("file")
    assert exchange(one, other)
    assert other.is_dir()
    assert one.read_text() == "file"


def test_what_is_no_backup_is_never_replaced(filled: Path, place: Path) -> None:
    place.mkdir()
    (place / "notes").write_text("mine")
    with pytest.raises(Conflict, match="is not a backup"):
        back_up(filled, place, force=True)
    assert (place / "notes").read_text() == "mine"
    for inside in (filled, filled / "backup", filled / ".." / filled.name / "backup"):
        with pytest.raises(Conflict, match="is in the data folder"):
            back_up(filled, inside, force=True)


def test_one_that_is_cut_short_leaves_the_old_one(filled: Path, place: Path, put: Put) -> None:
    back_up(filled, place)
    put(Item("one-more", "text"))

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(filled, place, force=True, report=interrupt)
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert read_manifest(place).contents.items == COUNT


def test_what_a_killed_one_left_is_in_nobodys_way(filled: Path, place: Path) -> None:
    draft = place.with_name(f".{place.name}.bertine-draft")
    draft.mkdir()
    (draft / FILE).write_bytes(b"half")
    (draft / f"{FILE}-journal").write_bytes(b"half")
    lock = FolderLock(draft)
    with pytest.raises(StorageError, match=f"is in use by process {os.getpid()}"):
        back_up(filled, place)
    lock.release()
    back_up(filled, place)
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_damaged_catalog_is_not_backed_up_as_if_it_were_whole(
    filled: Path, place: Path, store: Store, writer: Writer
) -> None:
    writer.close()
    store.close()
    with closing(sqlite3.connect(filled / FILE)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'vectors'"
        (page,) = connection.execute(query).fetchone()
    with (filled / FILE).open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(bytes(8192))
    with pytest.raises(StorageError, match=r"catalog\.sqlite3 is damaged .* restore an older"):
        back_up(filled, place)
    assert not list(place.parent.iterdir())


def test_what_cannot_be_backed_up(tmp_path: Path, filled: Path, place: Path) -> None:
    with pytest.raises(StorageError, match="holds no catalog"):
        back_up(tmp_path, place)
    with pytest.raises(StorageError, match="No such file or directory"):
        back_up(filled, place / "deeper")
    with closing(sqlite3.connect(filled / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="has schema version 99, this Bertine knows"):
        back_up(filled, place)


def test_an_older_schema_is_backed_up_as_it_is_and_migrated_by_the_start(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup that one takes before an upgrade."""
    (tmp_path / "old").mkdir()
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", MIGRATIONS[:1])
        older.setattr(schema, "_CHECKED", ("sequence",))
        prepare(tmp_path / "old" / FILE)
    assert back_up(tmp_path / "old", place).contents.schema == 1
    restore(place, tmp_path / "new")
    with Store.open(tmp_path / "new") as store:
        assert store.collections() == []
