"""Keys of users' hashes that were replaced, in a file of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertine.catalog.folder import flush_folder, unusable
from bertine.errors import StorageError

FORMER_FILE = "user.keys.old"


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that was replaced.

    Attributes:
        replaced: time.
        secret: as it was.
    """

    replaced: float
    secret: bytes


def read_former(folder: Path) -> list[FormerKey]:
    """The former keys of a data folder, oldest first; none if none was ever replaced.

    Raises:
        StorageError: the file is damaged or cannot be read.
    """
    path = folder / FORMER_FILE
    try:
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    except OSError as error:
        raise unusable(path, error) from error
    except UnicodeError as error:
        raise _damaged(path) from error
    return [_parsed(line, path) for line in lines]


def _parsed(line: str, path: Path) -> FormerKey:
    try:
        replaced, secret = line.split()
        return FormerKey(float(replaced), bytes.fromhex(secret))
    except ValueError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> StorageError:
    return StorageError(
        f"{path} is damaged; restore it from a backup. Without it the events of users who have not "
        "come since the key was replaced belong to nobody"
    )


def write_former(folder: Path, keys: Sequence[FormerKey]) -> None:
    """Replace the file as a whole; the old one is overwritten before its name goes.

    Args:
        folder: the data folder.
        keys: oldest first.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / FORMER_FILE
    draft = path.with_name(f"{FORMER_FILE}.draft")
    text = "".join(f"{key.replaced!r} {key.secret.hex()}\n" for key in keys)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    _write(descriptor, text.encode())
    old = os.open(path, os.O_WRONLY | os.O_CLOEXEC) if path.exists() else None
    draft.replace(path)
    flush_folder(folder)
    if old is not None:  # it has no name any more, so no crash can leave half a file
        _write(old, bytes(os.fstat(old).st_size))


def _write(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
