"""The process of one part: ``python -m benchmarks.gpu_check.child PART SETTINGS FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.parts import PARTS
from benchmarks.gpu_check.settings import Settings


def main(name: str, settings: str, file: str) -> None:
    """Do a part and leave what it finds in a file.

    Args:
        name: of the part.
        settings: see `Settings.to_json`.
        file: where it is left, again and again.
    """
    (part,) = (part for part in PARTS if part.name == name)
    found = Findings(file=Path(file))
    with found.section(name):
        part.module.measure(Settings.from_json(settings), found)
    found.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
