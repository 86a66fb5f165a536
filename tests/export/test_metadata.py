"""What a model folder says is read, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bertine.errors import ArtifactError
from bertine_export import Settings, architecture, export_model, metadata


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def modules(*kinds: str) -> list[dict[str, Any]]:
    return [
        {"idx": index, "path": f"{index}_{kind}", "type": f"sentence_transformers.models.{kind}"}
        for index, kind in enumerate(kinds)
    ]


def test_a_plain_folder_means_mean_pooling_and_says_so(tmp_path: Path) -> None:
    found = metadata.read(tmp_path)
    assert (found.pooling, found.max_length) == ("mean", None)
    assert "mean pooling is assumed" in found.notes[0]


def test_an_encoder_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    write(tmp_path, "modules.json", modules("Transformer", "Pooling"))
    write(tmp_path, "1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
    write(tmp_path, "0_Transformer/sentence_roberta_config.json", {"max_seq_length": 77})
    found = metadata.read(tmp_path)
    assert found.encoder == tmp_path / "0_Transformer"
    assert found.max_length == 77


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"pooling_mode_lasttoken": True, "pooling_mode_mean_tokens": False}, "lasttoken"),
        ({"pooling_mode_weightedmean_tokens": True, "pooling_mode_mean_tokens": False}, "weighted"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls_token"),
        ({"pooling_mode_mean_tokens": False}, "none"),
        ({"pooling_mode_mean_tokens": True, "include_prompt": False}, "include_prompt"),
    ],
)
def test_a_pooling_that_cannot_be_exported_is_refused_by_name(
    settings: dict[str, bool], named: str, tmp_path: Path
) -> None:
    write(tmp_path, "config.json", settings)
    with pytest.raises(ArtifactError, match=named):
        metadata.read_pooling(tmp_path)


def test_pooling_is_mean_where_the_file_does_not_say(tmp_path: Path) -> None:
    write(tmp_path, "config.json", {"word_embedding_dimension": 32})
    assert metadata.read_pooling(tmp_path) == "mean"


@pytest.mark.parametrize(
    "kinds",
    [("Transformer", "CNN", "Pooling"), ("BoW",), ("Transformer", "Pooling", "LayerNorm")],
)
def test_a_module_that_cannot_be_exported_is_refused_by_name(
    kinds: tuple[str, ...], tmp_path: Path
) -> None:
    write(tmp_path, "modules.json", modules(*kinds))
    with pytest.raises(ArtifactError, match=", ".join(kinds)):
        metadata.read(tmp_path)


@pytest.mark.parametrize("content", ["[{", "7", '[{"path": ""}]', '{"a": 1}'])
def test_damaged_modules_are_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"modules\.json is not a list of modules"):
        metadata.read(tmp_path)


@pytest.mark.parametrize("content", ["{", "7", "[1]"])
def test_a_damaged_config_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"config\.json is not a JSON object"):
        architecture.identify(tmp_path)


def test_a_damaged_dense_layer_is_named(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert", dense=True)
    write(folder, "2_Dense/config.json", {"activation_function": "torch.nn.Tanh"})
    with pytest.raises(ArtifactError, match="2_Dense cannot be loaded"):
        export_model(str(folder), tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "query", "document"),
    [
        ({}, "", ""),
        ({"prompts": {"query": "q: ", "passage": "p: "}}, "q: ", "p: "),
        ({"prompts": {"document": "d: ", "passage": "p: "}}, "", "d: "),
        ({"prompts": {"all": "x: "}, "default_prompt_name": "all"}, "x: ", "x: "),
        ({"prompts": None, "default_prompt_name": None}, "", ""),
    ],
)
def test_prompts_follow_sentence_transformers(
    settings: dict[str, Any], query: str, document: str, tmp_path: Path
) -> None:
    write(tmp_path, "config_sentence_transformers.json", settings)
    assert metadata.read_prompts(tmp_path) == {"query": query, "document": document}


@pytest.mark.parametrize("model_type", ["t5", "gpt2", "deberta-v2", None])
def test_other_architectures_are_refused_by_name(model_type: str | None, tmp_path: Path) -> None:
    write(tmp_path, "config.json", {"model_type": model_type})
    with pytest.raises(ArtifactError, match=f"{model_type!r}.*BERT, DistilBERT, RoBERTa, XLM-R"):
        export_model(str(tmp_path), tmp_path / "out")


def test_positions_after_the_padding_index_are_all_a_text_may_use() -> None:
    config = SimpleNamespace(max_position_embeddings=514, pad_token_id=1)
    kinds = architecture.ARCHITECTURES
    assert architecture.longest_input(config, kinds["roberta"]) == 512
    assert architecture.longest_input(config, kinds["bert"]) == 514


def test_prompts_and_maximum_length_reach_the_manifest(tiny: Any, tmp_path: Path) -> None:
    said: list[str] = []
    prompts = {"prompts": {"query": "ask: ", "document": "read: "}}
    folder = tiny("xlm-roberta", max_seq_length=512, prompts=prompts)
    settings = Settings(document_prompt="item: ")
    artifact = export_model(
        str(folder), tmp_path / "out", variants=["fp32"], settings=settings, say=said.append
    )
    assert artifact.manifest.prompts == {"query": "ask: ", "document": "item: "}
    assert artifact.manifest.max_length == 38  # 40 positions, of which padding takes two
    assert "Note: 512 tokens exceed the position embeddings: cut to 38" in said


def test_without_a_maximum_length_the_positions_decide(tiny: Any, tmp_path: Path) -> None:
    folder = tiny("bert", max_seq_length=None)
    artifact = export_model(str(folder), tmp_path / "out", variants=["fp32"])
    assert artifact.manifest.max_length == 40
