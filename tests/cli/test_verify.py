"""`bertine verify`: saved indexes beside the catalog, and how it tells."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bertine.catalog.changes import CreateCollection, DeleteItems, Draft, Upsert
from bertine.catalog.event_arrays import Mark
from bertine.catalog.store import FILE, Store
from bertine.catalog.writer import Writer
from bertine.client import Client
from bertine.index.lifecycle import Policy
from bertine.index.live import LiveIndex
from bertine.index.snapshot import Home
from bertine.recommend import learned_folder
from bertine.recommend.learn.learned import UNTRAINED
from bertine.recommend.learned_folder import Kept
from bertine.testing import ServerProcess
from bertine.types import Item, Matrix
from tests.cli.conftest import Run

MODEL = "f" * 64
DIMENSIONS = 16
COUNT = 1_100


def vectors() -> Matrix:
    rows = np.random.default_rng(0).standard_normal((COUNT, DIMENSIONS), np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def upsert(writer: Writer, items: list[Item]) -> None:
    drafts = [Draft.of(item) for item in items]
    writer.submit(Upsert(1, drafts, MODEL)).result()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a saved index, and changes since."""
    folder = tmp_path_factory.mktemp("template") / "data"
    with Store.open(folder) as store, Writer(store) as writer:
        writer.submit(CreateCollection("books", "", DIMENSIONS, MODEL, 1.0)).result()
        items = [
            Item(f"i{n}", "", {"n": n, "tags": ("a", "b")}, vector, None, 1e10 if n == 5 else None)
            for n, vector in enumerate(vectors())
        ]
        upsert(writer, items)
        [stored] = store.scan(1)
        save(folder, stored, vectors())
        writer.submit(DeleteItems(1, ("i0",))).result()
        upsert(writer, [Item("i1", "", {"n": 0}, vectors()[0]), Item("new", "", {}, vectors()[1])])
    return folder


def save(folder: Path, items: list[Item], rows: Matrix) -> None:
    home = Home(folder / "index" / "1", MODEL)
    index = LiveIndex(DIMENSIONS, Policy(ivf_min_items=1_000), home)
    index.upsert(items, rows, 99)
    index.rebuild()
    index.save()


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "data")


def stored(data: Path) -> list[Item]:
    with Store.open(data) as store:
        [items] = store.scan(1)
        return items


def test_a_well_folder(run: Run, data: Path) -> None:
    ran = run("verify", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert "1,100 rows, 1,098 of them as in the catalog, the others superseded" in lines[-1]


def lines_of(ran_out: str, mark: str) -> list[str]:
    return [line for line in ran_out.splitlines() if line.startswith(mark)]


def wrong_vector(data: Path) -> None:
    save(data, stored(data), np.roll(vectors(), 1, axis=0))


def wrong_attributes(data: Path) -> None:
    items = [Item(i.id, "", {"n": -1}, i.vector, version=i.version) for i in stored(data)]
    save(data, items, vectors())


def future_version(data: Path) -> None:
    items = [Item(i.id, "", i.attributes, i.vector, version=77) for i in stored(data)]
    save(data, items, vectors())


def flipped_byte(data: Path) -> None:
    path = next(data.glob("index/1/*/vectors.f32"))
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(raw)


def missing_file(data: Path) -> None:
    next(data.glob("index/1/*/main.faiss")).unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (wrong_vector, "is not what the catalog has as version"),
        (wrong_attributes, "is not what the catalog has as version"),
        (future_version, "is of version 77, not yet reached"),
        (flipped_byte, "vectors.f32 is damaged"),
        (missing_file, "no snapshot"),
    ],
)
def test_an_index_that_does_not_fit_is_to_be_removed(
    run: Run, data: Path, damage: Callable[[Path], None], words: str
) -> None:
    damage(data)
    ran = run("verify", "--data", data)
    assert ran.code == 1
    [line] = lines_of(ran.out, "PROBLEM")
    assert line.split()[1:3] == ["index", "books"]
    assert words in line
    remedy = line.partition("→ ")[2]
    assert remedy == f"rm -r {data}/index/1  # the next start makes it again"
    assert ran.err == "1 to mend: what to do stands behind the arrow\n"
    shutil.rmtree(data / "index" / "1")
    assert run("verify", "--data", data).code == 0


def test_what_is_left_over_is_a_note(run: Run, data: Path) -> None:
    (data / "index" / "9").mkdir()
    (data / "index" / "1" / "half.draft").mkdir()
    ran = run("verify", "--data", data)
    assert ran.code == 0
    [note] = lines_of(ran.out, "note")
    assert "left over: 1/half.draft, 9 of a collection that was deleted" in note


def test_an_index_of_another_model_is_a_note(run: Run, data: Path) -> None:
    folder = data / "index" / "1"
    shutil.rmtree(folder)
    index = LiveIndex(DIMENSIONS, Policy(ivf_min_items=1_000), Home(folder, "0" * 64))
    index.upsert(stored(data), vectors(), 99)
    index.rebuild()
    index.save()
    ran = run("verify", "--data", data)
    assert ran.code == 0
    [note] = lines_of(ran.out, "note")
    assert "it is of another model" in note


def test_an_older_schema_is_a_note(run: Run, data: Path) -> None:

    with closing(sqlite3.connect(data / FILE)) as connection:
        connection.execute("PRAGMA user_version = 1")
    ran = run("verify", "--data", data)
    assert ran.code == 0
    [note] = lines_of(ran.out, "note")
    assert note.endswith("→ start a server once, and verify again")


def test_no_catalog(run: Run, tmp_path: Path) -> None:
    ran = run("verify", "--data", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"bertine: {tmp_path} holds no catalog")


def test_while_a_server_has_the_folder(
    run: Run, server: ServerProcess, client: Client, collection: str
) -> None:
    client.create_collection(collection)
    client.upsert(collection, [{"id": "a", "text": "a text", "f": 0.1, "tags": ["x"]}])
    ran = run("verify", "--data", server.command[server.command.index("--data") + 1])
    assert (ran.code, ran.err) == (0, "")


def learned_folder_of(data: Path, fingerprint: str = MODEL) -> Path:
    folder = data / "learned" / "1"
    learned_folder.save(folder, Kept(UNTRAINED, Mark(3), 1.0, 2.0, fingerprint))
    return folder


def test_what_was_learned(run: Run, data: Path) -> None:
    folder = learned_folder_of(data)
    ran = run("verify", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    [line] = [line for line in ran.out.splitlines() if "learned books" in line]
    assert line.split() == ["ok", "learned", "books", "0", "events", "of", "0", "users"]
    [manifest] = folder.glob("*/manifest.json")
    manifest.write_text(manifest.read_text() + " ")
    (data / "learned" / "9").mkdir()
    ran = run("verify", "--data", data)
    assert (ran.code, ran.err) == (0, "")
    damaged, left = lines_of(ran.out, "note")
    assert "manifest.json is damaged  → nothing: the next start learns it again" in damaged
    assert "of no collection: 9  → nothing: the next start removes it" in left


def test_what_was_learned_of_another_models_vectors_is_a_note(run: Run, data: Path) -> None:
    learned_folder_of(data, "0" * 64)
    ran = run("verify", "--data", data)
    assert ran.code == 0
    [note] = lines_of(ran.out, "note")
    assert "made with another model's vectors" in note
