"""The command line as it is called: `main` with arguments, a real server behind it."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from bertine.cli import main
from bertine.client import Client
from bertine.testing import ServerProcess


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Run: TypeAlias = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["bertine", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def cli(run: Run, server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same, where BERTINE_TARGET is the shared server."""
    monkeypatch.setenv("BERTINE_TARGET", server.target)
    return run


@pytest.fixture
def collection(client: Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """A name of the test's own for a collection, which is deleted afterwards."""
    name = request.node.name.partition("[")[0][:64]
    yield name
    if name in [made.name for made in client.list_collections()]:
        client.delete_collection(name)
