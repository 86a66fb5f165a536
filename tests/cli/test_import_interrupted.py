"""An import that is cut short, in a process of its own: nothing is lost, doubled or done twice."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bertine.cli.imports import AGAIN
from bertine.client import Client
from bertine.testing import ServerProcess

COUNT = 640
BATCH = 32
IN_FLIGHT = 2


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("items") / "items.jsonl"
    words = ("whale", "ship", "storm", "island", "harbour", "mast", "captain")
    with path.open("w") as stream:
        for number in range(COUNT):
            text = " ".join(words[(number // 7**place) % 7] for place in range(7))
            stream.write(json.dumps({"id": f"item-{number}", "text": f"{text} {number}"}) + "\n")
    return path


def start(file: Path, target: str, name: str) -> subprocess.Popen[str]:
    options = ["--collection", name, "--target", target]
    options += ["--batch", str(BATCH), "--in-flight", str(IN_FLIGHT)]
    return subprocess.Popen(
        [sys.executable, "-m", "bertine", "import", str(file), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_some_are_acknowledged(client: Client, name: str) -> None:
    """More are stored than were sent at first: so the sender has had an answer."""
    while True:
        sizes = {made.name: made.item_count for made in client.list_collections()}
        if sizes.get(name, 0) > IN_FLIGHT * BATCH:
            return


def acknowledged(message: str) -> int:
    match = re.search(r"([\d,]+) items are acknowledged", message)
    assert match, message
    return int(match[1].replace(",", ""))


def versions(client: Client, name: str) -> dict[str, int]:
    return {item.id: item.version for item in client.list_items(name)}


def finish(file: Path, target: str, name: str) -> tuple[int, int, int]:
    """Run the import to its end; how many were inserted, updated, unchanged."""
    process = start(file, target, name)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    match = re.search(r"([\d,]+) inserted, ([\d,]+) updated, ([\d,]+) unchanged", out)
    assert match, out
    inserted, updated, unchanged = (int(part.replace(",", "")) for part in match.groups())
    return inserted, updated, unchanged


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_the_same_command_goes_on(
    server: ServerProcess, client: Client, file: Path, number: signal.Signals
) -> None:
    name = f"interrupted-{number.name}"
    process = start(file, server.target, name)
    wait_until_some_are_acknowledged(client, name)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert AGAIN in err
    before = versions(client, name)
    # All that was under way was waited for.
    assert 0 < acknowledged(err) == len(before) < COUNT
    assert finish(file, server.target, name) == (COUNT - len(before), 0, len(before))
    after = versions(client, name)
    assert len(after) == COUNT
    assert before.items() <= after.items()


def test_a_server_that_is_killed_loses_nothing(model: Path, tmp_path: Path, file: Path) -> None:
    with ServerProcess(model, tmp_path / "data") as server, server.client() as client:
        process = start(file, server.target, "books")
        wait_until_some_are_acknowledged(client, "books")
        server.kill()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines()[-1].startswith(f"bertine: the server at {server.target} went away; ")
    assert AGAIN in err
    with ServerProcess(model, tmp_path / "data") as server, server.client() as client:
        before = versions(client, "books")
        assert 0 < acknowledged(err) <= len(before) < COUNT
        done = finish(file, server.target, "books")
        assert done == (COUNT - len(before), 0, len(before))
        assert before.items() <= versions(client, "books").items()
