"""`bertine backup` and `bertine restore`, with a server before and after."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bertine.catalog.schema import MIGRATIONS
from bertine.catalog.store import FILE
from bertine.client import Client
from bertine.errors import Unavailable
from bertine.testing import ServerProcess
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def data(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with items and events, left behind by a killed server."""
    folder = tmp_path_factory.mktemp("source") / "data"
    with ServerProcess(model, folder, fake=True) as server, server.client() as client:
        fill(client)
        server.kill()
    return folder


def fill(client: Client) -> None:
    client.create_collection("books", text_template="{title}")
    rows = [{"id": f"b{n}", "title": f"title {n}", "n": n, "tags": ["a", "b"]} for n in range(40)]
    client.upsert("books", rows)
    client.delete_items("books", ["b0"])
    client.record_events("books", [{"user": "ann", "item_id": "b7", "time": 1e9}])


def test_a_restored_folder_is_served_as_the_first_one_was(
    run: Run, data: Path, model: Path, tmp_path: Path
) -> None:
    ran = run("backup", "--data", data, "--out", tmp_path / "copy")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(
        f"{tmp_path / 'copy'} holds 39 items in 1 collections, sequence 4; 0."
    )
    ran = run("restore", tmp_path / "copy", "--data", tmp_path / "new")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{tmp_path / 'new'} holds 39 items in 1 collections, sequence 4\n"
    assert run("verify", "--data", tmp_path / "new").code == 0
    answers = []
    for folder in (data, tmp_path / "new"):
        with ServerProcess(model, folder, fake=True) as server, server.client() as client:
            items = {
                item.id: (item.text, item.attributes, item.version)
                for item in client.list_items("books")
            }
            hits = [hit.id for hit in client.search("books", "title 9", top_k=5)]
            recommended = [hit.id for hit in client.recommend("books", user="ann", top_k=5)]
            answers.append((items, hits, recommended))
    assert answers[0] == answers[1]
    items, _, recommended = answers[0]
    assert len(items) == 39
    assert len(recommended) == 5  # the user's hash is found by the key that came along


def test_a_backup_while_it_is_served(
    run: Run, server: ServerProcess, client: Client, collection: str, tmp_path: Path
) -> None:
    client.create_collection(collection)
    client.upsert(collection, [{"id": "a", "text": "a text"}])
    data = server.command[server.command.index("--data") + 1]
    ran = run("backup", "--data", data, "--out", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    [place] = tmp_path.iterdir()
    assert ran.out.startswith(f"{place} holds ")
    assert run("restore", place, "--data", tmp_path / "new").code == 0
    again = run("restore", place, "--data", data)
    assert again.code == 1
    assert f"is in use by process {server.process.pid}" in again.err


def test_errors_are_one_line_and_leave_nothing(run: Run, data: Path, tmp_path: Path) -> None:
    for arguments, message in {
        ("backup", "--data", tmp_path, "--out", tmp_path / "x"): "holds no catalog",
        ("backup", "--data", data, "--out", data): "is in the data folder",
        ("backup", "--data", data, "--out", "/proc/x"): "free some space|No such file",
        ("restore", tmp_path, "--data", tmp_path / "new"): "is no backup",
    }.items():
        ran = run(*arguments)
        assert ran.code == 1
        [line] = ran.err.splitlines()
        assert line.startswith("bertine: ")
        assert any(part in line for part in message.split("|"))
    assert not list(tmp_path.iterdir())


def test_a_catalog_of_a_newer_bertine_is_refused_and_a_backup_is_the_way_back(
    run: Run, data: Path, model: Path, tmp_path: Path
) -> None:

    copy, upgraded = tmp_path / "copy", tmp_path / "upgraded"
    assert run("backup", "--data", data, "--out", copy).code == 0
    assert run("restore", copy, "--data", upgraded).code == 0
    with closing(sqlite3.connect(upgraded / FILE)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(Unavailable) as raised:
        ServerProcess(model, upgraded, fake=True).start()
    assert f"schema version {len(MIGRATIONS) + 1}" in raised.value.message
    assert "run the newer Bertine that wrote it" in raised.value.message
    for command in (["verify"], ["backup", "--out", tmp_path / "other"]):
        ran = run(*command, "--data", upgraded)
        assert ran.code == 1
        assert "run the newer Bertine that wrote it" in ran.err
