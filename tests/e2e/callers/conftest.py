"""One server with callers for each way to carry gRPC, and what two tenants have in it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bertine.testing import ServerProcess
from tests.e2e.callers.who import ENTRIES, SHARED, WORDS, Served, write


@pytest.fixture(scope="session")
def served(
    model: Path, edge: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("callers")
    file = folder / "callers.toml"
    write(file, ENTRIES)
    options = (
        *edge,
        "--callers",
        str(file),
        "--log-level",
        "debug",
        "--log-format",
        "json",
        "--learn-min-events",
        "50",
    )
    with ServerProcess(model, folder / "data", *options, fake=True) as process:
        made = Served(process, file, {})
        made["root"].create_collection(SHARED)
        yield made
        for client in made.clients.values():
            client.close()


def rows(tenant: str, numbers: range, dice: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{tenant}{number:03}",
            "text": " ".join(dice.choices(WORDS, k=5)),
            "tenant": tenant,
            "year": dice.randrange(10),
        }
        for number in numbers
    ]


@pytest.fixture(scope="session")
def filled(served: Served) -> Served:
    dice = random.Random(1)  # noqa: S311 - repeatable
    for tenant in "ab":
        served[tenant].upsert(SHARED, rows(tenant, range(60), dice))
    events = [
        {"user": f"u{dice.randrange(9)}", "item_id": f"{tenant}{dice.randrange(60):03}"}
        for tenant in "ab" * 200
    ]
    served["root"].record_events(SHARED, events)
    served["root"].fit(SHARED)
    return served
