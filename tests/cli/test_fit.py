"""`bertine fit` and `bertine rotate-key`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from bertine.catalog.privacy import KEY_FILE, UserKey
from bertine.client import Client
from bertine.testing import ServerProcess


def fill(client: Client, name: str) -> None:
    client.create_collection(name)
    client.upsert(name, [{"id": f"i{n}", "text": f"{name} number {n}"} for n in range(30)])
    chosen = random.Random(1)  # noqa: S311 - no secret
    client.record_events(
        name,
        [
            {
                "user": f"u{user}",
                "item_id": f"i{chosen.randrange(30)}",
                "time": 1e9 + 100.0 * user + step,
            }
            for user in range(40)
            for step in range(6)
        ],
    )


def test_a_table_of_channels_and_weights(cli: Any, client: Client, collection: str) -> None:
    fill(client, collection)
    ran = cli("fit", collection)
    assert ran.code == 0, ran.err
    header, *rows = ran.out.splitlines()
    assert header.split() == ["channel", "weight", "without", "what", "was", "seen"]
    assert rows[0].split()[0] == "content"
    assert "learned from 240 events of 40 users with 30 items" in rows
    status = client.learned(collection)
    content = status.channels[0]
    assert rows[0].split()[1:] == [f"{content.weight:.4f}", f"{content.new_weight:.4f}"]
    assert status.HasField("time")
    assert {row.split()[0] for row in rows} >= {channel.name for channel in status.channels}
    kept = cli("fit", collection, "--keep-weights")
    assert kept.code == 0
    assert client.learned(collection).channels == status.channels


def test_too_few_events_are_said(cli: Any, client: Client, collection: str) -> None:
    client.create_collection(collection)
    shown = [
        {"user": "u", "item_id": "i", "event_type": "impression", "time": float(n)}
        for n in range(150)
    ]
    client.record_events(collection, shown)
    ran = cli("fit", collection)
    assert ran.code == 1
    assert "has 0 events that say what users like; learning needs 100" in ran.err
    assert "FAILED_PRECONDITION" in ran.err
    assert not client.learned(collection).HasField("time")
    assert "too few events" in client.learned(collection).message


def test_a_key_is_rotated_and_users_are_still_found(run: Any, model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        fill(client, "books")
        assert run("rotate-key", data).code == 1  # in use
    old = (data / KEY_FILE).read_bytes()
    ran = run("rotate-key", data)
    assert (ran.code, ran.out) == (0, f"{data} has a new key; 1 former kept, 0 dropped\n")
    assert (data / KEY_FILE).read_bytes() != old
    with ServerProcess(model, data, fake=True) as server, server.client() as client:
        assert client.delete_user("u1") == 6
        assert client.record_events("books", [{"user": "u2", "item_id": "i1"}]) == 1
    assert run("rotate-key", data, "--forget-older-than", "1s").code == 0
    assert run("verify", "--data", data).code == 0
    assert UserKey.load_or_create(data).digest("u2").former
