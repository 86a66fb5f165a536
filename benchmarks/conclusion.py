"""How every benchmark ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from benchmarks.data import DataAbsentError, DataFaultError
from benchmarks.progress import say
from benchmarks.report import Report


def conclude(
    measure: Callable[[], Report],
    file: Path | None,
    *,
    bars: bool,
    remark: Callable[[Report], None] = lambda _: None,
) -> NoReturn:
    """Measure, show the report, and end the process.

    Args:
        measure: does the work.
        file: where the JSON goes too.
        bars: a missed bar makes the exit code 1.
        remark: says what goes before the table.

    Raises:
        SystemExit: 0; 1 for a missed bar; 2 where the data is absent or cannot be used.
    """
    try:
        report = measure()
    except (DataAbsentError, DataFaultError) as error:
        say(f"[bold red]{error}[/]\nNothing was measured.")
        sys.exit(2)
    remark(report)
    report.show(file)
    sys.exit(1 if bars and report.missed else 0)
