"""The file of callers on disk: read at the start, and again when it changes."""

from __future__ import annotations

import logging
from pathlib import Path

from bertine.errors import ConfigError
from bertine.serve.callers.caller import Callers
from bertine.serve.callers.file import MAX_BYTES, parse
from bertine.serve.stamp import Stamp, stamp_of

_log = logging.getLogger(__name__)


class CallersFile:
    """The file.

    Args:
        path: of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._judged: Stamp | None = None  # taken or refused
        self._seen: Stamp | None = None

    def read(self) -> Callers:
        """Read it.

        Raises:
            ConfigError: it cannot be read, is too large, or is malformed.
        """
        self._judged = self._seen = stamp_of(self._path)
        try:
            with self._path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be read: {error.strerror or error}") from error
        if len(data) > MAX_BYTES:
            raise ConfigError(f"{self._path} is larger than {MAX_BYTES:,} bytes")
        try:
            return parse(data.decode())
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self._path} is not UTF-8: {error.reason}") from error
        except ConfigError as error:
            raise ConfigError(f"{self._path}: {error.message}") from error
        except RecursionError as error:
            raise ConfigError(f"{self._path} is nested too deeply") from error

    def changed(self) -> Callers | None:
        """Read it again if it has changed since, and is the same as at the last look.

        A file that is being written is left for the next look. One that is broken or gone is said
        so in the log, once; those who are known stay known.

        Returns:
            None if there is nothing new.
        """
        stamp, before = stamp_of(self._path), self._seen
        self._seen = stamp
        if stamp == self._judged or stamp != before:
            return None
        try:
            callers = self.read()
        except ConfigError as error:
            _log.error("the callers known before stay: %s", error.message)
            return None
        _log.info("the callers were read again", extra={"callers": len(callers)})
        return callers
