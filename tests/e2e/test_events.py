"""Events with their context through a real server, and how long they live."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bertine.client import CallError
from bertine.testing import ServerProcess

SECONDS = 60.0
CONTEXT: dict[str, Any] = {
    "place": "pt-SP",
    "device": "phone",
    "session": "one",
    "utc_offset_minutes": -180,
}


def test_old_events_are_erased_in_the_background(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        ServerProcess(model, data, "--event-ttl", "1h", fake=True) as server,
        server.client() as client,
    ):
        client.create_collection("books")
        old = {"user": "ann", "item_id": "item-of-old", "time": time.time() - 7_200.0}
        new = {"user": "ann", "item_id": "item-of-new", "context": CONTEXT}
        assert client.record_events("books", [old, new]) == 2
        deadline, pause = time.monotonic() + SECONDS, threading.Event()
        while b"item-of-old" in b"".join(p.read_bytes() for p in data.glob("catalog*")):
            assert time.monotonic() < deadline
            pause.wait(0.1)
        assert client.delete_user("ann") == 1


def test_what_is_wrong_with_a_context_is_said(model: Path, tmp_path: Path) -> None:
    with ServerProcess(model, tmp_path, fake=True) as server, server.client() as client:
        client.create_collection("books")
        for name, value in (
            ("place", "x" * 65),
            ("device", "x" * 65),
            ("session", "x" * 129),
            ("utc_offset_minutes", 841),
        ):
            event = {"user": "u", "item_id": "i", "context": {name: value}}
            with pytest.raises(CallError, match="INVALID_ARGUMENT") as caught:
                client.record_events("books", [event])
            assert caught.value.field == f"events[0].context.{name}"


def test_damaged_learned_state_is_learned_again(model: Path, tmp_path: Path) -> None:
    options = ("--learn-min-events", "20")
    with ServerProcess(model, tmp_path, *options, fake=True) as server, server.client() as client:
        client.create_collection("books")
        events = [
            {"user": f"u{n % 7}", "item_id": f"i{n % 5}", "time": float(n)} for n in range(40)
        ]
        client.record_events("books", events)
        client.fit("books")
    [file] = (tmp_path / "learned" / "1").glob("*/arrays.npz")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with ServerProcess(model, tmp_path, *options, fake=True) as server, server.client() as client:
        deadline, pause = time.monotonic() + SECONDS, threading.Event()
        while not client.learned("books").HasField("time"):
            assert time.monotonic() < deadline
            pause.wait(0.1)
        assert "is damaged; it is learned again" in "".join(server.log)
        client.delete_collection("books")
        while (tmp_path / "learned" / "1").exists():
            assert time.monotonic() < deadline
            pause.wait(0.1)


def test_what_was_shown_crowds_out_nothing_that_was_done(model: Path, tmp_path: Path) -> None:
    with ServerProcess(model, tmp_path, fake=True) as server, server.client() as client:
        client.create_collection("books")
        client.upsert("books", [{"id": f"i{n}", "text": f"text {n}"} for n in range(5)])
        done = {"user": "ann", "item_id": "i0", "time": 1.0}
        shown = [
            {"user": "ann", "item_id": "i1", "event_type": "impression", "time": 2.0 + n}
            for n in range(150)
        ]
        client.record_events("books", [done, *shown])
        found = client.recommend("books", user="ann", top_k=3)
        assert found.history_size == 1
        assert len(found) == 3
        assert "i0" not in [hit.id for hit in found]
