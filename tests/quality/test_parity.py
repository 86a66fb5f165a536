"""Served vectors against sentence-transformers' own."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks.data import Pair
from benchmarks.metrics import cosines
from bertine.client import Client
from bertine.testing import ServerProcess
from bertine.types import Matrix
from bertine.v1 import common_pb2, embedding_pb2, embedding_pb2_grpc

pytestmark = pytest.mark.data


@pytest.fixture
def stub(fp32_server: ServerProcess) -> Iterator[embedding_pb2_grpc.EmbeddingServiceStub]:
    with grpc.insecure_channel(fp32_server.target) as channel:
        yield embedding_pb2_grpc.EmbeddingServiceStub(channel)


@pytest.fixture(scope="module")
def served(fp32: Client, sentences: list[str]) -> Matrix:
    return fp32.embed(sentences)


def test_fp32_vectors_are_those_of_sentence_transformers(
    served: Matrix, reference_vectors: Matrix
) -> None:
    assert served.shape == reference_vectors.shape == (1_000, 384)
    assert cosines(served, reference_vectors).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(served, axis=1), 1.0, atol=1e-5)


def test_float16_on_the_wire_costs_a_rounding(
    stub: embedding_pb2_grpc.EmbeddingServiceStub,
    sentences: list[str],
    reference_vectors: Matrix,
) -> None:
    vectors = packed(stub, sentences, common_pb2.VECTOR_ENCODING_FLOAT16, "<f2")
    assert cosines(vectors, reference_vectors).min() >= 0.9999
    # binary16 has 11 significant bits: components below 0.5 are off by at most 2^-13.
    assert np.abs(vectors - reference_vectors).max() <= 2**-13 + 1e-4


def test_int8_on_the_wire_costs_half_a_step(
    stub: embedding_pb2_grpc.EmbeddingServiceStub,
    sentences: list[str],
    reference_vectors: Matrix,
) -> None:
    vectors = packed(stub, sentences, common_pb2.VECTOR_ENCODING_INT8, "<i1") / np.float32(127)
    assert np.abs(vectors - reference_vectors).max() <= 0.5 / 127 + 1e-4
    # Rounding noise of variance step^2 / 12 in 384 components against a unit vector.
    assert cosines(vectors, reference_vectors).min() >= 0.998


def test_int8_loses_at_most_half_a_point_of_spearman(
    fp32: Client, int8: Client, sts_dev: list[Pair]
) -> None:
    full, quantised = sts_spearman(fp32, sts_dev), sts_spearman(int8, sts_dev)
    assert full == pytest.approx(86.7, abs=0.1)  # the model's own, as measured at export
    assert quantised >= full - 0.5


def packed(
    stub: embedding_pb2_grpc.EmbeddingServiceStub,
    texts: list[str],
    encoding: common_pb2.VectorEncoding,
    kind: str,
) -> Matrix:
    request = embedding_pb2.EmbedRequest(texts=texts, encoding=encoding)
    vectors = stub.Embed(request, timeout=120).vectors
    assert (vectors.encoding, vectors.count) == (encoding, len(texts))
    rows = np.frombuffer(vectors.data, kind).astype(np.float32)
    return rows.reshape(vectors.count, vectors.dimensions)


def sts_spearman(client: Client, pairs: list[Pair]) -> float:
    left = client.embed([pair.left for pair in pairs])
    right = client.embed([pair.right for pair in pairs])
    gold = [pair.score for pair in pairs]
    return 100 * float(spearmanr(cosines(left, right), gold).statistic)
