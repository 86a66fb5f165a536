"""Events recorded, channels learned, and lists that follow them: through a real server."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bertine.client import CallError, Client
from bertine.testing import ServerProcess

NAME = "shop"
PAIRS = 20
OPTIONS = ("--learn-min-events", "100")


def events() -> list[dict[str, Any]]:
    """Of 80 users, each of whom takes three times an item and then the one that goes with it."""
    chance = random.Random(5)  # noqa: S311 - not a secret
    found = []
    for user in range(80):
        at = 1_000_000.0 + 5_000.0 * user
        for pair in chance.sample(range(PAIRS), 3):
            for item in (f"first-{pair:02}", f"second-{pair:02}"):
                found.append({"user": f"user-{user}", "item_id": item, "time": at})
                at += 60.0
    return found


def fill(client: Client) -> None:
    client.create_collection(NAME)
    ids = [f"{part}-{pair:02}" for part in ("first", "second") for pair in range(PAIRS)]
    client.upsert(NAME, [{"id": item, "text": f"goods named {item}"} for item in ids])
    client.record_events(NAME, events())


@pytest.fixture(scope="module")
def data(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hybrid")
    with ServerProcess(model, folder, *OPTIONS, fake=True) as server, server.client() as client:
        fill(client)
        before = client.recommend(NAME, history=["first-03"], top_k=40)
        assert before.channels == ("content",)
        status = client.fit(NAME)
        assert status.events == len(events())
        assert status.validation_ndcg > status.content_ndcg
    return folder


def test_what_follows_is_listed_and_explained(model: Path, data: Path) -> None:
    # Another process than the one that learned: it was kept.
    with ServerProcess(model, data, *OPTIONS, fake=True) as server, server.client() as client:
        for pair in range(0, PAIRS, 4):
            found = client.recommend(NAME, history=[f"first-{pair:02}"], top_k=3, explain=True)
            assert found.channels != ("content",)
            assert f"second-{pair:02}" in [hit.id for hit in found]
            assert f"first-{pair:02}" not in [hit.id for hit in found]
            for hit in found:
                parts = [reason.score for reason in hit.reasons]
                assert sum(parts) == pytest.approx(hit.score, rel=1e-3, abs=1e-4)
                shares = [channel.score for channel in hit.channels]
                assert sum(shares) == pytest.approx(hit.score, rel=1e-3, abs=1e-4)


def test_a_fit_that_is_not_waited_for_leaves_the_server_to_the_next(
    model: Path, tmp_path: Path
) -> None:
    with (
        ServerProcess(model, tmp_path, *OPTIONS, fake=True) as server,
        server.client() as client,
        server.client(timeout=0.05) as hurried,
        ThreadPoolExecutor(1) as others,
    ):
        fill(client)
        first = others.submit(client.fit, NAME)
        # Learning takes longer than that, and this one may have to wait for the first besides.
        for _ in range(3):
            with pytest.raises(CallError) as raised:
                hurried.fit(NAME)
            assert raised.value.code == "DEADLINE_EXCEEDED"
        assert len(client.recommend(NAME, history=["first-03"], top_k=10)) == 10
        assert first.result().events == len(events())
        assert client.fit(NAME).events == len(events())


def test_the_content_alone_may_be_asked_for(model: Path, data: Path, tmp_path: Path) -> None:
    with ServerProcess(model, data, *OPTIONS, fake=True) as server, server.client() as client:
        alone = client.recommend(
            NAME, history=["first-03"], top_k=10, channel_weights={"content": 1.0}
        )
        assert alone.channels == ("content",)
    with ServerProcess(model, tmp_path, *OPTIONS, fake=True) as server, server.client() as client:
        fill(client)
        nothing_learned = client.recommend(NAME, history=["first-03"], top_k=10)
    assert [hit.id for hit in alone] == [hit.id for hit in nothing_learned]


def test_somebody_unknown_gets_what_is_popular(model: Path, data: Path) -> None:
    counts: dict[str, int] = {}
    for event in events():
        counts[event["item_id"]] = counts.get(event["item_id"], 0) + 1
    with ServerProcess(model, data, *OPTIONS, fake=True) as server, server.client() as client:
        found = client.recommend(NAME, user="nobody-knows", top_k=10)
        assert len(found) == 10
        listed = sum(counts[hit.id] for hit in found) / 10
        assert listed > sum(counts.values()) / (2 * PAIRS)


def test_a_blurred_profile_is_all_that_is_read(model: Path, data: Path) -> None:
    with ServerProcess(model, data, *OPTIONS, fake=True) as server, server.client() as client:
        faint = client.recommend(NAME, history=["first-03"], top_k=40, noise=1e6, explain=True)
        assert faint.history_size == 1
        assert len(faint) == 40  # what was seen is among them
        for hit in faint:
            assert not any(reason.item_id or reason.text for reason in hit.reasons)
            assert "blurred profile" in [reason.other for reason in hit.reasons]
            assert sum(reason.score for reason in hit.reasons) == pytest.approx(hit.score, abs=1e-4)
        nearest = client.recommend(
            NAME, history=["first-03"], noise=(1e6, 0.1), channel_weights={"content": 1.0}
        )
        assert nearest[0].id == "first-03"
        lists = [
            [hit.id for hit in client.recommend(NAME, history=["first-03"], top_k=40, noise=0.1)]
            for _ in range(3)
        ]
        assert lists[0] != lists[1] or lists[1] != lists[2]
        recorded = client.recommend(NAME, user="user-3", top_k=5, noise=1.0, explain=True)
        assert recorded.history_size == 1
        nobody = client.recommend(NAME, user="nobody-knows", top_k=5, noise=1.0, explain=True)
        assert nobody.history_size == 1
        assert not any(reason.item_id for hit in [*recorded, *nobody] for reason in hit.reasons)
        with pytest.raises(CallError, match=r"exclude_seen: would show"):
            client.recommend(NAME, history=["first-03"], noise=1.0, exclude_seen=True)
