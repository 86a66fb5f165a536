"""The committed stubs are what `make proto` gives."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_committed_stubs_are_generated_from_the_protos(tmp_path: Path) -> None:
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    protos = sorted((REPOSITORY / "proto").rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{REPOSITORY / 'proto'}", *outputs]
    subprocess.run([*command, *map(str, protos)], check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*"))
    committed = REPOSITORY / "engine"
    assert len(made) == 3 * len(protos)
    for path in made:
        assert (committed / path).read_text() == (tmp_path / path).read_text(), "run: make proto"


def test_every_field_and_method_of_the_contract_is_documented() -> None:
    for path in (REPOSITORY / "proto").rglob("*.proto"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            statement = line.strip()
            if not statement.startswith("rpc "):
                continue
            above = lines[number - 1].strip()
            assert above.startswith(("//", "rpc", "service")), f"{path.name}: {statement}"
