"""Vectors after the encoder: cut to fewer dimensions, packed into bytes, and unpacked."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from bertine.errors import InvalidInput
from bertine.types import Matrix

VectorEncoding = Literal["float32", "float16", "int8"]

_INT8_SCALE = 127
_DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "int8": np.dtype("i1"),
}


def normalize(vectors: Matrix, *, field: str = "vectors") -> Matrix:
    """Scale rows to L2 norm 1.

    Args:
        vectors: float32 ``[count, dimensions]``.
        field: the caller's name for them, for messages.

    Raises:
        InvalidInput: a row is not finite, or is all zeros.
    """
    # Divided by its largest component first, a row can neither overflow nor vanish when squared.
    peaks = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    _refuse_bad(peaks[:, 0], field)
    scaled = vectors / peaks
    unit: Matrix = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return unit


def truncate_dimensions(vectors: Matrix, dimensions: int) -> Matrix:
    """Keep the first components and normalise again.

    Args:
        vectors: float32 ``[count, d]``.
        dimensions: 1 to ``d``.

    Returns:
        float32 ``[count, dimensions]``; ``vectors`` itself where nothing is cut.

    Raises:
        InvalidInput: ``dimensions`` out of range, or a row has nothing in those components.
    """
    have = vectors.shape[1]
    if not 1 <= dimensions <= have:
        raise InvalidInput("dimensions", f"is {dimensions}, the model's vectors have 1 to {have}")
    if dimensions == have:
        return vectors
    return normalize(vectors[:, :dimensions])


def pack(vectors: Matrix, encoding: VectorEncoding = "float32") -> bytes:
    """Little-endian bytes, row after row.

    Args:
        vectors: float32 ``[count, dimensions]``, finite, rows of norm 1.
        encoding: int8 is ``round(127 x)``, clipped to -127 .. 127.
    """
    if encoding == "int8":
        vectors = np.clip(np.rint(vectors * _INT8_SCALE), -_INT8_SCALE, _INT8_SCALE)
    return vectors.astype(_DTYPES[encoding], copy=False).tobytes()


def unpack(
    data: bytes,
    *,
    count: int,
    dimensions: int,
    encoding: VectorEncoding = "float32",
    expected: int | None = None,
    field: str = "vectors",
) -> Matrix:
    """Vectors from `pack`'s bytes, normalised.

    Args:
        data: ``count * dimensions`` components.
        count: of vectors, 0 or more.
        dimensions: of one vector.
        encoding: of the bytes.
        expected: dimensions that the model or collection has; None takes any.
        field: the caller's name for the vectors, for messages.

    Returns:
        float32 ``[count, dimensions]``, rows of norm 1.

    Raises:
        InvalidInput: wrong number of bytes or dimensions, a component that is not finite, or a
            vector of zeros.
    """
    _check_dimensions(dimensions, expected, field)
    dtype = _DTYPES[encoding]
    want = count * dimensions * dtype.itemsize
    if len(data) != want:
        raise InvalidInput(
            f"{field}.data",
            f"has {len(data)} bytes; {count} vectors of {dimensions} {encoding} components "
            f"take {want}",
        )
    raw = np.frombuffer(data, dtype).reshape(count, dimensions)
    return normalize(raw.astype(np.float32), field=field)


def _check_dimensions(dimensions: int, expected: int | None, field: str) -> None:
    if dimensions < 1:
        raise InvalidInput(f"{field}.dimensions", f"must be at least 1, not {dimensions}")
    if expected is not None and dimensions != expected:
        raise InvalidInput(f"{field}.dimensions", f"is {dimensions}, must be {expected}")


def _refuse_bad(peaks: np.ndarray[tuple[int], np.dtype[np.float32]], field: str) -> None:
    good = np.isfinite(peaks) & (peaks > 0)
    if good.all():
        return
    where = int(np.flatnonzero(~good)[0])
    what = "is all zeros, so it has no direction"
    if not np.isfinite(peaks[where]):
        what = "has a component that is NaN or infinite"
    raise InvalidInput(f"{field}[{where}]", f"{what}; send a finite vector other than zero")
