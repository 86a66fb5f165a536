"""Two results of one benchmark: what changed beyond noise.

    python -m benchmarks.compare OLD.json NEW.json

A figure with four rounds or more changed if the ranks of its rounds say so, one with fewer if it
changed by a tenth and no round overlaps. Exit code 1 says that something got worse.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table

from benchmarks.contest import SAMPLES
from benchmarks.html.__main__ import read
from benchmarks.noise import Difference, difference
from benchmarks.progress import say

Result = Mapping[str, Any]

_SETTINGS = ("machine.cpu", "machine.cores", "model.name", "model.variant", "model.fingerprint")
_OTHER_SETTINGS = ("cache", "cache_mb", "transport", "fronts", "texts", "quick", "clients")
_LESS_IS_BETTER = ("ms", "s", "MiB", "MiB/min", "µs/call", "µs/text")
_MORE_IS_BETTER = ("texts/s", "items/s", "GFLOP/s", "/s")
_ROUNDS = {"served": "value", "offline": "base", "share": "ratio"}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure in both results.

    Attributes:
        key: its name.
        label: what it is.
        old: its value before.
        new: its value now.
        found: how it changed.
        sign: 1 if more is better, -1 if less is, 0 if nobody knows.
    """

    key: str
    label: str
    old: float
    new: float
    found: Difference
    sign: int

    @property
    def verdict(self) -> Literal["better", "worse", "changed", "noise", "same"]:
        """What the change means."""
        if self.found.verdict != "changed":
            return self.found.verdict
        if not self.sign:
            return "changed"
        return "better" if self.found.change * self.sign > 0 else "worse"


@click.command()
@click.argument("old", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("new", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--all", "everything", is_flag=True, help="Also what did not change.")
def main(old: Path, new: Path, everything: bool) -> None:  # noqa: FBT001 - click's flag
    """Say what changed from one result to another."""
    before, after = read(old), read(new)
    if before["benchmark"] != after["benchmark"]:
        raise click.BadParameter(
            f"{old} is of {before['benchmark']}, {new} of {after['benchmark']}"
        )
    unlike = differing_settings(before, after)
    for name, (was, now) in unlike.items():
        say(f"[yellow]not the same {name}[/]: {was} before, {now} now")
    lines = compare(before, after)
    shown = [line for line in lines if everything or line.verdict not in {"same", "noise"}]
    Console().print(_table(after["benchmark"], shown, len(lines)))
    print(_to_json(after["benchmark"], lines, unlike))
    sys.exit(1 if any(line.verdict == "worse" for line in lines) else 0)


def compare(old: Result, new: Result) -> list[Line]:
    """All figures that both results have."""
    return [
        _line(key, old, new)
        for key, value in new["figures"].items()
        if value is not None and old["figures"].get(key) is not None
    ]


def differing_settings(old: Result, new: Result) -> dict[str, tuple[Any, Any]]:
    """What was not the same, so that figures may differ for no other reason."""
    pairs = {
        name: (_setting(old, name), _setting(new, name)) for name in (*_SETTINGS, *_OTHER_SETTINGS)
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _line(key: str, old: Result, new: Result) -> Line:
    before, after = old["figures"][key], new["figures"][key]
    label, unit = new.get("labels", {}).get(key, (key, ""))
    found = difference(rounds(old, key), rounds(new, key))
    return Line(key, label, before, after, found, _sign(unit, new.get("bars", {}).get(key)))


def rounds(result: Result, key: str) -> list[float]:
    """Every round of a figure, or the figure alone where there was one."""
    if key in result.get(SAMPLES, {}):
        return list(result[SAMPLES][key])
    kind, _, loop = key.partition("_")
    told = result.get(f"closed_{loop}", {}).get(_ROUNDS.get(kind, ""))
    return list(told) if told else [result["figures"][key]]


def _sign(unit: str, bar: Mapping[str, Any] | None) -> int:
    if bar is not None:
        return 1 if bar["bar"].startswith("≥") else -1
    return (unit in _MORE_IS_BETTER) - (unit in _LESS_IS_BETTER)


def _setting(result: Result, name: str) -> Any:
    value: Any = result
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _table(benchmark: str, lines: list[Line], compared: int) -> Table:
    title = f"{benchmark}: {len(lines)} of {compared} figures shown"
    table = Table(title=title, title_justify="left")
    for name in ("what", "old", "new", "change", "by chance", ""):
        table.add_column(name, justify="left" if name in {"what", ""} else "right")
    styles = {"worse": "bold red", "better": "green"}
    for line in lines:
        chance = "" if line.found.chance is None else f"{line.found.chance:.3f}"
        cells = (line.label, f"{line.old:,.4g}", f"{line.new:,.4g}", f"{line.found.change:+.1%}")
        table.add_row(*cells, chance, line.verdict, style=styles.get(line.verdict))
    return table


def _to_json(benchmark: str, lines: list[Line], unlike: Mapping[str, Any]) -> str:
    figures = {
        line.key: {
            "old": line.old,
            "new": line.new,
            "change": round(line.found.change, 4),
            "chance": line.found.chance,
            "verdict": line.verdict,
        }
        for line in lines
    }
    content = {"benchmark": "compare", "of": benchmark, "unlike": unlike, "compared": figures}
    return json.dumps(content, ensure_ascii=False)


if __name__ == "__main__":
    main()
