from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from bertine.catalog.folder import LOCK_FILE, FolderLock, flush_folder, make_folder
from bertine.catalog.store import Store
from bertine.errors import StorageError

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1


def drop_override() -> None:
    """Without this capability modes hold for root too, from the next exec on."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the capability cannot be dropped")


def test_a_second_process_learns_who_has_the_folder(
    folder: Path, start_child: Callable[..., Popen[str]]
) -> None:
    with start_child("open", folder) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "opened\n"
        with pytest.raises(StorageError, match=f"is in use by process {child.pid}; stop"):
            Store.open(folder)
        child.kill()
        child.wait()
    with Store.open(folder) as store:  # the lock went with the process
        assert store.collections() == []


def test_a_second_store_in_one_process_is_refused_too(store: Store) -> None:
    with pytest.raises(StorageError, match=f"process {os.getpid()}"):
        Store.open(store.folder)


def test_release_lets_others_in(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.release()
    lock.release()
    FolderLock(tmp_path).release()


def test_an_open_that_fails_releases_the_folder(folder: Path) -> None:
    folder.mkdir()
    path = folder / "catalog.sqlite3"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError):
        Store.open(folder)
    path.unlink()
    Store.open(folder).close()


@pytest.mark.parametrize("existing", [False, True])
def test_a_folder_that_cannot_be_written(
    folder: Path, start_child: Callable[..., Popen[str]], *, existing: bool
) -> None:
    Store.open(folder).close()
    if not existing:
        for file in folder.iterdir():
            file.unlink()
    for path in (*folder.iterdir(), folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    with start_child("open", folder, before=drop_override) as child:
        _, errors = child.communicate(timeout=30)
    folder.chmod(0o700)
    assert child.returncode == 1
    assert "StorageError" in errors
    assert "LOCK: Permission denied; the data folder must be" in errors


def test_a_file_in_the_folders_place(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(StorageError, match="File exists; the data folder must be"):
        make_folder(folder)


def test_folders_are_made_for_their_owner_only(folder: Path) -> None:
    Store.open(folder / "deep").close()
    assert (folder / "deep").stat().st_mode & 0o777 == 0o700
    assert (folder / "deep" / LOCK_FILE).stat().st_mode & 0o777 == 0o600


def test_flushing_what_is_not_there(folder: Path) -> None:
    with pytest.raises(StorageError, match="No such file"):
        flush_folder(folder)
