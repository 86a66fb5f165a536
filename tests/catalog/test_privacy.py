from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from bertine.catalog.former_keys import FORMER_FILE
from bertine.catalog.privacy import KEY_FILE, KEY_SIZE, UserKey, rotate
from bertine.errors import StorageError


def test_the_key_is_made_once_and_for_its_owner_only(folder: Path) -> None:
    digest = UserKey.load_or_create(folder).digest("ann")
    path = folder / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == KEY_SIZE
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]
    assert UserKey.load_or_create(folder).digest("ann") == digest


def test_it_is_hmac_sha256(folder: Path) -> None:
    key = UserKey.load_or_create(folder)
    secret = (folder / KEY_FILE).read_bytes()
    assert key.digest("żółw") == hmac.new(secret, "żółw".encode(), hashlib.sha256).digest()
    assert key.digest("ann") != key.digest("bob")


def test_folders_have_different_keys(tmp_path: Path) -> None:
    digests = {UserKey.load_or_create(tmp_path / name).digest("ann") for name in ("a", "b")}
    assert len(digests) == 2


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_the_wrong_size_is_refused(folder: Path, size: int) -> None:
    folder.mkdir()
    (folder / KEY_FILE).write_bytes(bytes(size))
    with pytest.raises(StorageError, match=f"has {size} bytes, not 32; restore it from a backup"):
        UserKey.load_or_create(folder)


def test_a_key_made_by_another_process_meanwhile_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = UserKey.load_or_create(folder)
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name != KEY_FILE and real(path))
    assert UserKey.load_or_create(folder).digest("ann") == first.digest("ann")
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]


def test_what_cannot_be_read_is_a_storage_error(folder: Path) -> None:
    (folder / KEY_FILE).mkdir(parents=True)
    with pytest.raises(StorageError, match=KEY_FILE):
        UserKey.load_or_create(folder)


def test_a_key_is_replaced_and_kept(folder: Path) -> None:
    old = UserKey.load_or_create(folder).digest("ann")
    assert rotate(folder, 1000.0) == (1, 0)
    new = UserKey.load_or_create(folder).digest("ann")
    assert new != old
    assert new.former == (old,)
    assert rotate(folder, 2000.0) == (2, 0)
    assert UserKey.load_or_create(folder).digest("ann").former == (new, old)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_keys_that_were_replaced_long_ago_are_dropped(folder: Path) -> None:
    UserKey.load_or_create(folder)
    first = (folder / KEY_FILE).read_bytes()
    rotate(folder, 1000.0)
    second = UserKey.load_or_create(folder).digest("ann")
    assert rotate(folder, 2000.0, forget_older_than=500.0) == (1, 1)
    assert UserKey.load_or_create(folder).digest("ann").former == (second,)
    assert first.hex() not in (folder / FORMER_FILE).read_text()


def test_a_damaged_file_of_former_keys_is_refused(folder: Path) -> None:
    UserKey.load_or_create(folder)
    (folder / FORMER_FILE).write_text("1.0 zz\n")
    with pytest.raises(StorageError, match="restore it from a backup"):
        UserKey.load_or_create(folder)


def test_a_session_is_not_hashed_as_a_user() -> None:
    key = UserKey(bytes(32))
    assert key.session_digest("ann") != key.digest("ann")
