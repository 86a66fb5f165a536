from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from bertine.artifact import Artifact
from bertine.encode.padding import pad
from bertine.encode.session import OnnxSession
from bertine.encode.tokenizer import Tokenizer
from bertine.errors import ArtifactError, ConfigError, EncodeError, Unavailable

onnx = pytest.importorskip("onnx")


def save_graph(
    path: Path, *, output: str = "embedding", factor: float = 1.0, reshape: bool = False
) -> Path:
    """A graph that adds the mask to the ids and multiplies: width 4 for texts of 4 tokens."""
    helper, kinds = onnx.helper, onnx.TensorProto
    shape = ["batch", 4]
    names = ("input_ids", "attention_mask")
    nodes = [
        helper.make_node("Add", list(names), ["sum"]),
        helper.make_node("Cast", ["sum"], ["float"], to=kinds.FLOAT),
        helper.make_node("Mul", ["float", "factor"], ["product"]),
        helper.make_node("Reshape", ["product", "shape"], [output])
        if reshape
        else helper.make_node("Identity", ["product"], [output]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, kinds.INT64, ["batch", "length"]) for name in names],
        [helper.make_tensor_value_info(output, kinds.FLOAT, shape)],
        [
            helper.make_tensor("factor", kinds.FLOAT, [], [factor]),
            helper.make_tensor("shape", kinds.INT64, [2], [-1, 4]),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def ones(rows: int, length: int) -> Any:
    return np.ones((rows, length), dtype=np.int64)


def test_a_graph_runs_on_the_device_asked_for(tmp_path: Path) -> None:
    session = OnnxSession(save_graph(tmp_path / "toy.onnx"), dimensions=4, threads=1)
    assert session.provider == "CPUExecutionProvider"
    assert session.dimensions == 4
    vectors = session.run(ones(3, 4), ones(3, 4))
    assert vectors.dtype == np.float32
    assert (vectors == 2).all()


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_an_error(tmp_path: Path, factor: float) -> None:
    session = OnnxSession(save_graph(tmp_path / "toy.onnx", factor=factor), dimensions=4)
    with pytest.raises(EncodeError, match="not finite"):
        session.run(ones(2, 4), ones(2, 4))


def test_a_failure_of_the_runtime_is_translated(tmp_path: Path) -> None:
    session = OnnxSession(save_graph(tmp_path / "toy.onnx", reshape=True), dimensions=4)
    with pytest.raises(EncodeError, match=r"failed on shape \[1, 3\]") as caught:
        session.run(ones(1, 3), ones(1, 3))
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_a_damaged_file_is_an_artifact_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"model\.onnx cannot be loaded"):
        OnnxSession(path, dimensions=4)


def test_another_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gives \['last_hidden_state'\]"):
        OnnxSession(save_graph(tmp_path / "a.onnx", output="last_hidden_state"), dimensions=4)
    with pytest.raises(ArtifactError, match="gives 4 dimensions, the manifest says 8"):
        OnnxSession(save_graph(tmp_path / "b.onnx"), dimensions=8)


def test_settings_that_cannot_work_are_refused(tmp_path: Path) -> None:
    path = save_graph(tmp_path / "toy.onnx")
    with pytest.raises(ConfigError, match="threads must be at least 1"):
        OnnxSession(path, dimensions=4, threads=0)


def test_a_silent_change_of_provider_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_graph(tmp_path / "toy.onnx")
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "get_providers", lambda _: ["OtherExecutionProvider"]
    )
    with pytest.raises(Unavailable, match="chose OtherExecutionProvider where CPU"):
        OnnxSession(path, dimensions=4)


def test_a_closed_session_says_so(tmp_path: Path) -> None:
    session = OnnxSession(save_graph(tmp_path / "toy.onnx"), dimensions=4)
    session.close()
    session.close()
    with pytest.raises(Unavailable, match="closed"):
        session.run(ones(1, 4), ones(1, 4))


def test_a_truncated_model_file_is_an_artifact_error(artifact: Artifact, tmp_path: Path) -> None:
    path = tmp_path / "int8.onnx"
    shutil.copy(artifact.path("int8"), path)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size // 2)
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        OnnxSession(path, dimensions=384)


def test_padding_changes_nothing(artifact: Artifact) -> None:
    manifest = artifact.manifest
    session = OnnxSession(artifact.path("fp32"), dimensions=manifest.dimensions)
    tokenizer = Tokenizer(
        artifact.tokenizer_path,
        max_length=manifest.max_length,
        vocab_size=manifest.vocab_size,
        prompts={},
    )
    texts = ["a cat", "the quick brown fox jumps over the lazy dog " * 3]
    ids = [tokens.ids for tokens in tokenizer.encode(texts)]
    together = session.run(*pad(ids, manifest.pad_token_id))
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for row, vector in zip(ids, together, strict=True):
        apart = session.run(*pad([row], manifest.pad_token_id))
        assert np.abs(apart - vector).max() < 1e-5
