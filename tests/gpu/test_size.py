"""What talks to a device is little, and in few places."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[2] / "engine" / "bertine"
DEVICE = [
    *("encode/cuda.py", "encode/driver.py", "encode/faults.py", "encode/libraries.py"),
    *("encode/placement.py", "encode/replicas.py", "index/gpu_faiss.py", "kernels/cuda.py"),
]
"""Modules that call ONNX Runtime's, FAISS's, numba's or the driver's code for a GPU, and those that
say what its options and errors mean. All others run in full in the tests without a GPU."""

CALLS = re.compile(
    r"StandardGpuResources\(|GpuIndexFlat|index_cpu_to_gpu|io_binding\(|cuDeviceGet\b|cuda\.jit"
)
_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


def code_lines(source: str) -> int:
    """Lines that are neither empty nor comments nor docstrings."""
    told = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - told)


def test_lines_of_code_are_counted_without_what_explains_them() -> None:
    assert code_lines('"""Doc.\n\nMore."""\n\n# why\nx = (\n    1,  # one\n)\n') == 3


def test_the_code_for_a_device_is_less_than_600_lines() -> None:
    counts = {name: code_lines((ENGINE / name).read_text(encoding="utf-8")) for name in DEVICE}
    assert sum(counts.values()) < 600, counts


def test_nothing_else_calls_a_device() -> None:
    found = {
        path.relative_to(ENGINE).as_posix()
        for path in ENGINE.rglob("*.py")
        if CALLS.search(path.read_text(encoding="utf-8"))
    }
    assert found <= set(DEVICE)
    assert len(found) == 4
