"""Users' and sessions' ids are stored only as keyed hashes.

A hash cannot be made with another key without the id, so a key that is replaced is kept beside the
new one: who comes again is found by the old hash and known by the new one from then on. To drop the
old key leaves those who did not come in the meantime to nobody: their events belong to a hash that
no id leads to.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from bertine.catalog.folder import flush_folder, make_folder, unusable
from bertine.catalog.former_keys import FormerKey, read_former, write_former
from bertine.errors import StorageError

KEY_FILE = "user.key"
KEY_SIZE = 32


class Digest(bytes):
    """The hash of an id.

    Attributes:
        former: hashes of the same id under keys that were replaced, the latest first.
    """

    former: tuple[bytes, ...] = ()


class UserKey:
    """The secret of one data folder: without it the hashes say nothing about who a user is.

    Args:
        secret: `KEY_SIZE` random bytes.
        former: secrets that were replaced, the latest first.
    """

    def __init__(self, secret: bytes, former: Sequence[bytes] = ()) -> None:
        self._secret = secret
        self._former = tuple(one for one in former if one != secret)

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
                create_key(path)
            secret = path.read_bytes()
        except OSError as error:
            raise unusable(path, error) from error
        if len(secret) != KEY_SIZE:
            raise StorageError(
                f"{path} has {len(secret)} bytes, not {KEY_SIZE}; restore it from a backup. With "
                "another key the events recorded so far belong to nobody"
            )
        return cls(secret, [key.secret for key in reversed(read_former(folder))])

    def digest(self, user: str) -> Digest:
        """HMAC-SHA256 of a user's id, 32 bytes, and those of the keys that were replaced."""
        made = Digest(_hash(self._secret, user))
        if self._former:
            made.former = tuple(_hash(secret, user) for secret in self._former)
        return made

    def session_digest(self, session: str) -> bytes:
        """HMAC-SHA256 of a session's id, 32 bytes; unlike that of a user of the same id."""
        return _hash(self._secret, f"session\0{session}")


def _hash(secret: bytes, text: str) -> bytes:
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()


def create_key(path: Path, *, replace: bool = False) -> None:
    """Write a whole key under another name, then link it: no crash leaves half a key.

    A link, unlike a rename, never replaces the key that another process made meanwhile.

    Args:
        path: of the key.
        replace: the one that is there.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def rotate(folder: Path, now: float, forget_older_than: float | None = None) -> tuple[int, int]:
    """Replace the key of a data folder that no server uses, keeping it beside the new one.

    Args:
        folder: the data folder, locked by the caller.
        now: time.
        forget_older_than: drop keys that were replaced so many seconds ago or longer; their users
            who have not come since are nobody's. None keeps all.

    Returns:
        How many former keys are kept, and how many were dropped.

    Raises:
        StorageError: the keys cannot be read or written.
    """
    path = folder / KEY_FILE
    UserKey.load_or_create(folder)  # says what is wrong with a key that is damaged
    try:
        former = read_former(folder)
        limit = None if forget_older_than is None else now - forget_older_than
        kept = [key for key in former if limit is None or key.replaced > limit]
        # Before the new key is there: a crash between the two leaves the present one twice.
        write_former(folder, [*kept, FormerKey(now, path.read_bytes())])
        create_key(path, replace=True)
    except OSError as error:
        raise unusable(path, error) from error
    return len(kept) + 1, len(former) - len(kept)
