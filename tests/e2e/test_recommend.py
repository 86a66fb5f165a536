"""`Recommend` through the server: what a list is made of, and what it never holds."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertine.client import CallError, Client, HistoryEntry, Recency
from bertine.testing import ServerProcess
from bertine.v1 import common_pb2, recommendation_pb2, recommendation_pb2_grpc

NAME = "recommended"
THEMES = {
    "sea": ("a ship in a storm", "sailors and whales", "the captain of a boat", "pirates at sea"),
    "space": ("a rocket to the moon", "life on Mars", "astronauts in orbit", "a telescope"),
    "food": ("how to bake bread", "Italian pasta", "soup for cold days", "cakes and pies"),
}
ITEMS: list[dict[str, Any]] = [
    {
        "id": f"{theme}-{number}",
        "text": f"{text}, volume {volume}",
        "theme": theme,
        "volume": volume,
        "released": 1_000_000 * volume,
    }
    for theme, texts in THEMES.items()
    for number, text in enumerate(texts * 3)
    for volume in [number // len(texts) + 1]
]
THEME_OF: dict[str, str] = {item["id"]: item["theme"] for item in ITEMS}
IDS = sorted(THEME_OF)


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    with server.client() as connection:
        connection.create_collection(NAME)
        connection.upsert(NAME, ITEMS)
        yield connection


def test_a_list_says_what_it_is_made_of(client: Client) -> None:
    hits = client.recommend(NAME, history=["sea-0", "sea-1"], top_k=3, explain=True)
    assert [THEME_OF[hit.id] for hit in hits] == ["sea"] * 3
    assert hits.channels == ("content",)
    assert len(hits.recommendation_id) == 32
    again = client.recommend(NAME, history=["sea-0", "sea-1"], top_k=3)
    assert again.recommendation_id != hits.recommendation_id
    assert [hit.id for hit in again] == [hit.id for hit in hits]
    for hit in hits:
        assert hit.source == "personal"
        assert [part.channel for part in hit.channels] == ["content"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    history=st.lists(st.sampled_from(IDS), min_size=1, max_size=14),
    weights=st.lists(st.sampled_from([1.0, 0.5, -0.5, 2.0]), min_size=14, max_size=14),
    options=st.fixed_dictionaries(
        {},
        optional={
            "negatives": st.sampled_from(["subtract", "mirror", "best_score"]),
            "interests": st.integers(1, 8),
            "position_half_life": st.sampled_from([1.0, 1e9]),
            "diversity": st.sampled_from([0.0, 0.4]),
            "caps": st.just({"theme": 2}),
            "recency": st.just(Recency(1e9, 0.2, "released")),
            "promote": st.just(({"theme": "food"}, 2)),
            "exploration": st.just(0.3),
            "channel_weights": st.just({"content": 2.0}),
            "exclude_seen": st.booleans(),
        },
    ),
)
def test_explanations_sum_to_the_score(
    client: Client, history: list[str], weights: list[float], options: dict[str, Any]
) -> None:
    entries = [
        HistoryEntry(item_id, weight=weight)
        for item_id, weight in zip(history, weights, strict=False)
    ]
    hits = client.recommend(NAME, history=entries, explain=True, **options)
    for hit in hits:
        assert sum(part.score for part in hit.reasons) == pytest.approx(hit.score, abs=1e-5)
        assert sum(part.score for part in hit.channels) == pytest.approx(hit.score, abs=1e-5)
        if abs(hit.score) > 1e-2:
            assert sum(part.share for part in hit.reasons) == pytest.approx(1.0, abs=1e-3)
            assert sum(part.share for part in hit.channels) == pytest.approx(1.0, abs=1e-3)
    if "caps" in options:
        assert max(Counter(THEME_OF[hit.id] for hit in hits).values(), default=0) <= 2


def test_known_items_run_no_encoder(client: Client) -> None:
    stub = recommendation_pb2_grpc.RecommendationServiceStub(client._channel)
    request = recommendation_pb2.RecommendRequest(
        collection=NAME,
        history=[recommendation_pb2.HistoryEntry(item_id=item_id) for item_id in IDS[:20]],
    )
    answer = stub.Recommend(request)
    assert len(answer.result.hits) == 10
    times = answer.timings
    assert (times.tokenize_us, times.queue_us, times.encode_us) == (0, 0, 0)


def test_several_interests_are_all_heard(client: Client) -> None:
    # Of each theme the same text in two volumes, twice: two interests that nobody could overlook.
    history = [f"{theme}-{number}" for number in (0, 4, 1, 5) for theme in ("sea", "food")]
    hits = client.recommend(NAME, history=history, position_half_life=1e9, top_k=8)
    themes = Counter(THEME_OF[hit.id] for hit in hits)
    assert min(themes["sea"], themes["food"]) >= 2
    one = client.recommend(NAME, history=history, position_half_life=1e9, interests=1, top_k=8)
    assert [hit.id for hit in one] != [hit.id for hit in hits]


def test_dislikes_in_their_three_ways(client: Client) -> None:
    history = [HistoryEntry("sea-0"), HistoryEntry("food-0", event_type="dislike")]
    foods = []
    for negatives in ("subtract", "mirror", "best_score"):
        hits = client.recommend(NAME, history=history, negatives=negatives, top_k=30)
        assert THEME_OF[hits[0].id] == "sea"
        foods.append(sum(THEME_OF[hit.id] == "food" for hit in hits))
    assert foods[2] < foods[0]


def test_joined_texts_are_one_text(client: Client) -> None:
    texts = [HistoryEntry(text=text) for text in ("bread", "a ship", "whales")]
    hits = client.recommend(NAME, history=texts, joined_texts=2, explain=True, top_k=1)
    assert hits.history_size == 1
    [reason] = hits[0].reasons
    assert reason.text == "whales"
    assert THEME_OF[hits[0].id] == "sea"
    [direct] = client.recommend(NAME, history=[HistoryEntry(text="whales\na ship")], top_k=1)
    assert hits[0].score == pytest.approx(direct.score, abs=1e-6)


def test_caps_diversity_promotion(client: Client) -> None:
    history = ["sea-0"]
    plain = client.recommend(NAME, history=history, top_k=6)
    capped = client.recommend(NAME, history=history, top_k=6, caps={"theme": 2})
    assert Counter(THEME_OF[hit.id] for hit in capped) == dict.fromkeys(THEMES, 2)
    assert [hit.id for hit in capped[:2]] == [hit.id for hit in plain[:2]]
    diverse = client.recommend(NAME, history=history, top_k=6, diversity=0.6)
    assert diverse[0].id == plain[0].id
    assert len({THEME_OF[hit.id] for hit in diverse}) > len({THEME_OF[hit.id] for hit in plain})
    promoted = client.recommend(NAME, history=history, top_k=4, promote=({"theme": "food"}, 2))
    assert [hit.source for hit in promoted] == ["personal", "personal", "promoted", "promoted"]
    assert [THEME_OF[hit.id] for hit in promoted[2:]] == ["food", "food"]
    filtered = client.recommend(
        NAME, history=history, top_k=4, promote=({"theme": "food"}, 2), filter={"theme": "sea"}
    )
    assert {THEME_OF[hit.id] for hit in filtered} == {"sea"}


def test_caps_reach_beyond_the_first_candidates(client: Client) -> None:
    """Hundreds of near items share a value: the others are found all the same."""
    client.create_collection("narrow")
    vectors = np.zeros((400, 384), np.float32)
    vectors[:, 0], vectors[:, 1] = 1.0, 0.001 * np.arange(400)
    items = [
        {"id": f"n{number:03}", "vector": vector, "brand": "same" if number < 395 else "other"}
        for number, vector in enumerate(vectors)
    ]
    client.upsert("narrow", items)
    hits = client.recommend("narrow", history=["n000"], caps={"brand": 3}, top_k=6)
    assert Counter(hit.id < "n395" for hit in hits) == {True: 3, False: 3}


def test_newer_items_score_higher(client: Client) -> None:
    now = time.time()
    recent = Recency(half_life=now, weight=1.0, attribute="volume")
    plain = client.recommend(NAME, history=["sea-0"], top_k=1)
    boosted = client.recommend(NAME, history=["sea-0"], top_k=1, recency=recent, explain=True)
    assert boosted[0].score > plain[0].score
    assert any(reason.other == "recency" for reason in boosted[0].reasons)


def test_exploration_is_seeded_and_tells_its_propensity(client: Client) -> None:
    def explored(seed: int) -> list[tuple[str, float]]:
        hits = client.recommend(NAME, history=["sea-0"], top_k=10, exploration=0.2, seed=seed)
        assert len(hits) == 10
        return [(hit.id, hit.propensity) for hit in hits if hit.source == "exploration"]

    assert explored(1) == explored(1)
    assert len(explored(1)) == 2
    assert len({tuple(explored(seed)) for seed in range(8)}) > 1
    assert all(0.0 < propensity < 1.0 for _, propensity in explored(1))


def test_what_is_forbidden_is_in_no_list(client: Client) -> None:
    client.create_collection("forbidden")
    client.upsert("forbidden", [{**item, "available_until": None} for item in ITEMS])
    client.upsert("forbidden", [{**ITEMS[5], "available_from": time.time() + 3_600}])
    client.delete_items("forbidden", ["sea-1"])
    everything = {
        "top_k": 1_000,
        "diversity": 0.3,
        "exploration": 0.5,
        "promote": ({"volume": {"gte": 1}}, 50),
        "exclude_ids": ["food-0"],
    }
    hits = client.recommend("forbidden", history=["sea-0", "sea-1"], **everything)  # type: ignore[arg-type]
    found = {hit.id for hit in hits}
    assert found == set(IDS) - {"sea-0", "sea-1", "food-0", ITEMS[5]["id"]}
    assert hits.skipped == (1,)
    few = client.recommend("forbidden", history=["sea-0"], only_ids=["sea-3", "gone"], top_k=1_000)
    assert [hit.id for hit in few] == ["sea-3"]


@pytest.mark.parametrize(
    "options",
    [
        {"history": ["none", "neither"]},
        {"user": "never seen"},
        {"history": ["sea-0"], "filter": {"theme": "nothing"}},
        {"history": ["sea-0"], "only_ids": ["sea-0"]},
        {"history": ["sea-0"], "min_score": 1.0},
    ],
    ids=["unknown history", "unknown user", "all filtered", "all seen", "threshold"],
)
@pytest.mark.parametrize(
    "rules", [{}, {"diversity": 0.5, "caps": {"theme": 1}, "exploration": 0.5, "top_k": 1_000}]
)
def test_nothing_to_recommend(
    client: Client, options: dict[str, Any], rules: dict[str, Any]
) -> None:
    assert client.recommend(NAME, **options, **rules) == []


def test_more_than_there_are(client: Client) -> None:
    hits = client.recommend(NAME, history=["sea-0"], top_k=1_000, min_score=-1.0)
    assert len(hits) == len(ITEMS) - 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_content_alone_may_be_asked_for(client: Client) -> None:
    plain = client.recommend(NAME, history=["sea-0"])
    alone = client.recommend(NAME, history=["sea-0"], channel_weights={"content": 1.0})
    assert [(hit.id, hit.score) for hit in alone] == [(hit.id, hit.score) for hit in plain]


pb = recommendation_pb2
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "caps too many": ({"rules": pb.Rules(caps=[pb.AttributeCap()] * 9)}, "rules.caps"),
    "cap without name": (
        {"rules": pb.Rules(caps=[pb.AttributeCap(at_most=1)])},
        "rules.caps[0].attribute",
    ),
    "cap of 0": (
        {"rules": pb.Rules(caps=[pb.AttributeCap(attribute="a")])},
        "rules.caps[0].at_most",
    ),
    "diversity": ({"rules": pb.Rules(diversity=1.5)}, "rules.diversity"),
    "diversity nan": ({"rules": pb.Rules(diversity=float("nan"))}, "rules.diversity"),
    "exploration": ({"rules": pb.Rules(exploration=0.6)}, "rules.exploration"),
    "exploration age": ({"rules": pb.Rules(exploration_age={})}, "rules.exploration_age"),
    "promotion of all": (
        {"rules": pb.Rules(promotion=pb.Promotion(at_least=1))},
        "rules.promotion.filter",
    ),
    "promotion of 0": (
        {
            "rules": pb.Rules(
                promotion=pb.Promotion(filter=common_pb2.Filter(exists={"attribute": "a"}))
            )
        },
        "rules.promotion.at_least",
    ),
    "recency without half-life": (
        {"rules": pb.Rules(recency=pb.RecencyBoost(weight=0.1))},
        "rules.recency.half_life",
    ),
    "recency weight": (
        {"rules": pb.Rules(recency=pb.RecencyBoost(weight=2, half_life={"seconds": 1}))},
        "rules.recency.weight",
    ),
    "interests": ({"profile": pb.Profile(interests=9)}, "profile.interests"),
    "no interests": ({"profile": pb.Profile(interests=0)}, "profile.interests"),
    "negatives": ({"profile": pb.Profile(negatives=9)}, "profile.negatives"),  # type: ignore[arg-type]
    "epsilon": ({"profile": pb.Profile(noise=pb.Noise(epsilon=0))}, "profile.noise.epsilon"),
    "no epsilon": (
        {"profile": pb.Profile(noise=pb.Noise(epsilon=float("nan")))},
        "profile.noise.epsilon",
    ),
    "delta": ({"profile": pb.Profile(noise=pb.Noise(epsilon=1, delta=1))}, "profile.noise.delta"),
    "offset": ({"context": pb.Context(utc_offset_minutes=841)}, "context.utc_offset_minutes"),
    "place": ({"context": pb.Context(place="x" * 65)}, "context.place"),
    "device": ({"context": pb.Context(device="x" * 65)}, "context.device"),
    "session": ({"context": pb.Context(session="x" * 129)}, "context.session"),
    "time": ({"context": pb.Context(time={"nanos": -1})}, "context.time"),
    "channel": ({"channel_weights": {"nonsense": 1.0}}, "channel_weights[nonsense]"),
    "channel weight": ({"channel_weights": {"content": -1.0}}, "channel_weights[content]"),
    "no channel": ({"channel_weights": {"content": 0.0}}, "channel_weights"),
}


@pytest.mark.parametrize(("fields", "field"), BAD.values(), ids=BAD)
def test_bad_fields_are_named(client: Client, fields: dict[str, Any], field: str) -> None:
    stub = recommendation_pb2_grpc.RecommendationServiceStub(client._channel)
    history = [recommendation_pb2.HistoryEntry(item_id="sea-0")]
    with pytest.raises(grpc.RpcError) as caught:
        stub.Recommend(
            recommendation_pb2.RecommendRequest(collection=NAME, history=history, **fields)
        )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith(f"{field}: ")


def test_the_client_names_them_too(client: Client) -> None:
    with pytest.raises(CallError, match="diversity"):
        client.recommend(NAME, history=["sea-0"], diversity=2.0)
