"""An unexpected exception tells the log where it was, never what a caller sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import get_args

import pytest

from bertine.serve.calls import known
from bertine.serve.logs import LogFormat, configure

SENT = "planted-user"


@pytest.fixture(params=get_args(LogFormat), autouse=True)
def log_format(request: pytest.FixtureRequest) -> Iterator[LogFormat]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield request.param
    root.handlers[:] = handlers
    root.setLevel(level)


def _fail() -> None:
    try:
        int(SENT)
    except ValueError as error:
        raise RuntimeError(f"no item of {SENT}") from error


def _defect() -> RuntimeError:
    with pytest.raises(RuntimeError) as caught:
        _fail()
    return caught.value


def test_a_failed_call(log_format: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug", log_format)
    told = known(_defect(), "Recommend")
    assert SENT not in str(told)
    said = capsys.readouterr().err
    for word in ("call failed", "Recommend", "RuntimeError from ValueError", "_fail"):
        assert word in said
    assert SENT not in said


def test_a_failed_call_is_silent_in_any_log(caplog: pytest.LogCaptureFixture) -> None:
    """Also where another program than the server has set up logging."""
    known(_defect(), "Recommend")
    [record] = caplog.records
    assert record.exc_info is None
    assert SENT not in str(record.__dict__)


def test_whoever_logs_it(log_format: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    configure("debug", log_format)
    try:
        raise _defect()
    except RuntimeError as error:
        logging.getLogger("some.library").exception("it failed")
        logging.getLogger("another").warning("it failed too", exc_info=error)
    said = capsys.readouterr().err
    assert said.count("RuntimeError from ValueError") == 2
    assert SENT not in said


def test_a_task_that_nobody_awaits(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("debug", log_format)
    loop = asyncio.new_event_loop()
    loop.call_exception_handler({"message": "never retrieved", "exception": _defect()})
    loop.close()
    said = capsys.readouterr().err
    assert "RuntimeError from ValueError" in said
    assert SENT not in said
