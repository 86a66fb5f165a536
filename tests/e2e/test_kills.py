"""Nothing acknowledged is lost and nothing deleted comes back, whatever a kill cuts off.

`tests/soak/kills.py` does the same for longer, from other seeds.
"""

import sys
from pathlib import Path

import pytest

from tests.e2e.kills import kill_again_and_again

ROUNDS = 12
SEED = 1


@pytest.mark.timeout(600)
def test_kill_nine_during_writes_rebuilds_and_backups(model: Path, tmp_path: Path) -> None:
    sys.stdout.write(kill_again_and_again(model, tmp_path, ROUNDS, SEED) + "\n")
