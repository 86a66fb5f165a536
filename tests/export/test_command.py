"""The command's output, errors and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bertine.artifact import load
from bertine_export import vendors, verify
from bertine_export.command import export
from bertine_export.settings import VARIANTS
from bertine_export.verify import Gate


def run(*arguments: object) -> Result:
    return CliRunner().invoke(export, [str(argument) for argument in arguments])


def test_help_teaches_with_an_example() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "bertine export all-MiniLM-L6-v2 --out models/minilm" in result.stdout
    for variant in VARIANTS:
        assert f"\n    {variant} " in result.stdout


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, bertine_export.command\n"
        "bertine_export.command.export(['--help'], standalone_mode=False)\n"
        "print({'torch', 'transformers', 'onnx', 'onnxruntime', 'optimum'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.endswith(b"set()\n")


def test_a_model_is_exported_and_reported(tiny: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(tiny("bert"), "--out", out, "--variants", "fp32", "--name", "little")
    assert result.exit_code == 0, result.output
    assert "cosine mean" in result.stdout
    assert "The STS gate was not checked" in result.stdout
    assert "Warning" not in result.output
    assert load(out).manifest.name == "little"


def test_no_speed_is_reported_of_a_variant_for_a_gpu(tiny: Any, tmp_path: Path) -> None:
    result = run(tiny("bert"), "--out", tmp_path / "out", "--variants", "fp32,fp16")
    assert result.exit_code == 0, result.output
    rows = [line.split("│") for line in result.stdout.splitlines() if "│ fp" in line]
    speeds = {row[1].strip(): row[6].strip() for row in rows}
    assert speeds["fp16"] == "-"
    assert float(speeds["fp32"]) > 0


def test_a_model_whose_attention_is_not_fused_has_no_fp16(tiny: Any, tmp_path: Path) -> None:
    result = run(tiny("mpnet"), "--out", tmp_path / "out", "--variants", "fp16")
    assert result.exit_code == 1
    assert "needs one Attention operator in each of 2 layers" in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_was_named_and_cannot_be_had_fails_beside_what_can(tiny: Any, tmp_path: Path) -> None:
    result = run(tiny("mpnet"), "--out", tmp_path / "out", "--variants", "fp16,fp32")
    assert result.exit_code == 1
    assert "fp16 was not written: the CUDA provider needs" in result.stderr
    assert [one.name for one in load(tmp_path / "out").manifest.variants] == ["fp32"]


def test_all_leaves_out_what_cannot_be_had_and_says_why(tiny: Any, tmp_path: Path) -> None:
    result = run(tiny("mpnet"), "--out", tmp_path / "out", "--variants", "all")
    assert result.exit_code == 0, result.output
    for name in ("fp16", "fp16-packed"):
        assert f"Note: {name} is left out: the CUDA provider needs one Attention" in result.stdout
    written = {one.name for one in load(tmp_path / "out").manifest.variants}
    assert written == set(VARIANTS) - {"fp16", "fp16-packed"}


def test_all_is_named_alone(tmp_path: Path) -> None:
    result = run("all-MiniLM-L6-v2", "--out", tmp_path / "out", "--variants", "all,fp32")
    assert result.exit_code == 1
    assert "variant 'all' is not known" in result.stderr


def test_errors_are_one_line_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8")
    result = run(tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "'t5'" in result.stderr
    assert "Traceback" not in result.output


def test_a_missed_gate_is_reported_beside_what_was_written(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "GATES", {**verify.GATES, "int8": Gate(1.1, 0.0)})
    result = run(tiny("bert"), "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "fp32" in result.stdout
    assert "int8 was not written: its mean cosine" in result.stderr


def test_a_missing_extra_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendors, "IMPORTS", ("no_such_library",))
    result = run("all-MiniLM-L6-v2", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "pip install 'bertine[cpu,export]'" in result.stderr


@pytest.mark.parametrize("option", [("--opset", "99"), ("--variants", "fp64"), ("--variants", "")])
def test_options_out_of_range_are_errors(option: tuple[str, str], tmp_path: Path) -> None:
    result = run("all-MiniLM-L6-v2", "--out", tmp_path / "out", *option)
    assert result.exit_code == 1
    assert "Error: " in result.stderr
