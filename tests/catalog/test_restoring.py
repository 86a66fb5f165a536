"""Data folders made from backups: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertine.catalog.backup import back_up
from bertine.catalog.backup_manifest import MANIFEST_FILE, read_manifest
from bertine.catalog.changes import DeleteUser, RecordEvents, UpsertResult
from bertine.catalog.privacy import KEY_FILE, UserKey
from bertine.catalog.restoring import DRAFT, restore
from bertine.catalog.store import FILE, Store
from bertine.errors import Conflict, StorageError
from bertine.types import Collection, Event, Item

Put = Callable[..., UpsertResult]
MakeItem = Callable[..., Item]
COUNT = 200


@pytest.fixture
def filled(store: Store, put: Put, make_item: MakeItem) -> Path:
    """A data folder whose catalog is open."""
    UserKey.load_or_create(store.folder)
    put(*(make_item(f"{number:03d}", f"text {number}") for number in range(COUNT)))
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


def test_a_restored_folder_is_the_same(
    filled: Path,
    place: Path,
    tmp_path: Path,
    run: Callable[..., Any],
    books: Collection,
    store: Store,
    put: Put,
) -> None:
    user = UserKey.load_or_create(filled).digest("ann")
    run(RecordEvents(books.key, [Event(user, "000", "view", 1.0, "e")]))
    back_up(filled, place)
    # What happens later is not in it, what was forgotten later still is.
    put(Item("late", "text"))
    run(DeleteUser(user))
    positions: list[tuple[int, int]] = []
    restore(place, tmp_path / "new", lambda *position: positions.append(position))
    size = read_manifest(place).size
    assert positions[-1] == (size, size)
    assert "late" not in items_of(tmp_path / "new")
    again = UserKey.load_or_create(tmp_path / "new").digest("ann")
    with Store.open(tmp_path / "new") as restored:
        assert [event.item_id for event in restored.user_events(books.key, again, 9)] == ["000"]
    assert store.user_events(books.key, user, 9) == []
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes[FILE] == modes[KEY_FILE] == 0o600
    assert not (tmp_path / "new" / DRAFT).exists()


@pytest.mark.parametrize("name", [FILE, KEY_FILE])
def test_a_flipped_byte_is_found_before_anything_is_restored(
    filled: Path, place: Path, tmp_path: Path, name: str
) -> None:
    back_up(filled, place)
    raw = bytearray((place / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (place / name).write_bytes(raw)
    with pytest.raises(StorageError, match=f"{name} is damaged: its size or SHA-256"):
        restore(place, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["LOCK"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"layout": 1', '"layout": 2', "has layout 2, this Bertine knows 1"),
        ('"sequence"', '"sequenc"', "cannot be read"),
        ('"sequence": 2', '"sequence": 3', "tells of sequence 3, the catalog in the backup is of"),
        (FILE, "../catalog", "lists the files"),
    ],
)
def test_a_manifest_that_does_not_fit(
    filled: Path, place: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    back_up(filled, place)
    manifest = place / MANIFEST_FILE
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new))
    with pytest.raises(StorageError, match=message):
        restore(place, tmp_path / "new")
    assert not (tmp_path / "new" / FILE).exists()


@pytest.mark.parametrize("name", [FILE, f"{FILE}-wal", "index", KEY_FILE])
def test_nothing_may_be_there_that_would_be_taken_for_the_restored_catalogs(
    filled: Path, place: Path, tmp_path: Path, name: str
) -> None:
    back_up(filled, place)
    target = tmp_path / "new"
    target.mkdir()
    (target / name).touch()
    with pytest.raises(Conflict, match=f"holds {name} already; restore to an empty folder"):
        restore(place, target)
    assert {path.name for path in target.iterdir()} == {name, "LOCK"}


def test_a_folder_in_use_is_refused(filled: Path, place: Path) -> None:
    back_up(filled, place)
    with pytest.raises(StorageError, match=f"is in use by process {os.getpid()}"):
        restore(place, filled)


def test_a_restoration_that_was_cut_short_is_done_again(
    filled: Path, place: Path, tmp_path: Path
) -> None:
    back_up(filled, place)
    target = tmp_path / "new"

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(place, target, interrupt)
    assert [path.name for path in target.iterdir()] == ["LOCK"]
    # Killed between the two names, it leaves the key and the rest of its draft.
    shutil.copy(place / KEY_FILE, target / KEY_FILE)
    (target / DRAFT).mkdir()
    (target / DRAFT / FILE).write_bytes(b"half")
    restore(place, target)
    assert len(items_of(target)) == COUNT


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=f"is no backup: it has no {MANIFEST_FILE}"):
        restore(tmp_path, tmp_path / "new")
    assert not (tmp_path / "new").exists()
