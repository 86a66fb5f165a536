"""Items to a server, several requests at a time, so that its encoder never waits for the next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bertine.cli.row_items import Columns, item_of
from bertine.cli.rows import BadRow, Row
from bertine.client import AsyncClient, CallError, Item, UpsertCounts

_REFUSED_ITEM = re.compile(r"items\[(\d+)\]\.?")


@dataclass(slots=True)
class Batch:
    """Items of one request, no id twice.

    Attributes:
        items: by id; an id that came again has the later row's.
        places: of their rows, by id.
        position: how much of the file is read with it.
    """

    items: dict[str, Item] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    position: int = 0

    def add(self, row: Row, item: Item) -> None:
        """Take an item in."""
        self.items[item.id] = item
        self.places[item.id] = row.place
        self.position = row.position


def batches(rows: Iterable[Row], columns: Columns, size: int) -> Iterator[Batch]:
    """Rows as batches of `size` items; what comes before a bad row is given before its error.

    Raises:
        BadRow: a row cannot be read, or is no item.
    """
    batch = Batch()
    try:
        for row in rows:
            batch.add(row, item_of(row, columns))
            if len(batch.items) == size:
                yield batch
                batch = Batch()
    except BadRow:
        if batch.items:
            yield batch
        raise
    if batch.items:
        yield batch


class Sender:
    """Sends batches and counts what the server acknowledges.

    Args:
        client: of the server.
        collection: to send to.
        in_flight: requests at a time.
        on_acknowledged: told the furthest position and the number of items so far.

    Attributes:
        counts: of what is acknowledged.
        stop: set it to send nothing more.
    """

    def __init__(
        self,
        client: AsyncClient,
        collection: str,
        in_flight: int,
        on_acknowledged: Callable[[int, int], None],
    ) -> None:
        self.counts = UpsertCounts()
        self.stop = asyncio.Event()
        self._client = client
        self._collection = collection
        self._in_flight = in_flight
        self._on_acknowledged = on_acknowledged
        self._position = 0
        self._flying: dict[asyncio.Task[None], Batch] = {}

    async def run(self, source: Iterable[Batch]) -> None:
        """Send batches until there are no more or `stop` is set, and wait for what is under way.

        Raises:
            BadRow: a row is bad; what came before it was sent.
            CallError: the server failed.
        """
        stopped = asyncio.create_task(self.stop.wait())
        try:
            for batch in source:
                await self._make_room(batch, stopped)
                if self.stop.is_set():
                    break
                self._flying[asyncio.create_task(self._send(batch))] = batch
            while self._flying:
                await self._wait(stopped=None)
        finally:
            stopped.cancel()
            # After an error: what is on its way counts, if it arrives.
            await asyncio.gather(*self._flying, return_exceptions=True)

    async def _make_room(self, batch: Batch, stopped: asyncio.Task[bool]) -> None:
        # Two versions of one item could be stored in either order: the later waits for the earlier.
        while not self.stop.is_set() and (
            len(self._flying) >= self._in_flight
            or any(
                not batch.items.keys().isdisjoint(other.items) for other in self._flying.values()
            )
        ):
            await self._wait(stopped)

    async def _wait(self, stopped: asyncio.Task[bool] | None) -> None:
        waited: set[asyncio.Task[None] | asyncio.Task[bool]] = set(self._flying)
        if stopped is not None:
            waited.add(stopped)
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in self._flying if task.done()]:
            del self._flying[task]
            task.result()

    async def _send(self, batch: Batch) -> None:
        items = list(batch.items.values())
        try:
            await self._upsert(items)
        except CallError as error:
            refused = _REFUSED_ITEM.match(error.field)
            if refused is None:
                raise
            # A batch is stored as a whole or not at all: what is good of it is sent again.
            position = int(refused[1])
            await self._upsert(items[:position])
            problem = error.message.removeprefix(refused[0])
            raise BadRow(batch.places[items[position].id], problem) from error
        self._position = max(self._position, batch.position)
        self._on_acknowledged(self._position, self.counts.total)

    async def _upsert(self, items: list[Item]) -> None:
        while True:
            try:
                counts = await self._client.upsert(self._collection, items)
            except CallError as error:
                # A full queue is no failure: others are using the server too.
                if error.retry_after is None or self.stop.is_set():
                    raise
                await asyncio.sleep(error.retry_after)
            else:
                self.counts += counts
                return
