"""What a real server keeps of users: in its files, its log, its metrics and what it has learned."""

from __future__ import annotations

import random
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertine.client import CallError, Client
from bertine.testing import ServerProcess

NAME, ITEMS, SECONDS = "books", 40, 60.0
Event = dict[str, Any]


def events_of(user: str, count: int, seed: int) -> list[Event]:
    chosen = random.Random(seed)  # noqa: S311 - no secret
    return [
        {
            "user": user,
            "item_id": f"i{chosen.randrange(ITEMS)}",
            "time": 1e9 + 1e4 * seed + 60.0 * number,
            "context": {"place": f"place{seed % 2}", "device": "phone", "session": f"s-{user}"},
        }
        for number in range(count)
    ]


def others() -> list[Event]:
    return [event for n in range(30) for event in events_of(f"user{n}", 8, n)]


@pytest.fixture
def port() -> int:
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def serve(model: Path, port: int) -> Callable[..., ServerProcess]:
    metrics = ("--metrics-listen", f"127.0.0.1:{port}", "--log-level", "debug")
    return lambda data, *options: ServerProcess(model, data, *metrics, *options, fake=True)


def fill(client: Client) -> None:
    client.create_collection(NAME)
    client.upsert(NAME, [{"id": f"i{n}", "text": f"secret text {n}"} for n in range(ITEMS)])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.05)


def learned_bytes(data: Path) -> dict[str, bytes]:
    """What was learned, by file; the manifest tells when, so it is left out."""
    [current] = [one for one in (data / "learned" / "1").iterdir() if one.is_dir()]
    return {
        file.name: file.read_bytes() for file in current.iterdir() if file.name != "manifest.json"
    }


def test_learning_after_a_deletion_is_learning_without_the_user(
    serve: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    for name, users in (("with", ["ann"]), ("without", [])):
        with serve(tmp_path / name) as server, server.client() as client:
            fill(client)
            events = others()
            secret = [event for user in users for event in events_of(user, 90, 77)]
            secret += [{"user": user, "item_id": "only-of-ann"} for user in users]
            # In the midst of the others, who are numbered after it.
            client.record_events(NAME, [*events[:100], *secret, *events[100:]])
            before = client.fit(NAME)
            assert before.events == len(events) + len(secret)
            if users:
                old = set((tmp_path / name / "learned" / "1").iterdir())
                assert b"only-of-ann" in b"".join(learned_bytes(tmp_path / name).values())
                assert client.delete_user("ann") == len(secret)
                wait_for(lambda: client.learned(NAME).events == len(events))  # noqa: B023
                folder = tmp_path / name / "learned" / "1"
                wait_for(lambda: len(set(folder.iterdir()) - old) == 1)  # noqa: B023
    assert learned_bytes(tmp_path / "with") == learned_bytes(tmp_path / "without")
    files = b"".join(path.read_bytes() for path in (tmp_path / "with").rglob("*") if path.is_file())
    assert b"only-of-ann" not in files


def test_a_deletion_that_a_kill_came_after_is_still_learned(
    serve: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = serve(tmp_path / "data", "--learn-pause-seconds", "100000").start()
    with server.client() as client:
        fill(client)
        client.record_events(NAME, [*others(), *events_of("ann", 9, 77)])
        client.fit(NAME)
        client.delete_user("ann")
    server.kill()
    with serve(tmp_path / "data") as again, again.client() as client:
        wait_for(lambda: client.learned(NAME).events == len(others()))


def test_logs_and_metrics_know_no_ids_and_no_texts(
    serve: Callable[..., ServerProcess], tmp_path: Path, port: int
) -> None:
    with serve(tmp_path / "data") as server, server.client() as client:
        fill(client)
        client.record_events(NAME, [*others(), *events_of("planted-user", 9, 77)])
        client.fit(NAME)
        client.recommend(NAME, user="planted-user", explain=True)
        client.recommend(NAME, history=["planted-item", "i1"])
        client.search(NAME, "planted text of a query")
        for wrong in ({"user": "planted-user", "item_id": "x" * 2_000}, {"user": ""}):
            with pytest.raises(CallError):
                client.record_events(NAME, [wrong])
        client.delete_user("planted-user")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            metrics = answer.read().decode()
    said = metrics + "".join(server.log)
    assert 'bertine_learned_events{collection="books"}' in metrics
    assert "bertine_learned_age_seconds" in metrics
    assert "bertine_learning_failures_total 0.0" in metrics
    for secret in ("planted", "secret text", "s-planted", "user1", "place1", "xxxx"):
        assert secret not in said


def test_files_know_no_ids(serve: Callable[..., ServerProcess], tmp_path: Path) -> None:
    with serve(tmp_path / "data") as server, server.client() as client:
        fill(client)
        client.record_events(NAME, [*others(), *events_of("planted-user", 9, 77)])
        client.fit(NAME)
    files = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"planted-user" not in files
    assert b"i1" in files
