"""Page tokens: where a listing goes on. Clients treat them as opaque."""

from __future__ import annotations

import base64
import binascii

from bertine.errors import InvalidInput


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
