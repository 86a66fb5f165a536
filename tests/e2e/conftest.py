"""One server for each way to carry gRPC: the same tests must pass before all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bertine.testing import ServerProcess

EDGES = {
    "grpc": ("--transport", "grpc"),
    "native": ("--transport", "native"),
    "fronts": ("--transport", "native", "--fronts", "2"),
}


@pytest.fixture(scope="session", params=EDGES)
def edge(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options of a server."""
    return EDGES[request.param]


@pytest.fixture(scope="session")
def server(
    model: Path, edge: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server that many tests share: each uses collections of its own."""
    data = tmp_path_factory.mktemp("data")
    with ServerProcess(model, data, *edge, "--log-level", "debug") as process:
        yield process
