"""LoadGen's summary as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FILE = "mlperf_log_summary.txt"
_PERCENTILES = {"50.00": "p50", "90.00": "p90", "99.00": "p99"}
_RATES = ("Completed samples per second", "Samples per second", "QPS w/o loadgen overhead")


@dataclass(frozen=True, slots=True)
class Summary:
    """What LoadGen found.

    Attributes:
        valid: LoadGen's judgement.
        rate: samples a second.
        percentiles_ms: of the latency, by name; empty in Offline, where all begin at once.
    """

    valid: bool
    rate: float
    percentiles_ms: dict[str, float]


def read(folder: Path) -> Summary:
    """The summary that LoadGen wrote into a folder."""
    return parse((folder / _FILE).read_text(encoding="utf-8"))


def parse(text: str) -> Summary:
    """Read the text of a summary.

    Raises:
        ValueError: it says no rate or no verdict.
    """
    fields = dict(re.findall(r"^\s*([^:\n]+?)\s*:\s*(.+?)\s*$", text, re.MULTILINE))
    rate = next((fields[name] for name in _RATES if name in fields), None)
    if rate is None or "Result is" not in fields:
        raise ValueError(f"no summary of LoadGen: {text[:200]!r}")
    return Summary(fields["Result is"] == "VALID", float(rate), _percentiles(fields))


def _percentiles(fields: dict[str, str]) -> dict[str, float]:
    if fields.get("Scenario") == "Offline":
        return {}
    return {
        name: int(fields[f"{percent} percentile latency (ns)"]) / 1e6
        for percent, name in _PERCENTILES.items()
        if f"{percent} percentile latency (ns)" in fields
    }
