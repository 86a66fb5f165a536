"""`bertine key`, and `--key` of the commands that call a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bertine.serve.callers.caller import Caller
from bertine.serve.callers.file import parse
from bertine.serve.callers.keys import digest_of
from bertine.testing import ServerProcess
from tests.cli.conftest import Run


def test_a_key_and_the_entry_that_knows_it(run: Run) -> None:
    first, second = (run("key", "--name", name, "--may", "record") for name in ("one", "two"))
    callers = parse(first.out + second.out)
    for made, name in ((first, "one"), (second, "two")):
        key = made.err.removeprefix("key: ").strip()
        assert key not in made.out
        assert callers.find(digest_of(key)) == Caller(name, frozenset({"record"}))
    assert run("key").out.count("may = [") == 1
    assert "write 1 to 64 characters" in run("key", "--name", "a b").err


@pytest.fixture(scope="module")
def known(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("key")
    file = folder / "callers.toml"
    digest = digest_of("k").hex()
    rights = '["read", "write", "record", "admin"]'
    file.write_text(f'[[caller]]\nname = "a"\nkey_sha256 = "{digest}"\nmay = {rights}\n')
    options = ("--callers", str(file))
    with ServerProcess(model, folder / "data", *options, fake=True) as process:
        yield process


def test_every_command_sends_the_key(
    run: Run, known: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, lines = tmp_path / "rows.jsonl", tmp_path / "lines.txt"
    rows.write_text('{"id": "a", "text": "a whale"}\n{"id": "b", "text": "a ship"}\n')
    lines.write_text("a whale\n")
    commands: list[list[object]] = [
        ["import", rows, "--collection", "things"],
        ["search", "things", "whale"],
        ["similar", "things", "a"],
        ["recommend", "things", "a"],
        ["alias", "set", "other", "things"],
        ["alias", "list"],
        ["tune", "things"],
        ["embed", lines, "--output", tmp_path / "out.npy", "--target", known.target],
        ["alias", "delete", "other"],
    ]
    monkeypatch.setenv("BERTINE_TARGET", known.target)
    for command in commands:
        refused = run(*command)
        assert refused.code == 1
        assert "UNAUTHENTICATED" in refused.err
        assert "BERTINE_KEY or --key" in refused.err
    assert run("search", "things", "whale", "--key", "k").code == 1  # there is none yet
    monkeypatch.setenv("BERTINE_KEY", "k")
    for command in commands:
        done = run(*command)
        assert done.code == 0, done.err
    assert "a character that is in no key" in run("search", "things", "a", "--key", "k\n").err
