"""ImportItems: a stream of batches, summed up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from bertine.errors import InvalidInput
from bertine.v1 import catalog_pb2 as pb


async def import_stream(
    requests: AsyncIterator[pb.ImportItemsRequest],
    import_one: Callable[[pb.ImportItemsRequest], Awaitable[pb.ImportItemsResponse]],
) -> pb.ImportItemsResponse:
    """Import batch by batch; what was imported before an error stays.

    Args:
        requests: the first names the collection, the others may.
        import_one: imports a batch, whose collection is set.

    Raises:
        InvalidInput: the collection changes.
    """
    name = ""
    total = pb.ImportItemsResponse()
    async for request in requests:
        if name and request.collection not in {"", name}:
            raise InvalidInput("collection", f"changes from {name!r}; one stream, one collection")
        name = name or request.collection
        # What the first batch went to takes the others too, whatever an alias stands for by then.
        request.collection = total.collection or name
        done = await import_one(request)
        total.collection = done.collection
        total.inserted += done.inserted
        total.updated += done.updated
        total.unchanged += done.unchanged
        total.sequence = done.sequence
    return total
