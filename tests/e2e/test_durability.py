"""Nothing that was acknowledged is lost, whenever the server is killed."""

import threading
from pathlib import Path

import numpy as np
import pytest

from bertine.client import CallError
from bertine.testing import ServerProcess

KILLS = 20


@pytest.mark.timeout(600)
def test_kill_nine_during_a_stream_of_upserts_twenty_times(model: Path, tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    random = np.random.default_rng(0)
    for round_ in range(KILLS):
        server = ServerProcess(model, tmp_path / "data").start()
        with server.client() as client:
            client.create_collection("stream", exist_ok=True)
            check(client.get_items, acknowledged)
            # Killed after so many acknowledgements, each writer being anywhere in its next call.
            enough = threading.Semaphore(0)
            writers = [
                threading.Thread(target=write, args=(server, round_, lane, acknowledged, enough))
                for lane in range(2)
            ]
            for writer in writers:
                writer.start()
            for _ in range(int(random.integers(1, 12))):
                assert enough.acquire(timeout=60)
            server.kill()
            for writer in writers:
                writer.join()
    with ServerProcess(model, tmp_path / "data") as server, server.client() as client:
        check(client.get_items, acknowledged)
        listed = {item.id: item for item in client.list_items("stream")}
        assert acknowledged.keys() <= listed.keys()
        # Every stored item can be searched: the index is the catalog's.
        hits = client.search("stream", "item", top_k=1000)
        assert {hit.id for hit in hits} == listed.keys()


def write(
    server: ServerProcess,
    round_: int,
    lane: int,
    acknowledged: dict[str, int],
    enough: threading.Semaphore,
) -> None:
    """Upsert until the server dies; note what it acknowledged."""
    with server.client(timeout=20) as client:
        for number in range(10_000):
            # Half of the ids are written again in every round.
            names = [f"{lane}-{number}-{part}" for part in range(2)] + [
                f"{lane}-new-{round_}-{number}"
            ]
            rows = [{"id": name, "text": f"item {name}", "round": round_} for name in names]
            try:
                client.upsert("stream", rows)
            except CallError as error:
                assert error.code == "UNAVAILABLE"  # noqa: PT017 - any other error is a failure
                return
            acknowledged.update(dict.fromkeys(names, round_))
            enough.release()


def check(get_items: object, acknowledged: dict[str, int]) -> None:
    """Every acknowledged item is there, as it was acknowledged or newer."""
    names = list(acknowledged)
    for start in range(0, len(names), 1000):
        part = names[start : start + 1000]
        found = get_items("stream", part)  # type: ignore[operator]
        for name in part:
            assert found[name].attributes["round"] >= acknowledged[name]
