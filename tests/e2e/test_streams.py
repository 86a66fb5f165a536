"""The streaming methods: bulk embedding and import."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import grpc
import numpy as np
import pytest

from bertine.client import Client
from bertine.testing import ServerProcess
from bertine.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    common_pb2,
    embedding_pb2,
    embedding_pb2_grpc,
)


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.target) as made:
        yield made


def test_a_stream_of_requests_is_answered_in_order(channel: grpc.Channel, client: Client) -> None:
    texts = [f"text number {number}" for number in range(40)]
    requests = (embedding_pb2.EmbedRequest(texts=[text]) for text in texts)
    answers = list(embedding_pb2_grpc.EmbeddingServiceStub(channel).EmbedStream(requests))
    assert len(answers) == len(texts)
    rows = [np.frombuffer(answer.vectors.data, "<f4") for answer in answers]
    nearest = np.argmax(np.stack(rows) @ client.embed(texts).T, axis=1)
    assert nearest.tolist() == list(range(len(texts)))


def test_a_bad_request_ends_the_stream_after_the_answers_before_it(channel: grpc.Channel) -> None:
    requests = [embedding_pb2.EmbedRequest(texts=[text]) for text in ("good", "", "good")]
    answers = embedding_pb2_grpc.EmbeddingServiceStub(channel).EmbedStream(iter(requests))
    assert next(answers).vectors.count == 1
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        next(answers)


@pytest.mark.parametrize("transport", ["grpc", "native"])
def test_a_stream_waits_where_a_call_is_refused(
    transport: str, model: Path, tmp_path: Path
) -> None:
    flags = [f"--transport={transport}", "--max-waiting-tokens=200"]
    with (
        ServerProcess(model, tmp_path / "data", *flags) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
        texts = [f"{number} " + "word " * 250 for number in range(400)]
        full = stub.EmbedStream(iter([embedding_pb2.EmbedRequest(texts=texts)]))
        _until_refused(stub)
        short = [embedding_pb2.EmbedRequest(texts=[f"short text {n}"]) for n in range(9)]
        with pytest.raises(grpc.RpcError, match=r"RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED"):
            list(stub.EmbedStream(iter(short), timeout=1))
        assert not full.done()
        assert len(list(stub.EmbedStream(iter(short)))) == len(short)
        assert next(full).vectors.count == len(texts)


def _until_refused(stub: embedding_pb2_grpc.EmbeddingServiceStub) -> None:
    """Return once a call is refused, as the queue is full; a text that is known never is."""
    for number in count():
        try:
            stub.Embed(embedding_pb2.EmbedRequest(texts=[f"another text, number {number}"]))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return
            raise


def test_an_import_stream_commits_batch_by_batch(channel: grpc.Channel, client: Client) -> None:
    client.create_collection("streamed", text_template="{name}")

    def batches(last: str) -> Iterator[catalog_pb2.ImportItemsRequest]:
        for number in range(5):
            item = catalog_pb2.Item(id=f"item-{number}", text=f"text {number}")
            name = "streamed" if number == 0 else ""
            yield catalog_pb2.ImportItemsRequest(collection=name, items=[item])
        yield catalog_pb2.ImportItemsRequest(items=[catalog_pb2.Item(id=last, text="the last")])

    stub = catalog_pb2_grpc.CatalogServiceStub(channel)
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        stub.ImportItems(batches(""))
    assert client.get_collection("streamed").item_count == 5
    done = stub.ImportItems(batches("last"))
    assert (done.inserted, done.updated, done.unchanged) == (1, 0, 5)


def test_a_client_that_goes_away_leaves_no_work_behind(
    channel: grpc.Channel, client: Client
) -> None:
    stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
    texts = [f"{number} " + "word " * 250 for number in range(1_000)]
    request = embedding_pb2.EmbedRequest(texts=texts)
    gone = [stub.Embed.future(request) for _ in range(3)]
    # All three are in once a short text of the same lane has to queue behind them.
    bulk = common_pb2.PRIORITY_BULK
    short = embedding_pb2.EmbedRequest(texts=["sent by no other test"], priority=bulk)
    while client._embedding.Embed(short).timings.queue_us < 1_000:
        assert not all(call.done() for call in gone)
    for call in gone:
        call.cancel()
    # What was cancelled would take minutes; a text that comes after it does not wait for that.
    after = embedding_pb2.EmbedRequest(texts=["after"], priority=bulk)
    assert _once_let_in(client, after).vectors.count == 1


def _once_let_in(
    client: Client, request: embedding_pb2.EmbedRequest
) -> embedding_pb2.EmbedResponse:
    """The answer within 30 s; a moment ago the server may not have seen yet who has gone."""
    while True:
        try:
            answer: embedding_pb2.EmbedResponse = client._embedding.Embed(request, timeout=30)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
        else:
            return answer
