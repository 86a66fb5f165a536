"""Keys: none, wrong ones, and new ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from bertine.client import AsyncClient, CallError
from bertine.errors import Unavailable
from bertine.serve.callers.keys import digest_of, new_key
from bertine.testing import ServerProcess
from bertine.v1 import embedding_pb2, embedding_pb2_grpc
from tests.e2e.callers.who import ENTRIES, SHARED, Served, refused, write

SECONDS = 60.0


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_a_known_key_nothing_is_answered_but_health(served: Served, key: str) -> None:
    with served.process.client(key=key) as client:
        client.wait_until_ready(10)
        calls: list[Callable[[], object]] = [
            lambda: client.embed(["text"]),
            lambda: client.search(SHARED, "sea"),
            lambda: client.upsert(SHARED, [{"id": "x", "text": "x"}]),
            lambda: client.tune(SHARED),
            client.server_info,
            client.list_collections,
        ]
        for call in calls:
            error = refused("UNAUTHENTICATED", call)
            assert "wrong" not in error.message.replace("is wrong", "")


def test_health_and_reflection_are_open(served: Served) -> None:
    with grpc.insecure_channel(served.process.target) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        [answer] = stub.ServerReflectionInfo(asked)
        assert answer.list_services_response.service


def test_a_stream_is_admitted_by_its_key(served: Served) -> None:
    request = embedding_pb2.EmbedRequest(texts=["a text"])
    with grpc.insecure_channel(served.process.target) as channel:
        stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            list(stub.EmbedStream(iter([request])))
        metadata = [("authorization", "Bearer reader")]
        [answer] = stub.EmbedStream(iter([request]), metadata=metadata)
        assert answer.vectors.count == 1
        metadata *= 2
        with pytest.raises(grpc.RpcError, match=r"(?s)UNAUTHENTICATED.*2 authorization headers"):
            stub.Embed(request, metadata=metadata)


async def test_the_other_client_sends_its_key_too(served: Served) -> None:
    async with AsyncClient(served.process.target, key="reader") as client:
        assert (await client.embed(["a text"])).shape == (1, 384)
    async with AsyncClient(served.process.target) as client:
        with pytest.raises(CallError, match="UNAUTHENTICATED"):
            await client.embed(["a text"])


def until(done: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not done():
        assert time.monotonic() < deadline
        pause.wait(0.1)


def works(served: Served, key: str) -> bool:
    """Whether a key is known, over connections of their own: each may lead to another front."""
    answers = set()
    for _ in range(6):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(served.process.target, options=options) as channel:
            stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
            request = embedding_pb2.EmbedRequest(texts=["a text"])
            try:
                stub.Embed(request, metadata=[("authorization", f"Bearer {key}")])
                answers.add(True)
            except grpc.RpcError as error:
                answers.add(error.code() != grpc.StatusCode.UNAUTHENTICATED)
    return answers == {True}


def test_a_key_is_changed_without_a_gap(served: Served) -> None:
    both = [digest_of(key).hex() for key in ("reader", "reader-2")]
    write(served.file, ENTRIES | {"reader": {**ENTRIES["reader"], "key_sha256": both}})
    until(lambda: works(served, "reader-2"))
    assert works(served, "reader")
    write(served.file, ENTRIES | {"reader": {**ENTRIES["reader"], "key_sha256": both[1:]}})
    until(lambda: not works(served, "reader"))
    assert works(served, "reader-2")
    served.file.write_text("[[caller]\n")
    until(lambda: any("the callers known before stay" in line for line in served.process.log))
    assert works(served, "reader-2")
    write(served.file, ENTRIES)
    until(lambda: works(served, "reader"))
    until(lambda: not works(served, "reader-2"))


def test_the_log_knows_names_and_no_keys(served: Served) -> None:
    secret = new_key()
    with served.process.client(key=secret) as client:
        refused("UNAUTHENTICATED", lambda: client.embed(["text"]))
    served["a"].embed(["text"])
    until(lambda: any('"caller": "a"' in line for line in served.process.log))
    log = "".join(served.process.log)
    assert secret not in log
    assert digest_of("a").hex() not in log


def test_a_broken_file_is_no_start(model: Path, tmp_path: Path, edge: tuple[str, ...]) -> None:
    file = tmp_path / "callers.toml"
    write(file, {"a": {"may": ["wirte"]}})
    options = (*edge, "--callers", str(file))
    server = ServerProcess(model, tmp_path / "data", *options, fake=True)
    with pytest.raises(Unavailable, match=r"callers.toml: caller 1 \(a\): may holds 'wirte'"):
        server.start()
