"""The callers of these tests, the server that knows them, and clients of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bertine.client import CallError, Client
from bertine.serve.callers.keys import digest_of
from bertine.testing import ServerProcess

SHARED = "shared"
TENANT = {"may": ["read", "write", "record"], "collections": ["shared*"]}
ENTRIES: dict[str, dict[str, Any]] = {
    "root": {"may": ["read", "write", "record", "admin"]},
    "a": {**TENANT, "filter": {"tenant": "a"}},
    "b": {**TENANT, "filter": {"tenant": "b"}},
    "reader": {"may": ["read"], "collections": ["shared*"]},
    "writer": {"may": ["write"]},
    "recorder": {"may": ["record"]},
    "admin": {"may": ["admin"], "collections": ["own-*"]},
}
WORDS = ["sea", "whale", "ship", "wind", "island", "storm", "captain", "harbour", "anchor", "sail"]


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml(one)}' for key, one in value.items())}}}"
    return json.dumps(value)


def write(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Put the file into its place; a caller's key is its name unless the entry says otherwise."""
    lines = []
    for name, entry in entries.items():
        settings = {"name": name, "key_sha256": [digest_of(name).hex()], **entry}
        lines += ["[[caller]]", *(f"{key} = {toml(value)}" for key, value in settings.items())]
    new = path.with_suffix(".new")
    new.write_text("\n".join(lines))
    new.replace(path)


@dataclass
class Served:
    """A server and clients of it by name."""

    process: ServerProcess
    file: Path
    clients: dict[str, Client]

    def __getitem__(self, name: str) -> Client:
        if name not in self.clients:
            self.clients[name] = self.process.client(key=name)
        return self.clients[name]


def refused(code: str, call: Callable[[], object], match: str | None = None) -> CallError:
    with pytest.raises(CallError, match=match) as caught:
        call()
    assert caught.value.code == code
    return caught.value
