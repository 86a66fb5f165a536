"""How items are sent, against a client that records and answers when it is told to."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import cast

import pytest

from bertine.cli.row_items import Columns
from bertine.cli.rows import BadRow, Row
from bertine.cli.sending import Batch, Sender, batches
from bertine.client import AsyncClient, CallError, Item, UpsertCounts

COLUMNS = Columns("id", "text")


class FakeClient:
    """Stores items; `failures` are raised before the calls of those numbers are answered."""

    def __init__(self, failures: dict[int, CallError] | None = None) -> None:
        self.stored: dict[str, str] = {}
        self.calls: list[list[str]] = []
        self.most_at_once = 0
        self._failures = failures or {}
        self._flying: list[list[str]] = []

    async def upsert(self, _collection: str, items: Iterable[Item]) -> UpsertCounts:
        sent = list(items)
        ids = [item.id for item in sent]
        assert not {id_ for other in self._flying for id_ in other} & set(ids)
        self.calls.append(ids)
        self._flying.append(ids)
        self.most_at_once = max(self.most_at_once, len(self._flying))
        failure = self._failures.get(len(self.calls))
        # Later calls are answered before earlier ones.
        for _ in range(10 - len(self.calls) % 7):
            await asyncio.sleep(0)
        self._flying.remove(ids)
        if failure:
            raise failure
        self.stored |= {item.id: item.text for item in sent}
        return UpsertCounts(inserted=len(sent))


def rows(ids: Iterable[int | str]) -> Iterator[Row]:
    for line, id_ in enumerate(ids, start=1):
        if id_ == "bad":
            raise BadRow(f"line {line}", "is not JSON")
        yield Row(f"line {line}", {"id": str(id_), "text": f"from line {line}"}, line)


def made(ids: Iterable[int | str], size: int) -> Iterator[Batch]:
    return batches(rows(ids), COLUMNS, size)


def sender(client: FakeClient, reports: list[tuple[int, int]] | None = None) -> Sender:
    def report(position: int, count: int) -> None:
        if reports is not None:
            reports.append((position, count))

    return Sender(cast("AsyncClient", client), "books", 3, report)


async def test_several_requests_are_under_way_and_all_is_counted() -> None:
    client = FakeClient()
    reports: list[tuple[int, int]] = []
    sending = sender(client, reports)
    await sending.run(made(range(95), 10))
    assert client.most_at_once == 3
    assert sending.counts == UpsertCounts(inserted=95)
    assert len(client.stored) == 95
    assert reports == sorted(reports)
    assert reports[-1] == (95, 95)


async def test_repeated_ids_are_sent_one_after_the_other_and_the_last_wins() -> None:
    client = FakeClient()
    ids = [1, 2, 3, 1, 4, 1, 5, 5, 2, 6, 1]
    await sender(client).run(made(ids, 2))
    last = {str(id_): f"from line {line}" for line, id_ in enumerate(ids, start=1)}
    assert client.stored == last


async def test_what_comes_before_a_bad_row_is_sent() -> None:
    client = FakeClient()
    sending = sender(client)
    with pytest.raises(BadRow, match="line 8: is not JSON"):
        await sending.run(made([*range(7), "bad", 9], 3))
    assert set(client.stored) == set(map(str, range(7)))
    assert sending.counts.total == 7


async def test_an_item_that_the_server_refuses_is_named_by_its_line() -> None:
    refusal = CallError("INVALID_ARGUMENT", "items[1].text: is empty", field="items[1].text")
    client = FakeClient({2: refusal})
    with pytest.raises(BadRow, match=r"^line 5: text: is empty$"):
        await sender(client).run(made(range(6), 3))
    assert {"0", "1", "2", "3"} <= set(client.stored)
    assert "4" not in client.stored


async def test_a_full_queue_is_waited_for() -> None:
    full = CallError("RESOURCE_EXHAUSTED", "the queue is full", retry_after=0.0)
    client = FakeClient({1: full, 2: full})
    sending = sender(client)
    await sending.run(made(range(4), 2))
    assert sending.counts.total == 4
    assert len(client.calls) == 4


async def test_after_a_failure_what_is_under_way_is_counted() -> None:
    client = FakeClient({1: CallError("UNAVAILABLE", "Socket closed")})
    sending = sender(client)
    with pytest.raises(CallError, match="Socket closed"):
        await sending.run(made(range(100), 10))
    assert sending.counts.total == len(client.stored) > 0
    assert len(client.calls) < 10


async def test_stopping_sends_nothing_more_and_waits_for_what_is_under_way() -> None:
    client = FakeClient()
    sending = sender(client)

    def until_stopped() -> Iterator[Batch]:
        for number, batch in enumerate(made(range(100), 10)):
            if number == 4:
                sending.stop.set()
            yield batch

    await sending.run(until_stopped())
    assert sending.counts.total == len(client.stored) == 40
