"""What `bertine doctor` looks at: a model folder and a data folder."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bertine import artifact
from bertine.artifact import Artifact
from bertine.cli.checks import Finding, attempt
from bertine.errors import ArtifactError, StorageError

_GIBIBYTE = 1 << 30
_DEFAULT_MODEL = "all-MiniLM-L6-v2"


def check_model(folder: Path) -> Iterator[Finding]:
    """Whether a model folder is as it was exported, a finding for each variant."""
    try:
        model = artifact.load(folder)
    except (ArtifactError, OSError) as error:
        yield Finding("model", "broken", str(error), _export(_DEFAULT_MODEL, folder))
        return
    remedy = _export(model.manifest.source, folder)
    for variant in model.manifest.variants:
        yield attempt(f"model {variant.name}", remedy, partial(_verified, model, variant.name))


def _export(source: str, folder: Path) -> str:
    return f"bertine export {shlex.quote(source)} --out {shlex.quote(str(folder))} --force"


def _verified(model: Artifact, variant: str) -> str:
    model.verify(variant)
    manifest = model.manifest
    return f"{manifest.name}, {manifest.dimensions} dimensions, files are as exported"


def check_data(folder: Path) -> Iterator[Finding]:
    """Whether a data folder can be written to and its catalog opened; nothing in it is changed."""
    if folder.is_dir():
        yield attempt(
            "data", f"chown -R $(id -u) {shlex.quote(str(folder))}", partial(_data, folder)
        )
    else:
        remedy = "bertine serve --data FOLDER  # one below a folder that you can write to"
        yield attempt("data", remedy, partial(_new, folder))


def _new(folder: Path) -> str:
    if folder.exists():
        raise StorageError(f"{folder} is a file; give a folder")
    parent = next(parent for parent in folder.absolute().parents if parent.exists())
    _check_writable(parent)
    return f"{folder} will be made; {_free(parent)}"


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"{folder} cannot be written to by uid {os.geteuid()}")


def _free(folder: Path) -> str:
    return f"{shutil.disk_usage(folder).free / _GIBIBYTE:,.1f} GiB free"


def _data(folder: Path) -> str:
    from bertine.catalog.folder import LOCK_FILE, FolderLock  # noqa: PLC0415 - only inside a check

    _check_writable(folder)
    if not (folder / LOCK_FILE).exists():
        return f"{folder} is writable; {_free(folder)}"
    try:
        lock = FolderLock(folder)
    except StorageError as error:
        if isinstance(error.__cause__, BlockingIOError):
            holder = (folder / LOCK_FILE).read_text(encoding="ascii").strip()
            return f"a server holds it (process {holder}), so it was not opened; {_free(folder)}"
        raise
    try:
        return f"{_catalog(folder)}; {_free(folder)}"
    finally:
        lock.release()


def _catalog(folder: Path) -> str:
    from bertine.catalog.connection import open_reading, translated  # noqa: PLC0415 - as above
    from bertine.catalog.store import FILE  # noqa: PLC0415 - as above

    path = folder / FILE
    if not path.exists():
        return f"{folder} is writable and holds no catalog yet"
    with translated(path), closing(open_reading(path)) as connection:
        # Of every schema: a deleted collection that is not yet erased has a name with a slash.
        query = "SELECT item_count FROM collections WHERE name NOT LIKE '/%'"
        counts = [items for (items,) in connection.execute(query)]
    return f"{folder} holds {sum(counts):,} items in {len(counts):,} collections"
