"""A hundred kills from a seed of the day; see `tests/e2e/test_kills.py`.

pytest -s tests/soak/kills.py                            about ten minutes; prints its seed
BERTINE_SOAK_SEED=7 BERTINE_SOAK_ROUNDS=20 pytest ...    the same again, or shorter

The name keeps it out of a run of all tests.
"""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.kills import kill_again_and_again

ROUNDS = int(os.environ.get("BERTINE_SOAK_ROUNDS", "100"))
SEED = int(os.environ.get("BERTINE_SOAK_SEED", str(time.time_ns() % 1_000_000)))


@pytest.mark.timeout(7_200)
def test_a_hundred_kills(model: Path, tmp_path: Path) -> None:
    sys.stdout.write(kill_again_and_again(model, tmp_path, ROUNDS, SEED) + "\n")
