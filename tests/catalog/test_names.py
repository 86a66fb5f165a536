"""Names of collections and aliases: catalog and registry against a dictionary."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bertine.catalog.changes import CreateCollection, DeleteAlias, DeleteCollection, SetAlias
from bertine.catalog.store import Store
from bertine.catalog.writer import Writer
from bertine.errors import AlreadyExists, BertineError, Conflict, InvalidInput, NotFound
from bertine.index.lifecycle import Policy
from bertine.index.registry import Registry

NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("create"), names),
        st.tuples(st.just("delete"), names),
        st.tuples(st.just("alias"), names, names),
        st.tuples(st.just("forget"), names),
    ),
    max_size=25,
)


class Model:
    """What names mean."""

    def __init__(self) -> None:
        self.collections: dict[str, int] = {}
        self.aliases: dict[str, str] = {}

    def refuses(self, operation: str, name: str, target: str = "") -> type[BertineError] | None:
        """The error that an operation must end with."""
        taken, known = name in self.collections, name in self.aliases
        if operation == "create":
            return AlreadyExists if taken or known else None
        if operation == "delete":
            aliased = known or name in self.aliases.values()
            return Conflict if aliased else None if taken else NotFound
        if operation == "forget":
            return None if known else NotFound
        if taken:
            return AlreadyExists
        if target in self.aliases:
            return InvalidInput
        return None if target in self.collections else NotFound

    def key(self, name: str) -> int | None:
        return self.collections.get(self.aliases.get(name, name))


@settings(max_examples=25, deadline=None)
@given(operations)
def test_every_name_means_what_it_was_last_told(steps: list[tuple[str, ...]]) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "data") as store:
        registry = Registry(Policy(), Path(folder) / "index")
        with Writer(store) as writer:
            for step in steps:
                check(model, step, carry_out(writer, registry, step), registry)
            for collection in store.collections():
                assert model.collections.pop(collection.name) == collection.key
            assert not model.collections
            assert {one.alias: one.collection for one in store.aliases()} == model.aliases


def carry_out(writer: Writer, registry: Registry, step: tuple[str, ...]) -> Any:
    """As `Ingest` does; returns the result, or the error."""
    operation, name = step[:2]
    change: Any
    apply: Callable[[Any], object]
    match operation:
        case "create":
            change, apply = CreateCollection(name, "", 2, "m", 1.0), registry.add
        case "delete":
            change, apply = DeleteCollection(name), lambda _: registry.remove(name)
        case "alias":
            change = SetAlias(name, step[2])
            apply = lambda done: registry.set_alias(name, done.collection.name)  # noqa: E731
        case _:
            change, apply = DeleteAlias(name), lambda _: registry.remove_alias(name)
    future = writer.submit(change, lambda done: void(apply(done)))
    return future.exception() or future.result()


def void(_: object) -> None:
    """Nothing."""


def check(model: Model, step: tuple[str, ...], result: Any, registry: Registry) -> None:
    operation, name = step[:2]
    refusal = model.refuses(*step)
    if refusal is not None:
        assert type(result) is refusal
    elif operation == "create":
        model.collections[name] = result.key
    elif operation == "delete":
        del model.collections[name]
    elif operation == "alias":
        assert result.previous == model.aliases.get(name, "")
        model.aliases[name] = step[2]
    else:
        assert result == model.aliases.pop(name)
    for known in NAMES:
        try:
            assert registry.get(known).key == model.key(known)
        except NotFound:
            assert model.key(known) is None
