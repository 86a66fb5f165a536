"""An object in another process."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path

import pytest

from benchmarks.load.remote import Remote, RemoteError


def test_calls_reach_the_object_in_order(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with Remote(partial(open, file, "w")) as remote:  # an object that has a method close
        remote.start("write", "one")
        remote.start("write", " three")
        assert remote.ready(60)
        assert (remote.result(), remote.result()) == (3, 6)
    assert file.read_text() == "one three"


def test_what_it_raises_is_told(tmp_path: Path) -> None:
    with Remote(partial(open, tmp_path / "file", "w")) as remote:
        with pytest.raises(RemoteError, match="AttributeError"):
            remote.call("rite", "x")
        assert remote.call("write", "still there") == len("still there")


def test_an_object_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with (
        Remote(partial(open, tmp_path / "none" / "file")) as remote,
        pytest.raises(RemoteError, match="FileNotFoundError"),
    ):
        remote.call("read")


def test_a_process_that_cannot_be_closed_is_not_waited_for() -> None:
    remote = Remote(deque)  # has no method close: the process ends with an error
    remote.close()
    remote.close()
    with pytest.raises(OSError, match="closed"):
        remote.result()
