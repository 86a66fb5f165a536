"""The plots of a run as one page that loads nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.html.elements import Point, Row, bars, figure, scatter, section

_STYLE = Path(__file__).parents[1] / "html" / "style.css"


def page(result: Mapping[str, Any]) -> str:
    """A whole HTML document.

    Args:
        result: of the benchmark's JSON line.
    """
    body = "".join(
        [
            f"<h1>Quality: {escape(str(result['data_set']))}</h1>",
            f"<p class=lead>{escape(str(result['protocol']))}</p>",
            *(f"<p class=warning>{escape(remark)}</p>" for remark in result["remarks"]),
            _accuracy(result),
            _diversity(result.get("mmr", ())),
            _thresholds(result.get("served_by_theta", {})),
            _noise(result.get("noise", ())),
        ]
    )
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>Bertine: quality</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _accuracy(result: Mapping[str, Any]) -> str:
    methods = result.get("methods", {})
    rows = [
        Row(name, found["ndcg10"][0], _interval(found["ndcg10"]), strong=name == "hybrid")
        for name, found in methods.items()
    ]
    rows += [Row(f"{name}, published", f[2]) for name, f in result.get("published", {}).items()]
    rows.sort(key=lambda row: -row.value)
    lead = "All items ranked; the interval is 95 % over users drawn again."
    return section("Accuracy", lead, figure("NDCG@10", bars(rows, "")))


def _diversity(sweep: Sequence[Mapping[str, float]]) -> str:
    points = [Point(point["diversity"], point["ndcg10"]) for point in sweep]
    plot = scatter(points, ("intra-list diversity, 1 - cosine", "NDCG@10"))
    lead = (
        "From right to left less novelty: each point is one lambda of maximal marginal relevance."
    )
    return section("Accuracy against diversity", lead, figure("MMR", plot))


def _thresholds(curves: Mapping[str, Sequence[Sequence[float]]]) -> str:
    plots = [
        figure(
            f"{k} items",
            scatter([Point(theta, share) for theta, share in curve], ("theta", "share of rows")),
        )
        for k, curve in curves.items()
    ]
    body = f"<div class=grid>{''.join(plots)}</div>" if plots else ""
    return section("What a threshold costs", "Rows that still get so many items.", body)


def _noise(curve: Sequence[Mapping[str, float]]) -> str:
    points = [Point(math.log10(point["epsilon"]), point["hybrid"]) for point in curve]
    plot = scatter(points, ("log10 of a call's epsilon", "NDCG@10"))
    lead = "Gaussian noise on the user's profile. Smaller epsilon is more private."
    return section("Privacy against accuracy", lead, figure("NDCG@10 by epsilon", plot))


def _interval(values: Sequence[float]) -> str:
    return f"{values[1]:.4f} to {values[2]:.4f}"
