"""Structured logs: one line an event, for people or for machines."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

from bertine.defects import described

LogFormat = Literal["console", "json"]

_configured: tuple[str, LogFormat] = ("info", "console")


def configured() -> tuple[str, LogFormat]:
    """What `configure` was last told, for child processes that log as this one does."""
    return _configured


def configure(level: str, log_format: LogFormat) -> None:
    """Send the records of all loggers to standard error.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        log_format: ``console`` for reading, ``json`` for one object a line.
    """
    global _configured  # noqa: PLW0603 - as the logging it describes
    _configured = (level, log_format)
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_messages,
                _renderer(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _without_messages(
    _logger: object, _method: str, record: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Types and places of an exception instead of its traceback, whoever logs it."""
    told = record.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        record.update(described(error))
    return record


def _renderer(log_format: LogFormat) -> structlog.types.Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
