from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bertine.encode.vectors import VectorEncoding, normalize, pack, truncate_dimensions, unpack
from bertine.errors import InvalidInput
from bertine.types import Matrix

_finite = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24),
    elements=st.floats(-(2.0**120), 2.0**120, width=32),
).filter(lambda vectors: bool((np.abs(vectors).max(axis=1) > 0).all()))

_TOLERANCE: dict[VectorEncoding, float] = {"float32": 1e-6, "float16": 1e-3, "int8": 8e-3}
_SIZE: dict[VectorEncoding, int] = {"float32": 4, "float16": 2, "int8": 1}
encodings = pytest.mark.parametrize("encoding", ["float32", "float16", "int8"])


@given(_finite)
def test_normalized_rows_have_norm_one(vectors: Matrix) -> None:
    unit = normalize(vectors)
    assert unit.dtype == np.float32
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)


@encodings
@given(vectors=_finite)
def test_what_was_packed_unpacks(vectors: Matrix, encoding: VectorEncoding) -> None:
    unit = normalize(vectors)
    count, dimensions = unit.shape
    data = pack(unit, encoding)
    assert len(data) == count * dimensions * _SIZE[encoding]
    back = unpack(data, count=count, dimensions=dimensions, encoding=encoding)
    assert back.dtype == np.float32
    assert np.abs(back - unit).max() < _TOLERANCE[encoding] * np.sqrt(dimensions)


@encodings
@given(vectors=_finite)
def test_packing_again_changes_little(vectors: Matrix, encoding: VectorEncoding) -> None:
    count, dimensions = vectors.shape
    shape = {"count": count, "dimensions": dimensions}
    once = unpack(pack(normalize(vectors), encoding), **shape, encoding=encoding)
    twice = unpack(pack(once, encoding), **shape, encoding=encoding)
    assert np.abs(once - twice).max() < _TOLERANCE[encoding] * np.sqrt(dimensions)


def test_int8_is_rounded_and_clipped() -> None:
    vectors = np.array([[1.0, -1.0, 0.5, 0.003, 1.01]], dtype=np.float32)
    assert np.frombuffer(pack(vectors, "int8"), np.int8).tolist() == [127, -127, 64, 0, 127]


def test_bytes_are_little_endian() -> None:
    assert pack(np.array([[1.0]], dtype=np.float32)) == b"\x00\x00\x80\x3f"
    assert pack(np.array([[1.0]], dtype=np.float32), "float16") == b"\x00\x3c"


def test_no_vectors_pack_to_no_bytes() -> None:
    assert unpack(b"", count=0, dimensions=8).shape == (0, 8)
    assert pack(np.empty((0, 8), dtype=np.float32)) == b""


@encodings
def test_a_wrong_number_of_bytes_is_refused(encoding: VectorEncoding) -> None:
    with pytest.raises(InvalidInput, match="has 5 bytes; 1 vectors of 4") as caught:
        unpack(b"12345", count=1, dimensions=4, encoding=encoding, field="items[0].vector")
    assert caught.value.field == "items[0].vector.data"


@pytest.mark.parametrize(("dimensions", "expected"), [(0, None), (4, 8)])
def test_wrong_dimensions_are_refused(dimensions: int, expected: int | None) -> None:
    with pytest.raises(InvalidInput, match="must be") as caught:
        unpack(b"", count=0, dimensions=dimensions, expected=expected)
    assert caught.value.field == "vectors.dimensions"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("encoding", ["float32", "float16"])
def test_a_component_that_is_not_finite_is_refused(bad: float, encoding: VectorEncoding) -> None:
    vectors = np.array([[1, 0], [0.5, bad]], dtype=np.float32)
    with pytest.raises(InvalidInput, match="NaN or infinite") as caught:
        unpack(pack(vectors, encoding), count=2, dimensions=2, encoding=encoding)
    assert caught.value.field == "vectors[1]"


@encodings
def test_a_vector_of_zeros_is_refused(encoding: VectorEncoding) -> None:
    data = pack(np.array([[1, 0], [0, 0]], dtype=np.float32), encoding)
    with pytest.raises(InvalidInput, match="all zeros") as caught:
        unpack(data, count=2, dimensions=2, encoding=encoding)
    assert caught.value.field == "vectors[1]"


@given(_finite, st.integers(1, 24))
def test_fewer_dimensions_keep_the_first_and_norm_one(vectors: Matrix, keep: int) -> None:
    unit = normalize(vectors)
    if keep > unit.shape[1]:
        with pytest.raises(InvalidInput, match="the model's vectors have 1 to"):
            truncate_dimensions(unit, keep)
        return
    kept = unit[:, :keep]
    if not np.abs(kept).max(axis=1).all():
        with pytest.raises(InvalidInput, match="all zeros"):
            truncate_dimensions(unit, keep)
        return
    short = truncate_dimensions(unit, keep)
    assert short.shape == (len(unit), keep)
    assert np.allclose(np.linalg.norm(short, axis=1), 1, atol=1e-5)
    assert (short * kept >= 0).all()


def test_zero_dimensions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="dimensions: is 0"):
        truncate_dimensions(np.ones((1, 4), dtype=np.float32), 0)
