"""A catalog in a temporary folder, and short ways to write to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from bertine.catalog.changes import (
    CreateCollection,
    Draft,
    EraseRows,
    FinishErasing,
    Upsert,
    UpsertResult,
)
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.types import Attribute, Collection, Item, Vector

DIMENSIONS = 4
MODEL = "model-a"


class MakeItem(Protocol):
    def __call__(self, id_: str, text: str = "", **attributes: Attribute) -> Item: ...


class StartChild(Protocol):
    def __call__(
        self, *arguments: object, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as opened:
        yield opened


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    with Writer(store) as opened:
        yield opened


@pytest.fixture
def run(writer: Writer) -> Callable[..., Any]:
    """Execute a change and wait for its result."""
    return lambda change: writer.submit(change).result(timeout=30)


@pytest.fixture
def erase(store: Store, run: Callable[..., Any]) -> Callable[[], None]:
    """Erase deleted collections, as the server does in the background."""

    def erase_all() -> None:
        while (key := store.next_to_erase()) is not None:
            if not run(EraseRows(key, 7)):
                run(FinishErasing(key))

    return erase_all


@pytest.fixture
def books(run: Callable[..., Any]) -> Collection:
    collection: Collection = run(CreateCollection("books", "", DIMENSIONS, MODEL, 1.0))
    return collection


@pytest.fixture
def vector_of() -> Callable[[str], Vector]:
    """What the tests' model makes of a text."""

    def encode(text: str) -> Vector:
        values = np.frombuffer(text.encode().ljust(DIMENSIONS)[:DIMENSIONS], np.uint8)
        return values.astype(np.float32) / np.float32(255)

    return encode


@pytest.fixture
def make_item() -> MakeItem:
    def make(id_: str, text: str = "", **attributes: Attribute) -> Item:
        return Item(id_, text or f"text of {id_}", attributes)

    return make


@pytest.fixture
def put(
    run: Callable[..., Any], books: Collection, vector_of: Callable[[str], Vector]
) -> Callable[..., UpsertResult]:
    """Upsert items into `books` as a client would: without a vector they are encoded."""

    def upsert(*items: Item) -> UpsertResult:
        drafts = [Draft.of(item) for item in items]
        encoded = [
            draft if draft.supplied else draft.with_vector(vector_of(draft.item.text))
            for draft in drafts
        ]
        result: UpsertResult = run(Upsert(books.key, encoded, MODEL))
        return result

    return upsert


@pytest.fixture
def start_child() -> StartChild:
    """Start `child.py`; the test waits for its end."""

    def start(
        *arguments: object, before: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("child.py")), *map(str, arguments)]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,  # noqa: PLW1509 (the tests have no threads of their own by then)
        )

    return start
