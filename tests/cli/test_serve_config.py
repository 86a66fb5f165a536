"""A file of settings that says what is not read is refused, before anything starts."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from bertine.cli.serve import serve
from bertine.errors import ConfigError

BAD = {
    "outside of the table": ('variant = "fp32"\n', "'variant' is not read"),
    "another table": ('[serve]\nvariant = "fp32"\n[server]\nfronts = 2\n', "'server' is not read"),
    "no table": ("serve = 3\n", "'serve' is not read"),
    "unknown": ('[serve]\nvarient = "fp32"\n', "no setting 'varient'"),
    "no TOML": ("[serve\n", "cannot be read"),
    "no text": (b"\xff\xfe", "cannot be read"),
}


@pytest.mark.parametrize(("text", "problem"), BAD.values(), ids=BAD)
def test_what_is_not_read_is_refused(tmp_path: Path, text: str | bytes, problem: str) -> None:
    file = tmp_path / "bertine.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=problem):
        serve.make_context("serve", ["--config", str(file)])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        serve.make_context("serve", ["--config", str(tmp_path / "none.toml")])


def test_what_is_read_is_a_default(tmp_path: Path) -> None:
    file = tmp_path / "bertine.toml"
    file.write_text('[serve]\nmodel = "m"\ndata = "d"\nmax-top-k = 7\n')
    context: click.Context = serve.make_context("serve", ["--config", str(file)])
    assert context.params["max_top_k"] == 7
