"""Every architecture and pooling gives sentence-transformers' own vectors."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from bertine.artifact import Artifact
from bertine.errors import ArtifactError
from bertine_export import (
    Settings,
    architecture,
    distilbert,
    encoder,
    export_model,
    fuse,
    metadata,
    packing,
    session,
    tokenizer,
)
from bertine_export.settings import Fusion

with warnings.catch_warnings():  # what torch warns of while it is imported is not ours
    warnings.simplefilter("ignore")
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer

ARCHITECTURES = ("bert", "distilbert", "roberta", "xlm-roberta", "mpnet")
POOLINGS = {"cls_token": "cls", "max_tokens": "max", "mean_sqrt_len_tokens": "mean_sqrt_len"}
# One token besides the special ones, none at all, white space around, and far over the maximum.
TEXTS = ("a", "", "  a red bicycle \n", "How is the weather in Lisbon, and who asks?", "the " * 60)


def embed(artifact: Artifact, texts: Sequence[str], variant: str = "fp32") -> NDArray[np.float32]:
    manifest = artifact.manifest
    loaded = tokenizer.load(artifact.tokenizer_path, manifest.max_length)
    batch = tokenizer.pad(tokenizer.encode(loaded, texts), manifest.pad_token_id)
    return session.embed(session.open_session(artifact.path(variant)), [batch])


def expected(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
    model: Any = SentenceTransformer(str(folder), device="cpu")
    vectors: NDArray[np.float32] = model.encode(list(texts), normalize_embeddings=True)
    return vectors


@pytest.mark.parametrize("fusion", ["on", "off"])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_vectors_equal_those_of_sentence_transformers(
    kind: str, fusion: Fusion, tiny: Any, tmp_path: Path
) -> None:
    folder = tiny(kind)
    artifact = export_model(
        str(folder), tmp_path / "out", variants=["fp32"], settings=Settings(fusion=fusion)
    )
    assert artifact.manifest.variant("fp32").fused == (fusion == "on")
    np.testing.assert_allclose(embed(artifact, TEXTS), expected(folder, TEXTS), atol=2e-5)
    for text in TEXTS:  # a batch of one, without padding
        np.testing.assert_allclose(embed(artifact, [text]), expected(folder, [text]), atol=2e-5)


@pytest.mark.parametrize("variant", ["fp32", "int8"])
@pytest.mark.parametrize("options", [{}, {"pooling": {"cls_token": True}}], ids=["mean", "cls"])
@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta", "xlm-roberta"])
def test_texts_that_share_a_row_have_the_vectors_that_they_have_alone(
    kind: str, options: dict[str, Any], variant: str, tiny: Any, tmp_path: Path
) -> None:
    artifact = export_model(str(tiny(kind, **options)), tmp_path / "out", variants=[variant])
    manifest = artifact.manifest
    assert manifest.variant(variant).sequence_packing
    loaded = tokenizer.load(artifact.tokenizer_path, manifest.max_length)
    ids = tokenizer.encode(loaded, TEXTS[:4])
    packed = packing.packed(ids, manifest.pad_token_id, 3)
    assert packed["attention_mask"].max() == 3
    vectors = session.embed(session.open_session(artifact.path(variant)), [packed])
    assert vectors.shape == (6, 32)
    np.testing.assert_allclose(vectors[:4], embed(artifact, TEXTS[:4], variant), atol=2e-3)
    assert not vectors[4:].any(), "the last row has one text, and zeros for two"


@pytest.mark.parametrize(
    ("kind", "options"),
    [("mpnet", {}), ("bert", {"pooling": {"max_tokens": True}}), ("bert", {"dense": True})],
    ids=["relative positions", "max", "dense"],
)
def test_other_forms_take_one_text_in_a_row(
    kind: str, options: dict[str, Any], tiny: Any, tmp_path: Path
) -> None:
    artifact = export_model(str(tiny(kind, **options)), tmp_path / "out", variants=["fp32"])
    assert not artifact.manifest.variant("fp32").sequence_packing


def test_a_graph_whose_vectors_would_change_is_left_as_it_is(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_FORBIDDEN", 0.0)  # texts of a row then see each other
    artifact = export_model(str(tiny("bert")), tmp_path / "out", variants=["fp32"])
    assert not artifact.manifest.variant("fp32").sequence_packing


@pytest.mark.parametrize("mode", POOLINGS)
def test_each_pooling_is_in_the_graph(mode: str, tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert", pooling={mode: True})
    artifact = export_model(str(folder), tmp_path / "out", variants=["fp32"])
    assert artifact.manifest.pooling == POOLINGS[mode]
    np.testing.assert_allclose(embed(artifact, TEXTS), expected(folder, TEXTS), atol=2e-5)


def test_a_dense_layer_and_lowercase_are_in_the_artifact(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("roberta", dense=True, lowercase=True)
    artifact = export_model(str(folder), tmp_path / "out", variants=["fp32"])
    assert artifact.manifest.dimensions == 16
    np.testing.assert_allclose(embed(artifact, TEXTS), expected(folder, TEXTS), atol=2e-5)


def test_the_graph_has_the_contracts_inputs_and_output(tiny: Any, tmp_path: Path) -> None:
    artifact = export_model(str(tiny("bert")), tmp_path / "out", variants=["fp32"])
    graph = onnx.load(artifact.path("fp32")).graph
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert shapes == {
        "input_ids": ["batch", "length"],
        "attention_mask": ["batch", "length"],
        "embedding": ["texts", 32],
    }
    assert graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_fused_operators_are_recorded_in_the_graph(tiny: Any, tmp_path: Path) -> None:
    settings = Settings(fusion="on")
    out = tmp_path / "out"
    artifact = export_model(str(tiny("bert")), out, variants=["fp32"], settings=settings)
    assert fuse.statistics(artifact.path("fp32"))["MultiHeadAttention"] == 2


def test_a_distilbert_that_bert_cannot_be_is_refused(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("distilbert")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"activation": "relu"}), "utf-8")
    # A BERT with the same activation exists: it is exported.
    export_model(str(folder), tmp_path / "relu", variants=["fp32"])
    loaded = encoder.load(metadata.read(folder), architecture.identify(folder)).encoder
    with torch.no_grad():
        loaded.embeddings.token_type_embeddings.weight += torch.arange(32)
    with pytest.raises(ArtifactError, match="DistilBERT written as BERT differs"):
        distilbert._check(transformers.AutoModel.from_pretrained(folder), loaded)
