"""Named vectors beside the text's, as users meet them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bertine.client import CallError, Client, Found, Item, NamedVector
from bertine.testing import ServerProcess
from bertine.types import Vector

IMAGE = NamedVector("image", 3, 0.3)
SOUND = NamedVector("sound", 2, 0.1)
RED, BLUE = np.array([1, 0, 0], np.float32), np.array([0, 1, 0], np.float32)
LOUD = np.array([0, 1], np.float32)
TEXT_WEIGHT = 0.6
CLOSE = 2e-3


def items() -> list[Item]:
    return [
        Item("red-whale", "a whale at sea", vectors={"image": RED, "sound": LOUD}),
        Item("blue-whale", "a whale at sea", vectors={"image": BLUE}),
        Item("told-whale", "a whale at sea"),
        Item("red-tax", "income tax forms", vectors={"image": RED}),
        Item("red-picture", vectors={"image": RED}),
    ]


def fill(client: Client, name: str) -> None:
    client.create_collection(name, vectors=[IMAGE, SOUND])
    assert client.upsert(name, items()).inserted == len(items())


def scores(found: list[Found]) -> dict[str, float]:
    return {hit.id: hit.score for hit in found}


def test_parts_come_back_one_by_one(client: Client) -> None:
    fill(client, "named-parts")
    made = client.get_collection("named-parts")
    assert [(v.name, v.dimensions, round(v.weight, 6)) for v in made.vectors] == [
        ("image", 3, 0.3),
        ("sound", 2, 0.1),
    ]
    assert made.dimensions == len(client.embed(["any"])[0])
    found = client.get_items("named-parts", [item.id for item in items()], with_vectors=True)
    for item in items():
        there = found[item.id]
        assert there.vectors.keys() == item.vectors.keys()
        for name, vector in item.vectors.items():
            np.testing.assert_array_equal(there.vectors[name], vector)
        assert (there.vector is None) == (not item.text)
        if there.vector is not None:
            assert float(there.vector @ there.vector) == pytest.approx(1.0, abs=1e-5)
    assert client.upsert("named-parts", items()).unchanged == len(items())
    assert client.get_items("named-parts", ["red-tax"])["red-tax"].vectors == {}
    listed = {item.id: item for item in client.list_items("named-parts", with_vectors=True)}
    assert listed["red-picture"].vectors["image"].tolist() == RED.tolist()


def test_a_query_is_of_text_of_other_parts_or_both(client: Client) -> None:
    fill(client, "named-queries")
    [query] = client.embed(["a whale"], input_type="query")
    [whale] = client.embed(["a whale at sea"], input_type="document")
    cosine = float(query @ whale)
    text = scores(client.search("named-queries", "a whale"))
    assert text["told-whale"] == pytest.approx(TEXT_WEIGHT * cosine, abs=CLOSE)
    assert text["red-picture"] == 0.0
    image = scores(client.search("named-queries", {"image": RED}))
    assert image["red-picture"] == pytest.approx(0.3, abs=1e-6)
    assert image["blue-whale"] == image["told-whale"] == 0.0
    both = scores(client.search("named-queries", {"text": "a whale", "image": 5 * RED}))
    assert both["red-whale"] == pytest.approx(TEXT_WEIGHT * cosine + 0.3, abs=CLOSE)
    by_vector = scores(client.search("named-queries", {"text": query, "image": RED}))
    assert by_vector == pytest.approx(both, abs=CLOSE)


def test_a_weight_lowers_a_part(client: Client) -> None:
    fill(client, "named-weights")

    def similar(**weights: float) -> dict[str, float]:
        return scores(client.similar("named-weights", "red-whale", vector_weights=weights))

    whole, half, none = similar(), similar(image=0.5), similar(image=0.0)
    assert whole["blue-whale"] == pytest.approx(TEXT_WEIGHT, abs=1e-5)
    assert whole["red-picture"] == pytest.approx(0.3, abs=1e-5)
    assert half["red-picture"] == pytest.approx(0.15, abs=1e-5)
    assert none["red-picture"] == 0.0
    assert similar(text=0.0)["blue-whale"] == 0.0
    found = scores(client.search("named-weights", {"text": "a whale", "image": RED}))
    lowered = scores(
        client.search(
            "named-weights", {"text": "a whale", "image": RED}, vector_weights={"image": 0.5}
        )
    )
    assert found["red-whale"] - lowered["red-whale"] == pytest.approx(0.15, abs=1e-5)


def test_recommendations_use_whole_vectors_and_are_explained_exactly(client: Client) -> None:
    fill(client, "named-history")
    history = ["blue-whale", "red-tax"]
    hits = client.recommend("named-history", history=history, explain=True)
    assert {hit.id for hit in hits} == {"red-whale", "told-whale", "red-picture"}
    for hit in hits:
        assert sum(reason.score for reason in hit.reasons) == pytest.approx(hit.score, abs=1e-5)
    by_text = client.recommend(
        "named-history", history=history, explain=True, vector_weights={"image": 0.0, "sound": 0.0}
    )
    assert scores(by_text)["red-picture"] == pytest.approx(0.0, abs=1e-6)
    assert scores(by_text)["red-whale"] == pytest.approx(scores(by_text)["told-whale"], abs=1e-5)
    for hit in by_text:
        assert sum(reason.score for reason in hit.reasons) == pytest.approx(hit.score, abs=1e-5)


def test_a_changed_part_keeps_the_text_and_a_dropped_one_is_gone(client: Client) -> None:
    fill(client, "named-changes")
    before = client.get_items("named-changes", ["red-whale"], with_vectors=True)["red-whale"]
    changed = Item("red-whale", "a whale at sea", vectors={"image": BLUE})
    assert client.upsert("named-changes", [changed]).updated == 1
    after = client.get_items("named-changes", ["red-whale"], with_vectors=True)["red-whale"]
    assert after.vectors.keys() == {"image"}
    assert after.vectors["image"].tolist() == BLUE.tolist()
    assert before.vector is not None
    assert after.vector is not None
    np.testing.assert_array_equal(after.vector, before.vector)
    assert scores(client.search("named-changes", {"sound": LOUD}))["red-whale"] == 0.0


@pytest.mark.parametrize(
    ("vectors", "field"),
    [
        ({"smell": RED}, "items[0].vectors[smell]"),
        ({"image": np.ones(4, np.float32)}, "items[0].vectors[image].dimensions"),
        ({"image": np.zeros(3, np.float32)}, "items[0].vectors[image][0]"),
        ({"image": np.full(3, np.nan, np.float32)}, "items[0].vectors[image][0]"),
    ],
)
def test_bad_parts_are_refused(client: Client, vectors: dict[str, Vector], field: str) -> None:
    client.create_collection("named-refused", vectors=[IMAGE], exist_ok=True)
    with pytest.raises(CallError) as refused:
        client.upsert("named-refused", [Item("a", "one", vectors=vectors)])
    assert (refused.value.code, refused.value.field) == ("INVALID_ARGUMENT", field)
    with pytest.raises(CallError) as refused:
        client.search("named-refused", vectors)
    assert refused.value.field == field.replace("items", "queries")


@pytest.mark.parametrize("weights", [{"smell": 0.5}, {"image": 1.5}, {"text": float("nan")}])
def test_bad_weights_are_refused(client: Client, weights: dict[str, float]) -> None:
    client.create_collection("named-refused", vectors=[IMAGE], exist_ok=True)
    client.upsert("named-refused", [Item("there", "one")])
    [name] = weights
    calls: list[Callable[[], list[Found]]] = [
        lambda: client.search("named-refused", "one", vector_weights=weights),
        lambda: client.similar("named-refused", "there", vector_weights=weights),
        lambda: client.recommend("named-refused", history=["there"], vector_weights=weights),
    ]
    for call in calls:
        with pytest.raises(CallError) as refused:
            call()
        assert refused.value.field == f"vector_weights[{name}]"


def test_a_collection_is_made_once_with_its_parts(client: Client) -> None:
    client.create_collection("named-twice", vectors=[IMAGE])
    client.create_collection("named-twice", vectors=[IMAGE], exist_ok=True)
    with pytest.raises(CallError, match=r"ALREADY_EXISTS: .* its vectors is "):
        client.create_collection("named-twice", vectors=[SOUND], exist_ok=True)
    with pytest.raises(CallError) as refused:
        client.create_collection("named-heavy", vectors=[IMAGE, NamedVector("sound", 2, 0.7)])
    assert refused.value.field == "vectors"


def test_an_item_of_nothing_is_refused(client: Client) -> None:
    client.create_collection("named-nothing", vectors=[IMAGE])
    with pytest.raises(CallError) as refused:
        client.upsert("named-nothing", [{"id": "a"}])
    assert refused.value.field == "items[0].text"


def test_another_model_replaces_the_text_alone(model: Path, tmp_path: Path) -> None:
    with ServerProcess(model, tmp_path, fake=True) as server, server.client() as client:
        fill(client, "named")
        fake = client.get_items("named", ["red-whale"], with_vectors=True)["red-whale"].vector
    with ServerProcess(model, tmp_path, "--reembed") as server, server.client() as client:
        stored = client.get_items("named", [item.id for item in items()], with_vectors=True)
        [expected] = client.embed(["a whale at sea"], input_type="document")
        text = stored["red-whale"].vector
        assert text is not None
        assert fake is not None
        assert not np.allclose(text, fake[: len(text)], atol=0.1)
        np.testing.assert_allclose(text, expected, atol=CLOSE)
        assert stored["red-picture"].vector is None
        for item in items():
            for name, vector in item.vectors.items():
                np.testing.assert_array_equal(stored[item.id].vectors[name], vector)
        assert client.upsert("named", items()).unchanged == len(items())
        assert scores(client.search("named", {"image": RED}))["red-picture"] == pytest.approx(0.3)


def test_a_trained_index_survives_a_restart(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    options = ("--ivf-min-items", "1000")
    rows = [
        Item(
            f"item-{n:04}",
            f"text number {n % 50}",
            vectors={"image": rng.standard_normal(3).astype(np.float32)} if n % 2 else {},
        )
        for n in range(1_500)
    ]
    query: dict[str, str | Vector] = {"text": "text number 7", "image": RED}
    with ServerProcess(model, tmp_path, *options, fake=True) as server, server.client() as client:
        client.create_collection("many", vectors=[IMAGE])
        client.upsert("many", rows)
        exact = scores(client.search("many", query, exact=True))
    with ServerProcess(model, tmp_path, *options, fake=True) as server, server.client() as client:
        assert client.get_collection("many").index.main_count == len(rows)
        found = scores(client.search("many", query))
        assert len(found.keys() & exact.keys()) >= 8
        for item_id in found.keys() & exact.keys():
            assert found[item_id] == pytest.approx(exact[item_id], abs=1e-6)
    with ServerProcess(model, tmp_path, *options, fake=True) as server, server.client() as client:
        again = scores(client.search("many", query))
        assert again == found
