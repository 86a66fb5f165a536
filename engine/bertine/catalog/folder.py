"""The data folder: made if need be, locked, its entries flushed to disk."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from bertine.errors import StorageError

LOCK_FILE = "LOCK"


class FolderLock:
    """Keeps other processes out of a data folder until `release`.

    The kernel drops the lock with the process, so a crash leaves none behind. The file stays: to
    delete it would let two processes lock two files of the same name.

    Args:
        folder: exists.

    Raises:
        StorageError: another process holds the lock (named by its number), or the folder cannot be
            written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._descriptor = _open(self._path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise self._refused(error) from error

    def release(self) -> None:
        """Let others in. May be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _refused(self, error: OSError) -> StorageError:
        if not isinstance(error, BlockingIOError):
            return unusable(self._path, error)
        holder = ""
        with contextlib.suppress(OSError):
            holder = self._path.read_text().strip()
        return StorageError(
            f"{self._path.parent} is in use by process {holder or 'unknown'}; stop that one, or "
            "give this one a data folder of its own"
        )


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, unless it exists.

    Raises:
        StorageError: it cannot be made, or is not a folder.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error


def flush_folder(folder: Path) -> None:
    """Make the folder's entries durable: a file's own fsync does not cover its name.

    Raises:
        StorageError: the disk failed.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(folder, error) from error


def unusable(path: Path, error: OSError) -> StorageError:
    """The error to raise for a file or folder that the operating system refuses."""
    return StorageError(
        f"{path}: {error.strerror}; the data folder must be a folder on a local disk with space "
        f"left, which the user that runs Bertine (uid {os.geteuid()}) can read and write"
    )


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(path, error) from error
