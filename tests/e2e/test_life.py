"""Start, health, reflection, metrics, drain, and every way not to start."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from bertine.client import AsyncClient, CallError, Client
from bertine.testing import ServerProcess
from bertine.v1 import common_pb2, embedding_pb2

SERVICES = {
    f"bertine.v1.{name}Service" for name in ("Embedding", "Catalog", "Recommendation", "Server")
}


def fails(model: Path, data: Path, *options: str) -> str:
    """The message of a server that must not start."""
    command = [sys.executable, "-m", "bertine", "serve", "--model", str(model), "--data", str(data)]
    done = subprocess.run(
        [*command, "--listen", "127.0.0.1:0", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_health_of_every_service_with_the_standard_protos_alone(server: ServerProcess) -> None:
    with grpc.insecure_channel(server.target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", *SERVICES):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            stub.Check(health_pb2.HealthCheckRequest(service="unknown"))


def test_reflection_with_the_standard_protos_alone(server: ServerProcess) -> None:
    with grpc.insecure_channel(server.target) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask = reflection_pb2.ServerReflectionRequest
        requests = [
            ask(list_services=""),
            ask(file_containing_symbol="bertine.v1.EmbeddingService"),
        ]
        listed, described = stub.ServerReflectionInfo(iter(requests))
        names = {service.name for service in listed.list_services_response.service}
        assert names >= SERVICES | {"grpc.health.v1.Health"}
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(raw)
            for raw in described.file_descriptor_response.file_descriptor_proto
        ]
        methods = {m.name for file in files for service in file.service for m in service.method}
        assert {"Embed", "EmbedStream"} <= methods


def test_metrics_on_a_second_port_and_a_clean_drain(
    model: Path, tmp_path: Path, edge: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = (*edge, "--metrics-listen", f"127.0.0.1:{port}", "--log-format", "json")
    with ServerProcess(model, tmp_path / "data", *options) as server:
        with server.client() as client:
            client.embed(["private words"])
            client.create_collection("c")
            client.record_events("c", [{"user": "private-user", "item_id": "private-item"}])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            text = page.read().decode()
        assert 'bertine_call_seconds_count{code="OK",method="Embed"} 1.0' in text
        assert re.search(r"^bertine_tokens_total \d", text, re.MULTILINE)
        assert server.stop() == 0
    log = "".join(server.log)
    assert '"event": "ready"' in log
    assert '"event": "stopped"' in log
    assert "private" not in log + text


def test_calls_under_way_end_well_when_the_server_is_told_to_stop(
    model: Path, tmp_path: Path, edge: tuple[str, ...]
) -> None:
    options = (*edge, "--drain-seconds", "120")
    with ServerProcess(model, tmp_path / "data", *options) as server, server.client() as client:
        client.create_collection("drained")
        answers: list[int] = []
        items = [{"id": str(n), "text": f"text number {n} " * 40} for n in range(200)]
        caller = threading.Thread(
            target=lambda: answers.append(client.upsert("drained", items).total)
        )
        caller.start()
        wait_for_work(client)
        assert server.stop(timeout=150) == 0
        caller.join()
        assert answers == [200]


def wait_for_work(client: Client) -> None:
    """Return once the server has something to encode: a short text then has to wait for it."""
    request = embedding_pb2.EmbedRequest(texts=["now"], priority=common_pb2.PRIORITY_BULK)
    while True:
        seconds = client.server_info().uptime.ToTimedelta().total_seconds()
        assert seconds < 60
        answer = client._embedding.Embed(request)
        if answer.timings.queue_us > 20_000:
            return


def test_a_port_in_use(
    model: Path, tmp_path: Path, server: ServerProcess, edge: tuple[str, ...]
) -> None:
    message = fails(model, tmp_path / "data", *edge, "--listen", server.target)
    assert server.target in message
    assert "--listen" in message


def test_a_data_folder_in_use(model: Path, tmp_path: Path) -> None:
    with ServerProcess(model, tmp_path / "data") as first:
        message = fails(model, tmp_path / "data")
        assert str(first.process.pid) in message


def test_not_a_model_folder(tmp_path: Path) -> None:
    message = fails(tmp_path / "nothing", tmp_path / "data")
    assert "bertine export" in message


@pytest.mark.parametrize("file", ["int8.onnx", "tokenizer.json"])
def test_a_corrupted_model_file(file: str, model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "model")
    raw = bytearray((copy / file).read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    (copy / file).write_bytes(raw)
    message = fails(copy, tmp_path / "data")
    assert file in message
    assert "export the model again" in message


def test_an_unknown_variant_and_a_bad_address(model: Path, tmp_path: Path) -> None:
    assert "int8" in fails(model, tmp_path / "data", "--variant", "fp12")
    assert "HOST:PORT" in fails(model, tmp_path / "data", "--listen", "nonsense")


def test_vectors_of_another_model_are_refused_then_made_again(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    items = [{"id": str(n), "text": f"the number {n}"} for n in range(600)]
    with ServerProcess(model, data, "--variant", "int8") as server, server.client() as client:
        client.create_collection("numbers")
        client.upsert("numbers", items)
    message = fails(model, data, "--variant", "fp32")
    assert "'numbers'" in message
    assert "--reembed" in message
    options = ("--variant", "fp32", "--reembed")
    with ServerProcess(model, data, *options) as server, server.client() as client:
        stored = client.get_items("numbers", ["7"], with_vectors=True)["7"].vector
        assert stored is not None
        assert float(stored @ client.embed(["the number 7"])[0]) > 0.99999
        assert client.get_collection("numbers").item_count == 600
        assert client.upsert("numbers", items).unchanged == 600


def test_a_read_only_data_folder(model: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o555)
    command = [sys.executable, "-m", "bertine", "serve", "--model", str(model), "--data", str(data)]
    # The superuser may write anywhere, unless it has given that up.
    drop = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]
    done = subprocess.run(
        [*(drop if os.geteuid() == 0 else []), *command, "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert str(data) in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_from_the_file_the_environment_and_the_command_line(
    model: Path, tmp_path: Path
) -> None:
    config = tmp_path / "bertine.toml"
    config.write_text('[serve]\nvariant = "fp32"\nmax-top-k = 7\nmax-history = 8\n')
    environment = {
        **os.environ,
        "BERTINE_SERVE_MAX_TOP_K": "9",
        "BERTINE_SERVE_CONFIG": str(config),
    }
    options = ("--max-queries", "3")
    with (
        ServerProcess(model, tmp_path / "data", *options, environment=environment) as server,
        server.client() as client,
    ):
        info = client.server_info()
        assert info.models[0].variant == "fp32"
        limits = info.limits
        assert (limits.max_history, limits.max_top_k, limits.max_queries) == (8, 9, 3)
    config.write_text('[serve]\nvarient = "fp32"\n')
    assert "varient" in fails(model, tmp_path / "data", "--config", str(config))


async def test_the_asynchronous_client(server: ServerProcess) -> None:
    async with AsyncClient(server.target) as client:
        await client.wait_until_ready()
        await client.create_collection("async", text_template="{name}")
        counts = await client.upsert("async", [{"id": n, "name": n} for n in ("oak", "cod", "elm")])
        assert counts.inserted == 3
        assert [item.id async for item in client.list_items("async", page_size=2)] == [
            "cod",
            "elm",
            "oak",
        ]
        [hit] = await client.search("async", "a fish", top_k=1, include_items=True)
        assert hit.item is not None
        assert (hit.id, hit.item.text, hit.item.attributes) == ("cod", "cod", {"name": "cod"})
        assert await client.delete_collection("async") == 3
        with pytest.raises(CallError, match="NOT_FOUND"):
            await client.search("async", "a fish")
