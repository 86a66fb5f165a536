"""Front processes: what they change for nobody, and what happens when one of them ends."""

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from bertine.client import CallError, Client
from bertine.serve.front.supervisor import _hold
from bertine.testing import ServerProcess
from bertine.v1 import embedding_pb2, embedding_pb2_grpc, server_pb2, server_pb2_grpc

FRONTS = 2


@pytest.fixture
def process(model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """With grpc as the transport: the shared server of the other tests has native."""
    options = ("--fronts", str(FRONTS))
    with ServerProcess(model, tmp_path / "data", *options, fake=True) as server:
        yield server


def fronts(server: ServerProcess) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def call(target: str) -> embedding_pb2.EmbedResponse:
    """One call over a connection of its own, so that any front may get it."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(target, options=options) as channel:
        stub = embedding_pb2_grpc.EmbeddingServiceStub(channel)
        request = embedding_pb2.EmbedRequest(texts=["a text"])
        answer: embedding_pb2.EmbedResponse = stub.Embed(request, timeout=30, wait_for_ready=True)
        return answer


def test_a_front_that_ends_is_replaced(process: ServerProcess) -> None:
    before = fronts(process)
    assert len(before) == FRONTS
    before[0].kill()
    psutil.wait_procs(before[:1], timeout=30)
    while len(fronts(process)) < FRONTS or before[0] in fronts(process):
        assert process.process.poll() is None
    assert all(call(process.target).vectors.count == 1 for _ in range(8))
    assert "another one is started" in "".join(process.log)


def test_a_front_that_hangs_is_replaced(model: Path, tmp_path: Path) -> None:
    options = ("--fronts", str(FRONTS), "--hung-seconds", "5")
    with ServerProcess(model, tmp_path / "data", *options, fake=True) as server:
        [hung, *_] = fronts(server)
        hung.suspend()
        psutil.wait_procs([hung], timeout=60)
        while len(fronts(server)) < FRONTS:
            assert server.process.poll() is None
        assert all(call(server.target).vectors.count == 1 for _ in range(8))
        assert "has not answered for 5 s" in "".join(server.log)


def test_fronts_end_with_the_engine(process: ServerProcess) -> None:
    children = fronts(process)
    process.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    with process.client(timeout=5) as client, pytest.raises(CallError, match="UNAVAILABLE"):
        client.embed(["a text"])


def test_a_signal_to_the_whole_group_is_a_clean_stop(process: ServerProcess) -> None:
    children = fronts(process)
    for child in children:
        child.send_signal(signal.SIGTERM)
    assert call(process.target).vectors.count == 1
    assert process.stop() == 0
    assert not psutil.wait_procs(children, timeout=30)[1]


def test_requests_that_are_no_messages_are_refused(process: ServerProcess) -> None:
    with grpc.insecure_channel(process.target) as channel:
        for method in ("EmbeddingService/Embed", "CatalogService/GetItems"):
            bad = channel.unary_unary(f"/bertine.v1.{method}")
            # grpcio says UNKNOWN where a message cannot be read, pygrpc-native and we INTERNAL.
            with pytest.raises(grpc.RpcError, match=r"INTERNAL|UNKNOWN"):
                bad(b"\xff\xff", timeout=30)


def test_a_key_for_somebody_else_is_no_matter_where_none_is_asked_for(
    process: ServerProcess,
) -> None:
    with grpc.insecure_channel(process.target) as channel:
        stub = server_pb2_grpc.ServerServiceStub(channel)
        metadata = [("authorization", "Bearer " + "token" * 500)]
        asked = server_pb2.GetServerInfoRequest()
        assert stub.GetServerInfo(asked, metadata=metadata, timeout=30).version


def test_many_callers_at_once(process: ServerProcess) -> None:
    failed: list[Exception] = []

    def work(client: Client) -> None:
        try:
            for number in range(20):
                assert client.embed([f"{number} a", "b"] * 20).shape == (40, 384)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    with process.client() as one, process.client() as other:
        threads = [threading.Thread(target=work, args=(client,)) for client in (one, other) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failed


def test_a_port_is_held_for_sharing_only() -> None:
    holder = _hold("127.0.0.1", 0)
    with holder:
        port = holder.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            _hold("127.0.0.1", port)
        with socket.socket() as sharer:
            sharer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sharer.bind(("127.0.0.1", port))
