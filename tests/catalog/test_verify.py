"""Each thing that must hold, broken by another program: the check that finds it, and no other."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertine.catalog.changes import (
    CreateCollection,
    DeleteCollection,
    DeleteItems,
    DeleteUser,
    Draft,
    RecordEvents,
    ReplaceVectors,
    SetAlias,
    Upsert,
)
from bertine.catalog.former_keys import FORMER_FILE, FormerKey, write_former
from bertine.catalog.privacy import KEY_FILE, KEY_SIZE, UserKey
from bertine.catalog.rows import vector_to_bytes
from bertine.catalog.store import FILE, Store
from bertine.catalog.verify import (
    Check,
    attempt,
    check_collections,
    check_file,
    check_references,
    check_sequence,
    judged,
    opened,
)
from bertine.catalog.verify_events import check_events, check_users
from bertine.catalog.verify_items import NORM_TOLERANCE, check_items, vector_problem
from bertine.catalog.writer import Writer
from bertine.errors import StorageError
from bertine.types import Attribute, Event, Item, Vector

MODEL = "model-a"


def unit(text: str) -> Vector:
    """What the model of these tests makes of a text."""
    values = np.frombuffer(text.encode().ljust(4)[:4], np.uint8).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values), np.float32)


def put(writer: Writer, key: int, *items: Item) -> None:
    drafts = [Draft.of(item) for item in items]
    encoded = [draft if draft.supplied else draft.with_vector(unit("text")) for draft in drafts]
    writer.submit(Upsert(key, encoded, MODEL)).result()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with a bit of everything."""
    folder = tmp_path_factory.mktemp("template") / "data"
    with Store.open(folder) as store, Writer(store) as writer:
        fill(folder, writer)
    return folder


def fill(folder: Path, writer: Writer) -> None:
    users = [UserKey.load_or_create(folder).digest(name) for name in ("ann", "bob", "eve")]
    key = writer.submit(CreateCollection("books", "", 4, MODEL, 1.0)).result().key
    values: dict[str, Attribute] = {"n": 1, "f": 0.1, "b": True, "s": "x", "l": ("a",), "e": ()}
    put(
        writer,
        key,
        Item("text", "a text", values),
        Item("given", "", {}, unit("given")),
        Item("timed", "text", {}, None, 1.0, 2e9),
        Item("gone", "text"),
    )
    put(writer, key, Item("expires", "text", expire_time=1e10))
    put(writer, key, Item("text", "another text", {"n": 2}))
    writer.submit(DeleteItems(key, ("gone",))).result()
    for number, user in enumerate(users):
        event = Event(user, "any", "view", 1.0, f"{number}", 2.0)
        writer.submit(RecordEvents(key, [event])).result()
    writer.submit(DeleteUser(users[1])).result()
    writer.submit(CreateCollection("empty", "", 4, MODEL, 1.0)).result()
    writer.submit(SetAlias("also", "empty")).result()
    writer.submit(CreateCollection("removed", "", 4, MODEL, 1.0)).result()
    writer.submit(DeleteCollection("removed")).result()


@pytest.fixture
def filled(template: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return shutil.copytree(template, tmp_path / "data")


def verify(folder: Path) -> Iterator[Check]:
    with opened(folder) as connection:
        yield check_file(connection)
        yield check_references(connection)
        yield check_sequence(connection)
        yield check_collections(connection)
        yield check_events(connection)
        yield from check_items(connection, lambda *_: None)
        yield check_users(connection, folder)


def problems(folder: Path) -> dict[str, str]:
    return {check.name: check.detail for check in verify(folder) if check.status == "problem"}


def test_what_bertine_wrote_is_well(filled: Path) -> None:
    checks = list(verify(filled))
    assert {check.status for check in checks} == {"ok"}
    details = {check.name: check.detail for check in checks}
    assert details["collections"] == ("2 with 4 items; 1 deleted, which a server that runs erases")
    assert details["events"].startswith("2 are whole")
    assert not any(check.remedy for check in checks)


def test_a_collection_between_two_models_is_well(filled: Path) -> None:
    longer = np.full(9, 1 / 3, np.float32)
    with Store.open(filled) as store, Writer(store) as writer:
        key = store.collection("books").key
        version = store.get_items(key, ["given"], with_vectors=False)["given"].version
        writer.submit(ReplaceVectors(key, [("given", version, longer)], "model-b")).result()
        assert store.collection("books").fingerprint == ""
        assert problems(filled) == {}


BROKEN = {
    "UPDATE collections SET item_count = item_count + 1 WHERE name = 'books'": "collections",
    "INSERT INTO aliases VALUES ('books', 2)": "collections",
    "UPDATE sequence SET value = 3": "sequence",
    "DELETE FROM sequence": "sequence",
    "UPDATE items SET version = version + 100 WHERE id = 'text'": "sequence",
    "UPDATE items SET version = 0 WHERE id = 'text'": "sequence",
    "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'items'": "sequence",
    "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'collections'": "sequence",
    "UPDATE events_1 SET sequence = sequence - 5 WHERE key = 3": "events",
    "UPDATE events_1 SET sequence = 1000 WHERE key = 3": "events",
    "UPDATE events_1 SET event_id = 'forged' WHERE key = 3": "events",
    "UPDATE events_1 SET item_id = NULL WHERE key = 3": "events",
    "UPDATE events_1 SET weight = 1 WHERE key = 2": "events",
    "UPDATE users SET digest = NULL WHERE key = 3": "events",
    "DROP TABLE events_2": "events",
    "CREATE TABLE events_99 (key)": "events",
    "UPDATE users SET digest = (SELECT digest FROM users WHERE key = 1) WHERE key = 3": "users",
    "UPDATE users SET digest = x'00' WHERE key = 3": "users",
    "DELETE FROM vectors WHERE item = 1": "vectors",
    "UPDATE vectors SET data = x'0000803f' WHERE item = 1": "vectors",
    "UPDATE vectors SET data = zeroblob(16) WHERE item = 1": "vectors",
    "UPDATE items SET text = 'forged' WHERE id = 'text'": "digests",
    "UPDATE items SET available_until = 5 WHERE id = 'timed'": "digests",
    "UPDATE items SET expire_time = NULL WHERE id = 'expires'": "digests",
    """UPDATE items SET attributes = '{"n": 2.0}' WHERE id = 'text'""": "digests",
    "UPDATE items SET supplied = 0 WHERE id = 'given'": "digests",
    "UPDATE items SET attributes = '{' WHERE id = 'text'": "attributes",
    "INSERT INTO models VALUES (9, 'other'); UPDATE items SET model = 9 WHERE key = 1": "models",
    "DELETE FROM models": "references",
    "DELETE FROM collections WHERE name = 'empty'": "references",
}


@pytest.mark.parametrize("statement", BROKEN)
def test_what_another_program_broke_is_found(filled: Path, statement: str) -> None:
    with closing(sqlite3.connect(filled / FILE)) as connection:
        connection.executescript(statement)
    found = problems(filled)
    assert BROKEN[statement] in found
    # What others are held against cannot be wrong alone.
    spreads = BROKEN[statement] == "references" or " sequence" in statement[:20]
    assert spreads or list(found) == [BROKEN[statement]]


def test_a_vector_of_a_client_is_part_of_its_digest(filled: Path) -> None:
    with closing(sqlite3.connect(filled / FILE)) as connection, connection:
        statement = """
            UPDATE vectors SET data = ? WHERE item = (SELECT key FROM items WHERE id = 'given')
        """
        connection.execute(statement, (vector_to_bytes(unit("other")),))
    assert list(problems(filled)) == ["digests"]


def test_the_key_of_the_hashes_must_be_there(filled: Path) -> None:
    (filled / KEY_FILE).write_bytes(b"short")
    assert problems(filled)["users"].endswith("has 5 bytes, not 32: nobody's events can be found")
    (filled / KEY_FILE).unlink()
    assert "has 0 bytes" in problems(filled)["users"]


def test_pages_that_sqlite_cannot_read_are_a_problem_and_no_crash(filled: Path) -> None:
    with opened(filled) as connection:

        def fails() -> Check:
            connection.execute("SELECT * FROM missing")
            raise AssertionError

        check = attempt("file", fails)
    assert (check.status, check.detail) == ("problem", "cannot be read: no such table: missing")


def test_what_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="holds no catalog"), opened(tmp_path):
        pass
    (tmp_path / FILE).write_bytes(b"notes" * 1000)
    with pytest.raises(StorageError, match="not a database"), opened(tmp_path):
        pass


def test_many_problems_are_counted_and_some_are_named() -> None:
    check = judged("name", [str(number) for number in range(1_500)], "", "do this")
    assert check == Check("name", "problem", "0; 1; 2 and 1,497 more", "do this")


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8),
    st.floats(0.5, 2),
)
def test_vectors_are_well_if_their_length_is_1(values: list[float], length: float) -> None:
    vector = np.array(values, np.float64)
    norm = float(np.linalg.norm(vector))
    if norm < NORM_TOLERANCE:
        return
    data = vector_to_bytes((vector / norm * length).astype(np.float32))
    well = vector_problem(data, len(values)) == ""
    # float32 may decide either way at the very edge.
    assert (
        well == (abs(length - 1) <= NORM_TOLERANCE) or abs(abs(length - 1) - NORM_TOLERANCE) < 1e-5
    )
    assert vector_problem(data, len(values) + 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_vectors_that_are_not_finite_are_not_well(value: float) -> None:
    data = vector_to_bytes(np.array([value, 0, 0, 0], np.float32))
    assert "L2 norm" in vector_problem(data, 4)
    assert vector_problem(None, 4) == "has no vector"
    assert vector_problem(b"", None)
    assert vector_problem(b"12345", None)


def test_keys_that_were_replaced(filled: Path) -> None:
    write_former(filled, [FormerKey(1.5, b"k" * KEY_SIZE), FormerKey(2.5, b"l" * KEY_SIZE)])
    assert problems(filled) == {}
    file = filled / FORMER_FILE
    whole = file.read_text()
    file.write_text(whole.replace(b"l".hex() * KEY_SIZE, "6c6c"))
    assert problems(filled) == {"users": f"line 2 of {file} has 2 bytes, not {KEY_SIZE}"}
    for damaged in (whole[:-2], "x" + whole, "1.5 secret\n"):
        file.write_text(damaged)
        [text] = problems(filled).values()
        assert text.startswith(f"{file} is damaged; restore it from a backup")
        assert "6b6b" not in text
