"""Whatever a client sends: a standard code, a message that says what would be right, a server that
lives."""

import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2

from bertine.client import CallError, Client
from bertine.testing import ServerProcess
from bertine.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    common_pb2,
    embedding_pb2,
    embedding_pb2_grpc,
    recommendation_pb2,
    recommendation_pb2_grpc,
)

COLLECTION = "bad-input"
Call = Callable[["Stubs"], object]


class Stubs:
    """The plain generated stubs: what a client without our library has."""

    def __init__(self, target: str) -> None:
        options = [("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(target, options=options)
        self.embedding = embedding_pb2_grpc.EmbeddingServiceStub(self.channel)
        self.catalog = catalog_pb2_grpc.CatalogServiceStub(self.channel)
        self.recommendation = recommendation_pb2_grpc.RecommendationServiceStub(self.channel)

    def embed(self, **fields: Any) -> Any:
        return self.embedding.Embed(embedding_pb2.EmbedRequest(**fields))

    def search(self, **fields: Any) -> Any:
        fields = {"collection": COLLECTION, "queries": [text("sea")], **fields}
        return self.recommendation.Search(recommendation_pb2.SearchRequest(**fields))

    def recommend(self, **fields: Any) -> Any:
        request = recommendation_pb2.RecommendRequest(**{"collection": COLLECTION, **fields})
        return self.recommendation.Recommend(request)

    def upsert(self, *items: catalog_pb2.Item, collection: str = COLLECTION) -> Any:
        return self.catalog.UpsertItems(
            catalog_pb2.UpsertItemsRequest(collection=collection, items=items)
        )


def text(value: str) -> recommendation_pb2.Query:
    return recommendation_pb2.Query(text=value)


def vector(*values: float) -> common_pb2.Vectors:
    data = np.array(values, "<f4").tobytes()
    return common_pb2.Vectors(data=data, dimensions=len(values), count=1)


def item(id_: str = "a", **fields: Any) -> catalog_pb2.Item:
    return catalog_pb2.Item(**{"id": id_, "text": "a text", **fields})


def entry(**fields: Any) -> recommendation_pb2.HistoryEntry:
    return recommendation_pb2.HistoryEntry(**fields)


def word(value: str) -> common_pb2.Value:
    return common_pb2.Value(string_value=value)


def long_texts(count: int) -> list[str]:
    """As long as the model takes, no two alike: alike ones are encoded once."""
    return [f"{number} " + "word " * 254 for number in range(count)]


def nested(levels: int) -> common_pb2.Filter:
    leaf = common_pb2.Filter(exists=common_pb2.Exists(attribute="x"))
    for _ in range(levels):
        leaf = common_pb2.Filter(negated=leaf)
    return leaf


@pytest.fixture(scope="module")
def stubs(server: ServerProcess) -> Iterator[Stubs]:
    made = Stubs(server.target)
    with server.client() as client:
        client.create_collection(COLLECTION)
        client.upsert(
            COLLECTION, [{"id": "ship", "text": "a ship"}, {"id": "tree", "text": "a tree"}]
        )
    yield made
    made.channel.close()


NAN = float("nan")
INVALID: dict[str, tuple[Call, str, str]] = {
    # name: (call, field, what the message says)
    "no texts": (lambda s: s.embed(), "texts", "1 to 8,192"),
    "empty text": (lambda s: s.embed(texts=["ok", ""]), "texts[1]", "visible character"),
    "blank text": (lambda s: s.embed(texts=[" \n"]), "texts[0]", "visible character"),
    "1 MB of text": (lambda s: s.embed(texts=["x" * 1_000_000]), "texts[0]", "at most 65,536"),
    "100,000 texts": (lambda s: s.embed(texts=["x"] * 100_000), "texts", "1 to 8,192"),
    "token id beyond the vocabulary": (
        lambda s: s.embed(token_ids=[common_pb2.TokenIds(ids=[101, 99_999_999, 102])]),
        "token_ids[0].ids[1]",
        "30521",
    ),
    "no token ids": (
        lambda s: s.embed(token_ids=[common_pb2.TokenIds()]),
        "token_ids[0]",
        "least one",
    ),
    "texts and token ids": (
        lambda s: s.embed(texts=["a"], token_ids=[common_pb2.TokenIds(ids=[101])]),
        "token_ids",
        "one of the two",
    ),
    "too long without truncation": (
        lambda s: s.embed(texts=["word " * 400], truncate=False),
        "texts[0]",
        "256",
    ),
    "too many dimensions": (lambda s: s.embed(texts=["a"], dimensions=385), "dimensions", "384"),
    "unknown encoding": (lambda s: s.embed(texts=["a"], encoding=77), "encoding", "FLOAT32"),
    "unknown input type": (lambda s: s.embed(texts=["a"], input_type=9), "input_type", "QUERY"),
    "NaN vector": (
        lambda s: s.search(queries=[recommendation_pb2.Query(vector=vector(*[NAN] * 384))]),
        "queries[0].vector[0]",
        "finite",
    ),
    "zero vector": (
        lambda s: s.search(queries=[recommendation_pb2.Query(vector=vector(*[0.0] * 384))]),
        "queries[0].vector[0]",
        "zero",
    ),
    "wrong dimension": (
        lambda s: s.search(queries=[recommendation_pb2.Query(vector=vector(1.0, 0.0))]),
        "queries[0].vector.dimensions",
        "384",
    ),
    "bytes that do not fit": (
        lambda s: s.upsert(item(vector=common_pb2.Vectors(data=b"123", dimensions=384, count=1))),
        "items[0].vector.data",
        "1536",
    ),
    "no queries": (lambda s: s.search(queries=[]), "queries", "1 to 1,024"),
    "empty query": (
        lambda s: s.search(queries=[recommendation_pb2.Query()]),
        "queries[0]",
        "set text",
    ),
    "k of zero": (lambda s: s.search(top_k=0), "top_k", "1 to 1,000"),
    "k beyond the limit": (lambda s: s.search(top_k=1_001), "top_k", "1 to 1,000"),
    "threshold above 1": (lambda s: s.search(min_score=1.5), "min_score", "between -1 and 1"),
    "threshold NaN": (lambda s: s.search(min_score=NAN), "min_score", "between -1 and 1"),
    "too many excluded ids": (
        lambda s: s.search(scope=recommendation_pb2.Scope(exclude_ids=["x"] * 8_193)),
        "scope.exclude_ids",
        "at most 8,192",
    ),
    "filter without an attribute": (
        lambda s: s.search(filter=common_pb2.Filter(equals=common_pb2.Equals(value=word("x")))),
        "filter.attribute",
        "name the attribute",
    ),
    "filter without a value": (
        lambda s: s.search(filter=common_pb2.Filter(equals=common_pb2.Equals(attribute="x"))),
        "filter.equals.value",
        "string_value",
    ),
    "range without a bound": (
        lambda s: s.search(filter=common_pb2.Filter(range=common_pb2.Range(attribute="x"))),
        "filter.range",
        "at least one",
    ),
    "filter too deep": (lambda s: s.search(filter=nested(40)), "filter", "16 levels"),
    "filter too large": (
        lambda s: s.search(
            filter=common_pb2.Filter(
                any=common_pb2.FilterList(filters=[nested(0) for _ in range(300)])
            )
        ),
        "filter",
        "256 nodes",
    ),
    "empty history and no user": (lambda s: s.recommend(), "history", "send one of them"),
    "history entry of nothing": (
        lambda s: s.recommend(history=[entry()]),
        "history[0]",
        "item_id or text",
    ),
    "history too long": (
        lambda s: s.recommend(history=[entry(item_id="ship")] * 1_001),
        "history",
        "1,000",
    ),
    "half-life of zero": (
        lambda s: s.recommend(
            history=[entry(item_id="ship")],
            profile=recommendation_pb2.Profile(position_half_life=0.0),
        ),
        "profile.position_half_life",
        "above 0",
    ),
    "duplicate ids in a call": (
        lambda s: s.upsert(item("a"), item("b"), item("a")),
        "items[2].id",
        "once",
    ),
    "no id": (lambda s: s.upsert(item("")), "items[0].id", "1 to 256"),
    "an id too long": (lambda s: s.upsert(item("x" * 257)), "items[0].id", "1 to 256"),
    "nothing to encode": (lambda s: s.upsert(item(text="")), "items[0].text", "a text or a vector"),
    "an attribute of nothing": (
        lambda s: s.upsert(item(attributes={"year": common_pb2.Value()})),
        "items[0].attributes[year]",
        "string_value",
    ),
    "a NaN attribute": (
        lambda s: s.upsert(item(attributes={"price": common_pb2.Value(double_value=NAN)})),
        "items[0].attributes[price]",
        "finite",
    ),
    "a window that never opens": (
        lambda s: s.upsert(item(available_from={"seconds": 200}, available_until={"seconds": 100})),
        "items[0].available_until",
        "after",
    ),
    "a bad collection name": (
        lambda s: s.catalog.CreateCollection(catalog_pb2.CreateCollectionRequest(name="a/b")),
        "name",
        "1 to 64",
    ),
    "a bad template": (
        lambda s: s.catalog.CreateCollection(
            catalog_pb2.CreateCollectionRequest(name="t", text_template="{title")
        ),
        "text_template",
        "",
    ),
    "a page token of ours not": (
        lambda s: s.catalog.ListItems(
            catalog_pb2.ListItemsRequest(collection=COLLECTION, page_token="%%%")  # noqa: S106
        ),
        "page_token",
        "next_page_token",
    ),
    "a page too large": (
        lambda s: s.catalog.ListItems(
            catalog_pb2.ListItemsRequest(collection=COLLECTION, page_size=5_000)
        ),
        "page_size",
        "1000",
    ),
    "an event of nobody": (
        lambda s: s.recommendation.RecordEvents(
            recommendation_pb2.RecordEventsRequest(
                collection=COLLECTION, events=[recommendation_pb2.Event(item_id="ship")]
            )
        ),
        "events[0].user",
        "1 to 256",
    ),
}

NOT_FOUND: dict[str, tuple[Call, str]] = {
    "collection": (lambda s: s.search(collection="nowhere"), "there are: "),
    "collection to change": (lambda s: s.upsert(item(), collection="nowhere"), "nowhere"),
    "collection to delete": (
        lambda s: s.catalog.DeleteCollection(catalog_pb2.DeleteCollectionRequest(name="nowhere")),
        "nowhere",
    ),
    "item": (
        lambda s: s.recommendation.SimilarItems(
            recommendation_pb2.SimilarItemsRequest(collection=COLLECTION, item_id="none")
        ),
        "'none'",
    ),
    "model": (lambda s: s.embed(texts=["a"], model="bert-huge"), "all-MiniLM-L6-v2"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_arguments_name_the_field_and_say_what_would_be_right(
    name: str, stubs: Stubs
) -> None:
    call, field, message = INVALID[name]
    with pytest.raises(grpc.RpcError) as raised:
        call(stubs)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    [violation] = bad_request(error).field_violations
    assert violation.field == field
    assert message in violation.description
    assert message in error.details()


def bad_request(error: Any) -> error_details_pb2.BadRequest:
    metadata = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    detail = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(detail)
    return detail


@pytest.mark.parametrize("name", NOT_FOUND)
def test_unknown_names_are_not_found_and_known_ones_are_listed(name: str, stubs: Stubs) -> None:
    call, message = NOT_FOUND[name]
    with pytest.raises(grpc.RpcError) as raised:
        call(stubs)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert message in error.details()


def test_a_collection_of_that_name_with_another_template_already_exists(client: Client) -> None:
    client.create_collection("taken", text_template="{a}")
    client.create_collection("taken", text_template="{a}", exist_ok=True)
    for template, exist_ok in (("{a}", False), ("{b}", True)):
        with pytest.raises(CallError) as raised:
            client.create_collection("taken", text_template=template, exist_ok=exist_ok)
        assert raised.value.code == "ALREADY_EXISTS"


def test_a_deadline_that_cannot_be_met_is_not_worked_for(stubs: Stubs) -> None:
    request = embedding_pb2.EmbedRequest(texts=long_texts(200))
    with pytest.raises(grpc.RpcError) as raised:
        stubs.embedding.Embed(request, timeout=0.2)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_overload_is_refused_at_once_with_a_time_to_come_back(stubs: Stubs) -> None:
    ended: queue.Queue[Any] = queue.Queue()
    calls = []
    for number in range(4):
        # Two of these are more than may wait.
        texts = [f"{number} {text}" for text in long_texts(700)]
        calls.append(stubs.embedding.Embed.future(embedding_pb2.EmbedRequest(texts=texts)))
        calls[-1].add_done_callback(ended.put)
    error = ended.get(timeout=60)
    for call in calls:
        call.cancel()
    wait_until_let_in(stubs)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    status = status_pb2.Status.FromString(
        dict(error.trailing_metadata())["grpc-status-details-bin"]
    )
    detail = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(detail)
    assert detail.retry_delay.ToNanoseconds() > 0


def test_a_message_beyond_the_limit_is_refused_unread(stubs: Stubs) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        stubs.embed(texts=["x" * (1 << 20)] * 65)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in error.details()


def wait_until_let_in(stubs: Stubs) -> None:
    """A client that gives up does not wait until the encoder knows of it."""
    while True:
        with suppress(grpc.RpcError):
            stubs.embed(texts=["alive"])
            return


def test_ordinary_edge_cases_are_answered(client: Client) -> None:
    assert len(client.search(COLLECTION, "sea", top_k=1_000)) == 2
    assert client.search(COLLECTION, "sea", filter={"year": {"gt": 3}}) == []
    assert client.search(COLLECTION, "sea", min_score=1.0) == []
    assert [hit.id for hit in client.search(COLLECTION, "sea", only_ids=["tree", "none"])] == [
        "tree"
    ]
    assert [hit.id for hit in client.search(COLLECTION, "sea", exclude_ids=["ship"])] == ["tree"]
    assert len(client.search(COLLECTION, "sea", exact=True)) == 2
    assert client.recommend(COLLECTION, history=["unknown"]) == []
    assert client.recommend(COLLECTION, user="nobody") == []
    [hit] = client.recommend(COLLECTION, history=["unknown", "ship"], explain=True)
    assert (hit.id, [reason.item_id for reason in hit.reasons]) == ("tree", ["ship"])
    client.create_collection("empty", exist_ok=True)
    assert client.search("empty", "sea") == []


def test_a_deleted_item_in_a_history_is_skipped_and_never_returned(
    client: Client, stubs: Stubs
) -> None:
    client.create_collection("deleted", exist_ok=True)
    client.upsert("deleted", [{"id": name, "text": name} for name in ("oak", "elm", "cod")])
    assert client.delete_items("deleted", ["elm", "never-there"]) == 1
    request = recommendation_pb2.RecommendRequest(
        collection="deleted", history=[entry(item_id="elm"), entry(item_id="oak")]
    )
    answer = stubs.recommendation.Recommend(request)
    assert list(answer.skipped) == [0]
    assert answer.history_size == 1
    assert [hit.id for hit in answer.result.hits] == ["cod"]


def test_after_all_that_the_server_still_serves(server: ServerProcess, client: Client) -> None:
    assert client.embed(["alive"]).shape == (1, 384)
    assert server.process.poll() is None
    assert not [line for line in server.log if "Traceback" in line]
