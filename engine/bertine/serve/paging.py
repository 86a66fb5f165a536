"""Pages of a listing, and tokens that say where it goes on. Clients treat these as opaque."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable

from bertine.errors import InvalidInput
from bertine.types import Item

LOOK = 1_000
"""Items that are read at a time, at least, where not all of them are wanted."""


async def next_items(
    read: Callable[[str, int], list[Item]],
    visible: Callable[[Iterable[Item]], list[Item]],
    after: str,
    count: int,
) -> list[Item]:
    """The next items that somebody may see.

    Where he may see few, many are read; a call that is cancelled stops that.

    Args:
        read: gives the items after an id, at most so many, by ascending id.
        visible: leaves out what he may not see.
        after: an id.
        count: wanted.
    """
    found: list[Item] = []
    size = count
    while True:
        batch = await asyncio.to_thread(read, after, size)
        found += visible(batch)
        if len(found) >= count or len(batch) < size:
            return found[:count]
        after, size = batch[-1].id, max(count, LOOK)


def encode_page_token(last_id: str) -> str:
    """The token of the page after the one that ends with this id."""
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def decode_page_token(token: str) -> str:
    """The last id of the page before, "" for the first page.

    Raises:
        InvalidInput: not a token that a listing gave.
    """
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise InvalidInput(
            "page_token", "is not one that ListItems gave; use next_page_token as it is"
        ) from error
