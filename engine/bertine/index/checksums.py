"""SHA-256 of large files by several threads: of each piece, then of the pieces' digests in order.

The one of a file is a Merkle tree of two levels (R. C. Merkle, CRYPTO 1987): as hard to forge as
SHA-256 itself, and no longer bound to one core.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PIECE = 8 << 20


def digests(paths: Iterable[Path], threads: int) -> dict[str, str]:
    """The checksums of files in hex, by file name.

    Args:
        paths: no file name twice.
        threads: that hash.

    Raises:
        OSError: one of them cannot be read.
    """
    names = {path: list(_offsets(path)) for path in paths}
    with ThreadPoolExecutor(threads, thread_name_prefix="bertine-hash") as pool:
        pieces = {
            path: pool.map(_digest_of, [path] * len(offsets), offsets)
            for path, offsets in names.items()
        }
        return {path.name: hashlib.sha256(b"".join(of)).hexdigest() for path, of in pieces.items()}


def _offsets(path: Path) -> Iterator[int]:
    return iter(range(0, path.stat().st_size, _PIECE))


def _digest_of(path: Path, offset: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return hashlib.sha256(os.pread(descriptor, _PIECE, offset)).digest()
    finally:
        os.close(descriptor)
