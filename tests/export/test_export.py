"""What is written, and what is not, where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from bertine import artifact
from bertine.errors import ArtifactError, ConfigError
from bertine_export import GateMissed, Settings, export_model, quantize, verify
from bertine_export.settings import Fusion
from bertine_export.verify import Gate

IMPOSSIBLE = Gate(cosine_mean=1.1, sts_drop=0.0)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def bert(tiny: Any) -> str:
    return str(tiny("bert"))


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> dict[str, Gate]:
    """The gates, open for int8: random weights are not made to be quantized."""
    opened: dict[str, Gate] = {"fp32": verify.GATES["fp32"], "int8": Gate(0.0, 0.5)}
    monkeypatch.setattr(verify, "GATES", opened)
    return opened


@pytest.mark.usefixtures("gates")
def test_an_artifact_is_complete_and_verifies(bert: str, tmp_path: Path) -> None:
    made = export_model(bert, tmp_path / "new" / "out", name="little")
    assert names(tmp_path / "new") == {"out"}
    assert names(made.folder) == {"manifest.json", "tokenizer.json", "fp32.onnx", "int8.onnx"}
    assert made == artifact.load(made.folder)
    assert made.manifest.name == "little"
    assert made.manifest.architecture == "BertModel"
    for variant in made.manifest.variants:
        made.verify(variant.name)
        assert variant.size_bytes == made.path(variant.name).stat().st_size
        assert variant.texts_per_second > 0
        assert variant.parity.texts >= 200
        assert variant.parity.sts_spearman is None


GPU = ["fp16", "fp16-packed", "int8-qdq"]


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_the_variants_for_a_gpu_do_not_depend_on_the_fusion_of_the_others(
    fusion: Fusion, bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "GATES", {**verify.GATES, "int8": Gate(0.0, 0.5)})
    made = export_model(bert, tmp_path, variants=GPU, settings=Settings(fusion=fusion))
    assert [variant.fused for variant in made.manifest.variants] == [True, True, False]
    assert names(made.folder) == {
        "manifest.json",
        "tokenizer.json",
        *(f"{name}.onnx" for name in GPU),
    }


def test_a_packed_variant_that_misses_its_gate_is_not_written(
    bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "GATES", {"fp16": IMPOSSIBLE})
    with pytest.raises(GateMissed, match="fp16-packed was not written: its mean cosine"):
        export_model(bert, tmp_path / "out", variants=["fp16-packed"])


def test_a_manifest_from_before_there_were_packed_variants_is_read(
    bert: str, tmp_path: Path
) -> None:
    made = export_model(bert, tmp_path, variants=["fp32"])
    manifest = tmp_path / "manifest.json"
    old = json.loads(manifest.read_text(encoding="utf-8"))
    assert old["variants"][0].pop("packed") is False
    manifest.write_text(json.dumps(old), encoding="utf-8")
    assert artifact.load(tmp_path) == made


def test_the_tokenizer_neither_truncates_nor_pads(bert: str, tmp_path: Path) -> None:
    from tokenizers import Tokenizer  # noqa: PLC0415 - only here

    made = export_model(bert, tmp_path / "out", variants=["fp32"])
    loaded = Tokenizer.from_file(str(made.tokenizer_path))
    assert loaded.truncation is None
    assert loaded.padding is None


def test_a_variant_that_misses_its_gate_is_not_written(
    bert: str, tmp_path: Path, gates: dict[str, Gate]
) -> None:
    gates["int8"] = IMPOSSIBLE
    with pytest.raises(GateMissed, match="int8 was not written: its mean cosine") as caught:
        export_model(bert, tmp_path / "out")
    assert caught.value.artifact == artifact.load(tmp_path / "out")
    assert names(tmp_path / "out") == {"manifest.json", "tokenizer.json", "fp32.onnx"}


def test_without_any_faithful_variant_nothing_is_written(
    bert: str, tmp_path: Path, gates: dict[str, Gate]
) -> None:
    gates["fp32"] = IMPOSSIBLE
    with pytest.raises(GateMissed, match="no model was written") as caught:
        export_model(bert, tmp_path / "out", variants=["fp32"])
    assert caught.value.artifact is None
    assert names(tmp_path) == set()


def test_sentence_pairs_are_scored_and_recorded(bert: str, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    rows = [("the cat", "the cat", 5), ("the cat", "a red bicycle", 1), ("tea", "coffee and", 3)]
    pairs.write_text("".join(f"a\tb\tc\td\t{score}\t{x}\t{y}\n" for x, y, score in rows))
    settings = Settings(sts=pairs)
    made = export_model(bert, tmp_path / "out", variants=["fp32"], settings=settings)
    parity = made.manifest.variant("fp32").parity
    assert parity.sts_reference is not None
    assert parity.sts_spearman == pytest.approx(parity.sts_reference)


def test_an_existing_model_is_replaced_only_by_force(bert: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_model(bert, out, variants=["fp32"], name="first")
    with pytest.raises(ArtifactError, match="--force"):
        export_model(bert, out, variants=["fp32"])
    made = export_model(bert, out, variants=["fp32"], name="second", force=True)
    assert made.manifest.name == "second"
    assert names(tmp_path) == {"out"}


def test_an_empty_folder_is_filled(bert: str, tmp_path: Path) -> None:
    assert export_model(bert, tmp_path, variants=["fp32"]).folder == tmp_path


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_something_else_is_never_touched(
    force: bool,  # noqa: FBT001 - a parameter of the test
    bert: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ArtifactError, match="is not a model folder"):
        export_model(bert, tmp_path, force=force)
    assert names(tmp_path) == {"thesis.txt"}


def test_a_failure_leaves_the_old_model_in_place(
    bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    before = export_model(bert, out, variants=["fp32"])
    monkeypatch.setattr("bertine_export.quantize.ranges", _fail)
    with pytest.raises(ArtifactError, match="could not be quantized: full disk") as caught:
        export_model(bert, out, force=True)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert artifact.load(out) == before
    assert names(tmp_path) == {"out"}


def _fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("full disk")


def test_a_place_that_cannot_be_written_is_an_artifact_error(bert: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="cannot be written"):
        export_model(bert, tmp_path / "file" / "out")


def test_a_damaged_graph_is_an_artifact_error(tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"not a graph")
    with pytest.raises(ArtifactError, match="could not be quantized"):
        quantize.quantize(tmp_path / "damaged.onnx", tmp_path / "int8.onnx", [[1, 2]])


@pytest.mark.parametrize("variants", [[], ["fp64"], ["fp32", "int4"]])
def test_unknown_variants_are_refused_before_any_work(
    variants: list[str], bert: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="these are: fp32, int8"):
        export_model(bert, tmp_path / "out", variants=variants)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="14 to 20"):
        Settings(opset=13)
    with pytest.raises(ConfigError, match="auto, on, off"):
        Settings(fusion="maybe")  # type: ignore[arg-type]


@pytest.mark.parametrize("opset", [14, 18, 20])
def test_other_opsets_work(opset: int, bert: str, tmp_path: Path) -> None:
    settings = Settings(opset=opset, fusion="on")
    made = export_model(bert, tmp_path / "out", variants=["fp32"], settings=settings)
    assert made.manifest.opset == opset
