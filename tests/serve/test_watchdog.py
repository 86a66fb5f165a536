from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bertine.serve.server import EXIT_HUNG
from bertine.testing import ServerProcess
from bertine.v1 import embedding_pb2, embedding_pb2_grpc

WAIT = 20.0
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def hanging(model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(model, tmp_path / "data")
    program = Path(__file__).with_name("hanging_server.py")
    server.command = [sys.executable, str(program), str(model), str(tmp_path / "data")]
    with server:
        yield server


def test_a_hung_device_is_told_and_in_the_end_the_process_ends(hanging: ServerProcess) -> None:
    with grpc.insecure_channel(hanging.target) as channel:
        embed = embedding_pb2_grpc.EmbeddingServiceStub(channel).Embed
        watching = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=WAIT
        )
        health = (answer.status for answer in watching)

        def request(*texts: str) -> embedding_pb2.EmbedRequest:
            return embedding_pb2.EmbedRequest(texts=texts)

        assert next(health) == _SERVING
        embed(request("one"), timeout=WAIT)

        slow = embed.future(request("a b", "a c"), timeout=WAIT)
        assert next(health) == _NOT_SERVING
        with pytest.raises(grpc.RpcError) as refused:
            embed(request("two"), timeout=WAIT)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "does not respond" in refused.value.details()
        assert slow.result().vectors.count == 2
        assert next(health) == _SERVING
        embed(request("three"), timeout=WAIT)

        lost = embed.future(request("b a", "b b", "b c"), timeout=WAIT)
        assert next(health) == _NOT_SERVING
        assert hanging.process.wait(WAIT) == EXIT_HUNG
        assert lost.exception().code() == grpc.StatusCode.UNAVAILABLE
    assert "the encoder has hung for 3 s" in "".join(hanging.log)
