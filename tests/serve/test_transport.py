"""The choice of a transport."""

import sys

import grpc
import pytest

from bertine.config import Transport
from bertine.errors import ConfigError
from bertine.serve.transport import Edge, library


def test_a_transport_that_is_not_installed_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pygrpc_native", None)
    monkeypatch.setitem(sys.modules, "pygrpc_native.aio", None)
    with pytest.raises(ConfigError, match=r"pip install 'bertine\[native\]'"):
        library("native")
    assert library("grpc") is grpc.aio


@pytest.mark.parametrize("transport", ["grpc", "native"])
async def test_a_port_is_not_shared_unless_asked_for(transport: Transport) -> None:
    first, second = Edge(transport, 1_000), Edge(transport, 1_000)
    port = first.listen("127.0.0.1:0")
    with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
        second.listen(f"127.0.0.1:{port}")
    await first.stop(0)
    await second.stop(0)


@pytest.mark.parametrize("transport", ["grpc", "native"])
async def test_a_port_is_shared_where_both_want_it(transport: Transport) -> None:
    first, second = (Edge(transport, 1_000, shared=True) for _ in range(2))
    port = first.listen("127.0.0.1:0")
    assert second.listen(f"127.0.0.1:{port}") == port
    await first.stop(0)
    await second.stop(0)
