"""The real all-MiniLM-L6-v2, every variant; against the STS Benchmark where it is at hand."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bertine.artifact import Artifact
from bertine_export import session, source, tokenizer, verify
from bertine_export.tokenizer import Batch
from bertine_export.variant import SAMPLE_TEXTS

with warnings.catch_warnings():  # what torch warns of while it is imported is not ours
    warnings.simplefilter("ignore")
    from sentence_transformers import SentenceTransformer


def batches(artifact: Artifact, texts: list[str]) -> tuple[list[Batch], NDArray[np.int64]]:
    """The texts in batches of similar length, and the row in them of each text."""
    manifest = artifact.manifest
    rows = tokenizer.encode(tokenizer.load(artifact.tokenizer_path, manifest.max_length), texts)
    order = np.argsort([len(row) for row in rows], kind="stable")
    return tokenizer.sorted_batches(rows, manifest.pad_token_id), np.argsort(order)


def embed(artifact: Artifact, variant: str, texts: list[str]) -> NDArray[np.float32]:
    made, position = batches(artifact, texts)
    return session.embed(session.open_session(artifact.path(variant)), made)[position]


def test_all_variants_pass_their_gates(minilm: Artifact) -> None:
    manifest = minilm.manifest
    assert (manifest.name, manifest.dimensions, manifest.max_length) == (
        "all-MiniLM-L6-v2",
        384,
        256,
    )
    assert manifest.source_sha256 == source.MINILM_SHA256
    for variant in manifest.variants:
        minilm.verify(variant.name)
        assert verify.failure(variant.parity, verify.GATES[variant.precision]) is None
    sizes = {variant.name: variant.size_bytes for variant in manifest.variants}
    assert sizes["int8"] < sizes["fp32"] / 3
    assert sizes["fp16"] == pytest.approx(sizes["fp32"] / 2, rel=0.02)


def test_what_a_gpu_variant_is_can_be_read_from_the_manifest(minilm: Artifact) -> None:
    found = {
        variant.name: (variant.provider, variant.precision, variant.fused, variant.packed)
        for variant in minilm.manifest.variants
        if variant.provider != "cpu"
    }
    assert found == {
        "fp16": ("cuda", "fp16", True, False),
        "fp16-packed": ("cuda", "fp16", True, True),
        "int8-qdq": ("tensorrt", "int8", False, False),
    }


def test_speed_is_told_only_of_variants_for_this_machine(minilm: Artifact) -> None:
    for variant in minilm.manifest.variants:
        assert (variant.texts_per_second > 0) == (variant.provider == "cpu")


def test_fp16_loses_next_to_nothing_and_int8_little(minilm: Artifact) -> None:
    parity = {variant.name: variant.parity for variant in minilm.manifest.variants}
    assert parity["fp16"].cosine_min > 0.9999
    assert parity["fp16-packed"].cosine_min > 0.9999
    assert parity["fp16-packed"].texts == SAMPLE_TEXTS
    assert parity["int8-qdq"].cosine_mean > 0.998
    assert parity["int8-qdq"].cosine_min > 0.97


def test_similar_texts_are_near_in_both_variants(minilm: Artifact) -> None:
    texts = ["a cat sleeps on the sofa", "a kitten naps on the couch", "quarterly tax return"]
    for variant in ("fp32", "int8"):
        vectors = embed(minilm, variant, texts)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
        assert near > 0.5
        assert far < 0.2


@pytest.mark.data
def test_fp32_vectors_are_those_of_sentence_transformers(minilm: Artifact, data: Path) -> None:
    pairs = verify.read_pairs(data / "sts_benchmark" / "sts-dev.csv.gz")
    texts = list(pairs.left)[:1000]
    model: Any = SentenceTransformer(str(source.resolve("all-MiniLM-L6-v2").folder), device="cpu")
    expected = model.encode(texts, normalize_embeddings=True)
    assert verify.cosines(embed(minilm, "fp32", texts), expected).min() >= 0.9999


@pytest.mark.data
def test_rounding_keeps_the_sts_correlation(minilm: Artifact, data: Path) -> None:
    pairs = verify.read_pairs(data / "sts_benchmark" / "sts-dev.csv.gz")
    texts = [*pairs.left, *pairs.right]
    scores = {}
    for variant in ("fp32", "int8", "fp16", "int8-qdq"):
        left, right = np.split(embed(minilm, variant, texts), 2)
        scores[variant] = verify.spearman(verify.cosines(left, right), pairs.scores)
    assert scores["fp32"] == pytest.approx(86.7, abs=0.5)
    assert scores["fp32"] - scores["int8"] <= 0.5
    assert scores["fp32"] - scores["int8-qdq"] <= 0.5
    assert scores["fp32"] - scores["fp16"] <= 0.05
