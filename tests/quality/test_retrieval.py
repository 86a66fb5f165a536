"""Cranfield through `Search`, against exact search over sentence-transformers' vectors.

nDCG is binary: grades 1 to 4 are relevant alike (1 is the best of them, not the least).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from benchmarks.data import Cranfield
from benchmarks.metrics import mean_ndcg, top_rows
from bertine.client import CallError, Client
from bertine.types import Matrix

pytestmark = [pytest.mark.data, pytest.mark.timeout(1_200)]

COLLECTION = "cranfield"
EMPTY = ["471", "995"]  # neither title nor abstract: refused by the server, left out on both sides


@pytest.fixture(scope="module")
def documents(cranfield: Cranfield) -> dict[str, str]:
    assert [number for number, text in cranfield.documents.items() if not text] == EMPTY
    return {number: text for number, text in cranfield.documents.items() if text}


@pytest.fixture(scope="module")
def reference_ndcg(
    reference: Callable[[Sequence[str]], Matrix], documents: dict[str, str], cranfield: Cranfield
) -> float:
    numbers = list(documents)
    rows = top_rows(reference(list(documents.values())), reference(cranfield.queries), 10)
    return mean_ndcg([[numbers[row] for row in best] for best in rows], cranfield.relevant)


def test_fp32_ranks_as_sentence_transformers(
    fp32: Client, documents: dict[str, str], cranfield: Cranfield, reference_ndcg: float
) -> None:
    assert served_ndcg(fp32, documents, cranfield) == pytest.approx(reference_ndcg, abs=0.002)


def test_int8_ranks_nearly_as_sentence_transformers(
    int8: Client, documents: dict[str, str], cranfield: Cranfield, reference_ndcg: float
) -> None:
    assert served_ndcg(int8, documents, cranfield) == pytest.approx(reference_ndcg, abs=0.005)


def test_an_abstract_without_text_is_refused_by_name(int8: Client, cranfield: Cranfield) -> None:
    int8.create_collection("cranfield-empty")
    rows = [{"id": number, "text": cranfield.documents[number]} for number in ["1", *EMPTY]]
    with pytest.raises(CallError) as caught:
        int8.upsert("cranfield-empty", rows)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert "items[1]" in caught.value.field
    assert int8.get_collection("cranfield-empty").item_count == 0


def served_ndcg(client: Client, documents: dict[str, str], cranfield: Cranfield) -> float:
    client.create_collection(COLLECTION)
    client.upsert(COLLECTION, [{"id": number, "text": text} for number, text in documents.items()])
    results = client.search_many(COLLECTION, cranfield.queries, top_k=10)
    return mean_ndcg([[hit.id for hit in hits] for hits in results], cranfield.relevant)
