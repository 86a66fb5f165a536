"""The artifact's folder: written beside its place, made durable, then moved there in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertine.artifact import MANIFEST
from bertine.errors import ArtifactError


def check_free(out: Path, *, force: bool) -> None:
    """Check, before any work, that an artifact may be written to `out`.

    Raises:
        ArtifactError: something is there: a file, a folder that is no artifact, or an artifact
            without `force`.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / MANIFEST).is_file():
        raise ArtifactError(f"{out} exists and is not a model folder; choose another --out")
    if not force:
        raise ArtifactError(f"{out} already holds a model; replace it with --force")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `out` where the block ends without an error.

    Raises:
        ArtifactError: the disk is full, or the parent folder cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            yield temporary
            temporary.chmod(0o755)  # mkdtemp makes it private
            _sync(temporary)
            _swap(temporary, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise ArtifactError(f"{out} cannot be written: {error.strerror or error}") from error


def _sync(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _swap(new: Path, out: Path) -> None:
    """Put `new` in the place of `out`, whose old content goes last, so that a crash loses none."""
    if not out.exists():
        new.rename(out)
    else:
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent)) / out.name
        out.rename(old)
        new.rename(out)
        shutil.rmtree(old.parent, ignore_errors=True)
    _sync_parent(out)


def _sync_parent(out: Path) -> None:
    descriptor = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
