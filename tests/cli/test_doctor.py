import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bertine.catalog.store import Store
from bertine.cli.check_devices import CPU, TINY_GRAPH, check_providers, simd_flags
from bertine.cli.checks import Finding, check_optional, check_pair
from bertine.cli.doctor import line_of
from bertine.testing import ServerProcess


def data_of(server: ServerProcess) -> Path:
    return Path(server.command[server.command.index("--data") + 1])


def test_here_all_is_well(run: Any, server: ServerProcess, model: Path) -> None:
    ran = run("doctor", "--model", model, "--data", data_of(server))
    assert (ran.code, ran.err) == (0, "")
    assert "BROKEN" not in ran.out
    for words in ("numba kernels", "trains and searches", CPU, "model int8", "a server holds it"):
        assert words in ran.out


def test_a_damaged_model_is_named_with_what_mends_it(run: Any, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    shutil.copytree(model, folder)
    damaged = folder / "int8.onnx"
    data = bytearray(damaged.read_bytes())
    data[1000] ^= 1
    damaged.write_bytes(data)
    ran = run("doctor", "--model", folder)
    assert ran.code == 1
    [line] = [line for line in ran.out.splitlines() if line.startswith("BROKEN")]
    assert f"{damaged} is damaged" in line
    assert line.endswith(f"MiniLM-L6-v2 --out '{folder}' --force")
    assert ran.err.startswith("1 to mend")


def test_a_folder_that_is_no_model_is_told(run: Any, tmp_path: Path) -> None:
    ran = run("doctor", "--model", tmp_path)
    assert ran.code == 1
    assert "is not a model folder" in ran.out


def test_data_folders(run: Any, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert f"{new} will be made" in run("doctor", "--data", new).out
    new.mkdir()
    assert f"{new} is writable" in run("doctor", "--data", new).out
    assert not list(new.iterdir())
    Store.open(new).close()
    assert f"{new} holds 0 items in 0 collections" in run("doctor", "--data", new).out
    (new / "catalog.sqlite3").write_bytes(b"no catalog" * 1000)
    ran = run("doctor", "--data", new)
    assert (ran.code, "BROKEN  data" in ran.out) == (1, True)
    file = tmp_path / "file"
    file.touch()
    assert run("doctor", "--data", file).code == 1


@pytest.mark.parametrize(
    ("name", "prefix", "packages"),
    [
        ("onnxruntime", "onnxruntime", ("onnxruntime", "onnxruntime-gpu")),
        ("faiss", "faiss-", ("faiss-cpu", "faiss-gpu-cuvs")),
    ],
)
def test_both_of_a_pair_are_a_conflict(name: str, prefix: str, packages: tuple[str, str]) -> None:
    [finding] = check_pair(name, prefix, dict.fromkeys(packages, "1.0"))
    assert finding.status == "broken"
    assert "overwrite each other" in finding.detail
    assert finding.remedy.startswith(f"pip uninstall -y {' '.join(packages)} && pip install ")


def test_optional_packages_name_their_extra() -> None:
    findings = {finding.name: finding for finding in check_optional({"pyarrow": "26.0"})}
    assert findings["parquet files"] == Finding("parquet files", "ok", "pyarrow 26.0")
    assert findings["bertine export"].status == "absent"
    assert findings["bertine export"].remedy == "pip install 'bertine[export]'"


def test_a_provider_that_does_not_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime  # noqa: PLC0415 - only here

    listed = ["CUDAExecutionProvider", "AzureExecutionProvider", CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    cuda, cpu = check_providers()
    assert (cuda.name, cuda.status) == (listed[0], "absent")
    assert cuda.remedy.startswith("nvidia-smi ")
    assert cuda.detail.startswith("does not work: ")
    assert cpu == Finding(CPU, "ok", "runs a graph")


def test_the_tiny_graph_is_what_it_says() -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_from_string(TINY_GRAPH)
    onnx.checker.check_model(graph)
    [node] = graph.graph.node
    assert node.op_type == "MatMul"
    assert onnx.numpy_helper.to_array(graph.graph.initializer[0]).tolist() == [[1, 2], [3, 4]]


def test_without_any_library_it_still_reports() -> None:
    program = """
import sys
for name in {names}:
    sys.modules[name] = None
from bertine.cli import main
sys.argv = ["bertine", "doctor"]
main()
"""
    names = ["faiss", "google.protobuf", "grpc", "numba", "numpy", "onnxruntime", "tokenizers"]
    ran = subprocess.run(
        [sys.executable, "-c", program.format(names=[*names, "rich", "pyarrow"])],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    broken = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("BROKEN")]
    assert {"faiss", "onnxruntime", "numba", "numpy", "tokenizers", "grpcio", CPU} <= set(broken)
    assert all("  → " in line for line in ran.stdout.splitlines() if line.startswith("BROKEN"))


def test_simd_flags_are_those_that_matter(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nflags\t\t: fpu avx2 sse avx512_vnni fma\n")
    assert simd_flags(path) == ["avx2", "fma", "avx512_vnni"]
    assert simd_flags(tmp_path / "none") == []


def test_lines_end_with_the_remedy() -> None:
    line = line_of(Finding("faiss", "broken", "is missing", "pip install x"))
    assert line.endswith("is missing  → pip install x")
