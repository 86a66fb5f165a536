import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bertine.client import Client
from bertine.testing import ServerProcess

TEXTS = ["a whale", "a ship at sea", "a count in London", "ünïcode"]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def test_here_and_by_a_server_the_vectors_are_the_same(
    run: Any, model: Path, server: ServerProcess, tmp_path: Path
) -> None:
    # One text: int8 activations are scaled by batch, so what else is in it shows.
    texts, here, there = (tmp_path / name for name in ("one.txt", "here.npy", "there.npy"))
    texts.write_text("a ship at sea")
    ran = run("embed", texts, "--output", here, "--model", model)
    assert (ran.code, ran.out.startswith(f"{here}: float32 [1, 384] in ")) == (0, True)
    assert run("embed", texts, "--output", there, "--target", server.target).code == 0
    assert np.array_equal(np.load(here), np.load(there))


def test_a_row_for_each_line(
    run: Any, client: Client, texts: Path, server: ServerProcess, tmp_path: Path
) -> None:
    output = tmp_path / "vectors.npy"
    options = ("--target", server.target, "--input-type", "query")
    assert run("embed", texts, "--output", output, *options).code == 0
    vectors = np.load(output)
    assert (vectors.dtype, vectors.shape) == (np.float32, (4, 384))
    expected = client.embed(TEXTS, input_type="query")
    assert np.einsum("nd,nd->n", vectors, expected).min() > 0.99


def test_standard_input_is_read(
    run: Any, server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Windows line ends, and a last line that does not end.
    given = SimpleNamespace(buffer=io.BytesIO(b"a whale\r\na ship"))
    monkeypatch.setattr(sys, "stdin", given)
    output = tmp_path / "vectors.npy"
    assert run("embed", "-", "--output", output, "--target", server.target).code == 0
    assert np.load(output).shape == (2, 384)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a\n \nb\n", "line 2: is blank"),
        (b"a\n\n", "line 2: is blank"),
        (b"a\n\xff\n", "line 2: is not UTF-8"),
        (b"", "is empty; give one text a line"),
    ],
)
def test_lines_without_a_text_are_named(
    run: Any, texts: Path, tmp_path: Path, content: bytes, problem: str
) -> None:
    texts.write_bytes(content)
    ran = run("embed", texts, "--output", tmp_path / "v.npy", "--target", "127.0.0.1:1")
    assert ran.code == 1
    assert problem in ran.err


def test_a_failure_leaves_what_was_there(run: Any, texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "v.npy"
    output.write_bytes(b"old")
    ran = run("embed", texts, "--output", output, "--target", "127.0.0.1:1")
    assert (ran.code, "no server answers" in ran.err) == (1, True)
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["texts.txt", "v.npy"]


def test_an_output_that_cannot_be_written_is_told_before_anything_is_encoded(
    run: Any, texts: Path, tmp_path: Path
) -> None:
    ran = run("embed", texts, "--output", tmp_path / "no" / "v.npy", "--target", "127.0.0.1:1")
    assert ran.code == 1
    assert "v.npy cannot be written: No such file or directory" in ran.err


@pytest.mark.parametrize("source", [(), ("--model", "m", "--target", "127.0.0.1:1")])
def test_neither_or_both_sources_are_a_usage_error(
    run: Any, texts: Path, tmp_path: Path, source: tuple[str, ...]
) -> None:
    ran = run("embed", texts, "--output", tmp_path / "v.npy", *source)
    assert ran.code == 2
    assert "Give either --model, to encode here, or --target, a server." in ran.err
