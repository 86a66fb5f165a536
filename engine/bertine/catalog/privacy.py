"""Users' ids are stored only as keyed hashes."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from bertine.catalog.folder import flush_folder, make_folder, unusable
from bertine.errors import StorageError

KEY_FILE = "user.key"
KEY_SIZE = 32


class UserKey:
    """The secret of one data folder: without it the hashes say nothing about who a user is.

    Args:
        secret: `KEY_SIZE` random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def load_or_create(cls, folder: Path) -> UserKey:
        """The key of a data folder, made (mode 0600) if there is none.

        Raises:
            StorageError: it cannot be read or written, or does not have `KEY_SIZE` bytes.
        """
        path = folder / KEY_FILE
        make_folder(folder)
        try:
            if not path.exists():
                _create(path)
            secret = path.read_bytes()
        except OSError as error:
            raise unusable(path, error) from error
        if len(secret) != KEY_SIZE:
            raise StorageError(
                f"{path} has {len(secret)} bytes, not {KEY_SIZE}; restore it from a backup. With "
                "another key the events recorded so far belong to nobody"
            )
        return cls(secret)

    def digest(self, user: str) -> bytes:
        """HMAC-SHA256 of a user's id, 32 bytes."""
        return hmac.new(self._secret, user.encode(), hashlib.sha256).digest()


def _create(path: Path) -> None:
    """Write a whole key under another name, then link it: no crash leaves half a key.

    A link, unlike a rename, never replaces the key that another process made meanwhile.
    """
    draft = path.with_name(f"{KEY_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    flush_folder(path.parent)
