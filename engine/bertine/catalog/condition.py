"""Under which conditions items are changed: versions they must have, and whose they must be."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bertine.catalog.guard import Guard
from bertine.catalog.versions import Expected, check_versions


@dataclass(frozen=True, slots=True)
class Condition:
    """Of one call.

    Attributes:
        if_versions: version that an item must have, by id; 0 if it must not exist.
        guard: what may be written, replaced and deleted; None is anything.
    """

    if_versions: Mapping[str, int] = field(default_factory=dict)
    guard: Guard | None = None

    @property
    def expected(self) -> Expected | None:
        """The versions, to be checked by a change."""
        return Expected(self.if_versions, time.time()) if self.if_versions else None

    def check_early(self, versions: Mapping[str, int]) -> None:
        """Compare versions before any work; what counts is checked by the change itself.

        With a guard they are not compared here: the change alone knows what is hidden.

        Raises:
            VersionMismatch: see `check_versions`.
        """
        if self.guard is None:
            check_versions(self.if_versions, versions)


UNCONDITIONAL = Condition()
