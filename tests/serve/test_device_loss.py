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

WAIT = 30.0


@pytest.fixture(params=[0, 1], ids=["alone", "front"])
def losing(model: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    server = ServerProcess(model, tmp_path / "data")
    program = Path(__file__).with_name("losing_server.py")
    arguments = [model, tmp_path / "data", request.param]
    server.command = [sys.executable, str(program), *map(str, arguments)]
    with server:
        yield server


def test_a_lost_device_is_told_and_the_process_ends(losing: ServerProcess) -> None:
    with grpc.insecure_channel(losing.target) as channel:
        embed = embedding_pb2_grpc.EmbeddingServiceStub(channel).Embed
        watching = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=WAIT
        )
        health = (answer.status for answer in watching)
        assert next(health) == health_pb2.HealthCheckResponse.SERVING
        embed(embedding_pb2.EmbedRequest(texts=["one"]), timeout=WAIT)

        with pytest.raises(grpc.RpcError) as lost:
            embed(embedding_pb2.EmbedRequest(texts=["a b", "a c"]), timeout=WAIT)
        assert lost.value.code() == grpc.StatusCode.UNAVAILABLE
        assert "the GPU is lost (cudaErrorECCUncorrectable)" in lost.value.details()
        assert next(health) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert losing.process.wait(WAIT) == EXIT_HUNG
    log = "".join(losing.log)
    assert "the process ends: the GPU is lost (cudaErrorECCUncorrectable)" in log
