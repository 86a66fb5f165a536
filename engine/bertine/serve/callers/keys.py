"""Keys of callers: how they are made, sent and known again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from bertine.errors import Unauthenticated

HEADER = "authorization"
"""Metadata key of a call's key."""

SCHEME = "Bearer "
KEY_BYTES = 32
MAX_BYTES = 512
"""Of the header; what is longer is no key of ours."""

_HOW = "send the metadata authorization: Bearer KEY"


def new_key() -> str:
    """A random key of 256 bits, in characters that need no quoting."""
    return secrets.token_urlsafe(KEY_BYTES)


def digest_of(key: str) -> bytes:
    """SHA-256 of a key. A random key of 256 bits needs neither salt nor slowness."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def header_of(metadata: Iterable[Any] | None) -> str:
    """The authorization header of a call, "" if it has none.

    Args:
        metadata: pairs of key and value.

    Raises:
        Unauthenticated: there are several, or it is no text, not ASCII or too long to hold a key.
    """
    found = [value for key, value in metadata or () if key == HEADER]
    if not found:
        return ""
    if len(found) > 1:
        raise Unauthenticated(f"the call has {len(found)} authorization headers; send one")
    [value] = found
    if not (isinstance(value, str) and len(value) <= MAX_BYTES and value.isascii()):
        raise Unauthenticated(f"the authorization header holds no key; {_HOW}")
    return value


def key_of(header: str) -> str:
    """The key in a header.

    Raises:
        Unauthenticated: none, or of another scheme.
    """
    if not header:
        raise Unauthenticated(f"the call has no key; {_HOW}")
    # The scheme's case is free, see RFC 9110, 11.1.
    if header[: len(SCHEME)].lower() != SCHEME.lower() or not header[len(SCHEME) :].strip():
        raise Unauthenticated(f"the authorization header holds no key; {_HOW}")
    return header[len(SCHEME) :].strip()
