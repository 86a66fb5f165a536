from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bertine.recommend.refreshing import Change, RefreshPolicy, refresh_reason

POLICY = RefreshPolicy(least_events=100, growth=0.05, pause=600.0, retry=60.0)
QUIET = Change(1_000, 1_000, learned=True, erased=False, expired=False, quiet=math.inf)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"recorded": 1_049}, ""),
        ({"recorded": 1_050}, "growth"),
        ({"recorded": 1_050, "quiet": 599.0}, ""),
        ({"erased": True, "quiet": 0.0}, "erased"),
        ({"erased": True, "quiet": 0.0, "failed": True}, ""),
        ({"erased": True, "quiet": 60.0, "failed": True}, "erased"),
        ({"expired": True}, "expired"),
        ({"expired": True, "quiet": 599.0}, ""),
        ({"learned": False, "known": 0, "recorded": 99}, ""),
        ({"learned": False, "known": 0, "recorded": 100, "quiet": 0.0}, "first"),
        ({"learned": False, "known": 100, "recorded": 100, "quiet": 0.0}, ""),
    ],
)
def test_when_it_is_learned_again(changed: dict[str, object], reason: str) -> None:
    assert refresh_reason(replace(QUIET, **changed), POLICY) == reason  # type: ignore[arg-type]
