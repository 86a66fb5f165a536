"""The committed stubs are what the generator makes of the committed proto."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks" / "load" / "proto"


def test_the_committed_stubs_are_generated_from_the_proto(tmp_path: Path) -> None:
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{FOLDER}", *outputs]
    subprocess.run([*command, str(FOLDER / "open_inference.proto")], check=True)
    made = sorted(tmp_path.iterdir())
    assert len(made) == 2
    for path in made:
        assert (FOLDER / path.name).read_text() == path.read_text(), "run: make proto"
