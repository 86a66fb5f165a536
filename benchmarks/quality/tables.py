"""The methods side by side, which one column of figures cannot show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.report import Report

_ACCURACY = {
    "hr5": "HR@5",
    "hr10": "HR@10",
    "ndcg5": "NDCG@5",
    "ndcg10": "NDCG@10",
    "mrr": "MRR",
    "recall10": "rec@10",
    "recall50": "rec@50",
}
_BEYOND = {
    "coverage": "coverage",
    "novelty_bits": "novelty, bits",
    "diversity": "diversity",
    "diversity_independent": "independent",
    "gini": "Gini",
}


def print_tables(report: Report) -> None:
    """How it was split, all methods, what was published, and slices."""
    console = Console()
    console.print(f"{report.context['data_set']}: {report.context['protocol']}")
    for remark in report.context["remarks"]:
        console.print(f"[yellow]{remark}[/]")
    methods = report.details.get("methods", {})
    if methods:
        console.print(_accuracy(methods, report.details["published"]))
        console.print(_beyond(methods, report.details["independent_diversity"]))
        console.print(_slices(methods))


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("method", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _accuracy(methods: dict[str, Any], published: dict[str, list[float]]) -> Table:
    table = _table("Accuracy: all items ranked, means over rows", _ACCURACY.values())
    for name, found in methods.items():
        cells = [f"{found[metric][0]:.4f}" for metric in _ACCURACY]
        table.add_row(name, *cells, style=_style(name))
    for name, (hr5, hr10, ndcg10) in published.items():
        table.add_row(f"{name}, published", f"{hr5:.4f}", f"{hr10:.4f}", "", f"{ndcg10:.4f}")
    return table


def _beyond(methods: dict[str, Any], independent: str) -> Table:
    title = f"Lists of ten; independent: {independent}"
    table = _table(title, _BEYOND.values())
    for name, found in methods.items():
        cells = [f"{found[each]:.3f}" if each in found else "" for each in _BEYOND]
        table.add_row(name, *cells, style=_style(name))
    return table


def _slices(methods: dict[str, Any]) -> Table:
    first = next(iter(methods.values()))["slices"]
    columns = [f"{name}\n{found['count']:,}" for name, found in first.items()]
    table = _table("NDCG@10 by length of history (rows) and by kind of target (targets)", columns)
    for method, found in methods.items():
        cells = (f"{found['slices'][name]['ndcg10']:.4f}" for name in first)
        table.add_row(method, *cells, style=_style(method))
    return table


def _style(method: str) -> str | None:
    return "bold" if method == "hybrid" else None
