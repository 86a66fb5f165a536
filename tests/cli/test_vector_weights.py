import json
from typing import Any

import numpy as np
import pytest

from bertine.client import Client, Item, NamedVector


def score(out: str, item_id: str) -> float:
    hits = [json.loads(line) for line in out.splitlines()]
    return float(next(hit["score"] for hit in hits if hit["id"] == item_id))


def test_a_part_counts_less(cli: Any, client: Client, collection: str) -> None:
    client.create_collection(collection, vectors=[NamedVector("image", 2, 0.4)])
    red = np.array([1, 0], np.float32)
    items = [Item(name, f"text {name}", vectors={"image": red}) for name in "abc"]
    client.upsert(collection, items)
    whole = cli("similar", collection, "a", "--json")
    lowered = cli("similar", collection, "a", "--vector-weight", "image=0.5", "--json")
    assert score(whole.out, "b") - score(lowered.out, "b") == pytest.approx(0.2, abs=1e-5)
    for command in (("search", collection, "text"), ("recommend", collection, "a")):
        ran = cli(*command, "--vector-weight", "image=0", "--json")
        assert (ran.code, ran.err) == (0, "")
    refused = cli("search", collection, "text", "--vector-weight", "smell=0.5")
    assert "vector_weights[smell]" in refused.err
    assert "is not NAME=NUMBER" in cli("search", collection, "x", "--vector-weight", "image").err
