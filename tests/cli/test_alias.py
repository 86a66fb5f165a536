import json
from typing import Any

import pytest
from click.testing import CliRunner

from bertine.cli import bertine
from bertine.client import Client


@pytest.mark.parametrize("command", ["set", "delete", "list"])
def test_help_teaches_with_an_example(command: str) -> None:
    result = CliRunner().invoke(bertine, ["alias", command, "--help"])
    assert result.exit_code == 0
    assert f"bertine alias {command} " in result.output.partition("\n\n")[2]
    assert "env var: BERTINE_TARGET" in result.output


def test_an_alias_is_set_moved_listed_and_deleted(cli: Any, client: Client) -> None:
    for name in ("cli-1", "cli-2"):
        client.create_collection(name)
    assert cli("alias", "set", "cli", "cli-1").out == "cli stands for collection cli-1\n"
    moved = cli("alias", "set", "cli", "cli-2")
    assert (moved.code, moved.out) == (0, "cli stands for collection cli-2 instead of cli-1\n")
    assert cli("alias", "list", "--collection", "cli-2").out == "cli  cli-2\n"
    listed = cli("alias", "list", "--json").out.splitlines()
    assert {"alias": "cli", "collection": "cli-2"} in map(json.loads, listed)
    empty = cli("alias", "list", "--collection", "cli-1").out
    assert empty == "there are no aliases; make one with: bertine alias set NAME COLLECTION\n"
    deleted = cli("alias", "delete", "cli").out
    assert deleted == "cli is deleted; it stood for collection cli-2, which stays\n"
    gone = cli("alias", "delete", "cli")
    assert (gone.code, gone.err) == (1, "bertine: NOT_FOUND: alias 'cli' does not exist\n")


def test_an_import_goes_to_the_collection_that_an_alias_stands_for(
    cli: Any, client: Client, tmp_path: Any
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"id": "a", "title": "Dune", "expire_time": "2999-01-01"}\n')
    client.create_collection("imported-1", text_template="{title}")
    client.set_alias("imported", "imported-1")
    ran = cli("import", file, "--collection", "imported", "--template", "{title}")
    assert ran.code == 0, ran.err
    item = client.get_items("imported-1", ["a"])["a"]
    assert (item.attributes, item.expire_time) == ({"title": "Dune"}, 32472144000.0)
