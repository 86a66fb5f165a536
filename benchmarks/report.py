"""How every benchmark reports: a table, then one JSON object on the last line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must reach.

    Attributes:
        limit: inclusive.
        kind: whether the figure must be at least or at most the limit.
    """

    limit: float
    kind: Literal["at_least", "at_most"]

    def met(self, value: float) -> bool:
        """Whether a figure reaches it; one that is not a number does not."""
        return value >= self.limit if self.kind == "at_least" else value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.kind == "at_least" else "≤"
        return f"{sign} {self.limit:g}"


def at_least(limit: float) -> Bar:
    """The figure must not be less."""
    return Bar(limit, "at_least")


def at_most(limit: float) -> Bar:
    """The figure must not be more."""
    return Bar(limit, "at_most")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        key: its name in the JSON object.
        label: its name in the table, with what it means.
        value: a whole number or not.
        unit: of the value, "" for none.
        bar: what it must reach, None for nothing.
    """

    key: str
    label: str
    value: float
    unit: str = ""
    bar: Bar | None = None

    @property
    def missed(self) -> bool:
        """Whether it has a bar and does not reach it."""
        return self.bar is not None and not self.bar.met(self.value)

    @property
    def verdict(self) -> str:
        """``met``, ``not met``, or "" without a bar."""
        if self.bar is None:
            return ""
        return "not met" if self.missed else "met"


@dataclass(slots=True)
class Report:
    """What one run of a benchmark found.

    Attributes:
        benchmark: its name.
        context: what it was measured on and with: machine, model, settings.
        figures: in the order of the table.
        details: more for the JSON object that a table has no room for.
    """

    benchmark: str
    context: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def add(
        self, key: str, label: str, value: float, unit: str = "", bar: Bar | None = None
    ) -> None:
        """Note a figure, see `Figure`."""
        self.figures.append(Figure(key, label, value, unit, bar))

    @property
    def missed(self) -> list[Figure]:
        """The figures that do not reach their bar."""
        return [figure for figure in self.figures if figure.missed]

    def to_json(self) -> str:
        """Everything as one line."""
        bars = {
            figure.key: {"bar": str(figure.bar), "met": not figure.missed}
            for figure in self.figures
            if figure.bar is not None
        }
        content = {
            "benchmark": self.benchmark,
            **self.context,
            "figures": {figure.key: _rounded(figure.value) for figure in self.figures},
            "labels": {figure.key: [figure.label.strip(), figure.unit] for figure in self.figures},
            "bars": bars,
            **self.details,
        }
        return json.dumps(content, ensure_ascii=False)

    def show(self, file: Path | None = None) -> None:
        """Print the table and the JSON line; write the latter to a file too if one is given."""
        Console().print(self._table())
        if file is not None:
            file.write_text(self.to_json() + "\n", encoding="utf-8")
        print(self.to_json())

    def _table(self) -> Table:
        table = Table(title=f"{self.benchmark}: {_summary(self.context)}", title_justify="left")
        table.add_column("what")
        table.add_column("figure", justify="right")
        table.add_column("bar", justify="right")
        table.add_column("")
        for figure in self.figures:
            table.add_row(*_cells(figure), style="bold red" if figure.missed else None)
        return table


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    bar = "" if figure.bar is None else str(figure.bar)
    return figure.label, f"{_readable(figure.value)} {figure.unit}".strip(), bar, figure.verdict


def _summary(context: dict[str, Any]) -> str:
    machine, model = context.get("machine", {}), context.get("model", {})
    return (
        f"{model.get('name', 'no model')} {model.get('variant', '')}, "
        f"{machine.get('cores', '?')} cores of {machine.get('cpu', 'an unknown processor')}, "
        f"load {machine.get('load_average_at_start', '?')} at start"
    )


def _readable(value: float) -> str:
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"  # noqa: PLR2004 - digits


def _rounded(value: float) -> float:
    return int(value) if float(value).is_integer() else float(f"{value:.6g}")
