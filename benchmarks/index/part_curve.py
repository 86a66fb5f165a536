"""Recall against speed beside bare FAISS, hnswlib and usearch; builds and memory."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks import contest
from benchmarks.index.contestants import SHAPES, Curves, Found, compete
from benchmarks.index.curve import rate_at, ratios_at
from benchmarks.index.roster import FAISS, HNSWLIB, OURS, Contestant, roster
from benchmarks.index.run import Queries, Run
from benchmarks.report import Bar, Report, at_least, at_most

RECALLS = (0.95, 0.97, 0.98)
LEAST_TO_HNSWLIB = {0.95: 1.8, 0.97: 1.5, 0.98: 1.2}
LEAST_TO_FAISS = 0.85
MOST_SINGLE = 1.3
MOST_BUILD = 0.25

_BATCH, _SMALL, _ONE = SHAPES
_NEVER = 1e6
"""Instead of infinity, which JSON cannot say."""


def measure(run: Run) -> None:
    """Hold the contest and report it."""
    entries = roster(run.live_options)
    found = compete(run, entries, 1 if run.settings.quick else run.settings.rounds)
    there = [entry for entry in entries if entry.name in found.builds]
    for entry in there:
        _report_one(run, entry, found)
    _report_tuned(run, found)
    for entry in there[1:]:
        _report_beside(run, entry, found)
    run.report.details["index"] = found.status
    run.report.details["contestants"] = {
        entry.name: {"title": entry.title, "versions": found.versions[entry.name]}
        for entry in there
    }
    run.report.details["curves"] = _curves(run, there, found)


def _report_one(run: Run, entry: Contestant, found: Found) -> None:
    report, name, title = run.report, entry.name, entry.title
    contest.add_median(report, f"build_{name}", f"{title}: build", found.builds[name], "s")
    report.add(f"memory_{name}", f"{title}: process after it", found.memory[name], "MiB")
    gloss, short = found.curves[name, run.glosses.name], found.curves[name, run.short.name]
    for recall in RECALLS:
        _add_rate(report, entry, run.glosses, _BATCH, gloss, recall)
    _add_rate(report, entry, run.glosses, _SMALL, gloss, RECALLS[0])
    _add_rate(report, entry, run.short, _BATCH, short, RECALLS[0])
    for percentile in ("p50", "p99"):
        _add_wait(report, entry, run.glosses, gloss, percentile)


def _add_rate(
    report: Report, entry: Contestant, queries: Queries, shape: int, curves: Curves, recall: float
) -> None:
    values = [rate_at(points, recall) for points in curves.rates(shape)]
    label = f"{entry.title}: {queries.title}, by {shape:,}, recall {recall}"
    key = f"rate_{queries.name}_{shape}_{_digits(recall)}_{entry.name}"
    _add(report, key, label, values, "/s")


def _add_wait(
    report: Report, entry: Contestant, queries: Queries, curves: Curves, percentile: str
) -> None:
    recall = RECALLS[0]
    rates = [rate_at(points, recall) for points in curves.waits(_ONE, percentile)]
    label = f"{entry.title}: {queries.title}, one by one, recall {recall}: {percentile}"
    waits = [None if rate is None else 1e3 / rate for rate in rates]
    _add(report, f"{percentile}_{queries.name}_{entry.name}", label, waits, "ms")


def _add(report: Report, key: str, label: str, values: Sequence[float | None], unit: str) -> None:
    """A median; a recall that was not reached gets no figure but a note."""
    reached = [value for value in values if value is not None]
    if len(reached) < len(values) or not reached:
        report.details.setdefault("not_reached", []).append(label)
        return
    contest.add_median(report, key, label, reached, unit)


def _report_tuned(run: Run, found: Found) -> None:
    """The engine as users get it: its own tuning, the first of its settings."""
    for queries in (run.glosses, run.short):
        curves = found.curves[OURS, queries.name]
        label = f"Bertine as tuned: {queries.title}"
        key = f"tuned_{queries.name}"
        run.report.add(f"{key}_recall", f"{label}, recall@10", curves.recalls[0])
        for shape, rounds in curves.points.items():
            first = [points[0] for points in rounds]
            rates = [point["rate"] for point in first]
            contest.add_median(run.report, f"{key}_{shape}", f"{label}, by {shape:,}", rates, "/s")
        for percentile in ("p50", "p99"):
            waits = [points[0][percentile] for points in curves.points[_ONE]]
            contest.add_median(
                run.report, f"{key}_{percentile}", f"{label}: {percentile}", waits, "ms"
            )


def _report_beside(run: Run, entry: Contestant, found: Found) -> None:
    """The engine by one other: held against a bar where there is one for all glosses."""
    report, name, full = run.report, entry.name, run.settings.full
    ours, theirs = found.curves[OURS, run.glosses.name], found.curves[name, run.glosses.name]
    for recall in RECALLS:
        shares = ratios_at(ours.rates(_BATCH), theirs.rates(_BATCH), recall)
        label = f"Bertine / {entry.title}: by {_BATCH:,}, recall {recall}"
        bar = _rate_bar(name, recall) if full else None
        _add_ratio(report, f"ratio_{name}_{_digits(recall)}", label, shares, bar)
    shares = _wait_ratios(ours, theirs)
    label = f"Bertine / {entry.title}: one by one, p50, recall {RECALLS[0]}"
    bar = at_most(MOST_SINGLE) if full and name == HNSWLIB else None
    _add_ratio(report, f"ratio_p50_{name}", label, shares, bar)
    builds = contest.ratios(found.builds[OURS], found.builds[name])
    bar = at_most(MOST_BUILD) if full and name == HNSWLIB else None
    label = f"Bertine / {entry.title}: build"
    contest.add_median(report, f"ratio_build_{name}", label, builds, bar=bar)


def _rate_bar(name: str, recall: float) -> Bar | None:
    if name == HNSWLIB:
        return at_least(LEAST_TO_HNSWLIB[recall])
    return at_least(LEAST_TO_FAISS) if name == FAISS else None


def _wait_ratios(ours: Curves, theirs: Curves) -> list[float] | None:
    """Our wait by theirs: the rates the other way round; `_NEVER` where we do not get there."""
    rates = ratios_at(ours.waits(_ONE, "p50"), theirs.waits(_ONE, "p50"), RECALLS[0])
    return None if rates is None else [1 / rate if rate else _NEVER for rate in rates]


def _add_ratio(
    report: Report, key: str, label: str, shares: list[float] | None, bar: Bar | None
) -> None:
    """A recall that the other never reaches gives no ratio: nobody is beaten by it."""
    if shares is None:
        report.details.setdefault("not_reached", []).append(label)
        return
    contest.add_median(report, key, label, shares, bar=bar)


def _curves(run: Run, entries: Sequence[Contestant], found: Found) -> list[dict[str, Any]]:
    """Every setting's medians, for the JSON object."""
    return [
        {
            "of": entry.name,
            "queries": queries.name,
            "by": shape,
            "points": _medians(found.settings[entry.name], curves.recalls, rounds),
        }
        for entry in entries
        for queries in (run.glosses, run.short)
        for curves in [found.curves[entry.name, queries.name]]
        for shape, rounds in curves.points.items()
    ]


def _medians(
    settings: Sequence[Any], recalls: Sequence[float], rounds: Sequence[list[dict[str, float]]]
) -> list[dict[str, Any]]:
    return [
        {
            "setting": setting,
            "recall": round(recall, 5),
            **{name: float(f"{median(p[at][name] for p in rounds):.5g}") for name in rounds[0][at]},
        }
        for at, (setting, recall) in enumerate(zip(settings, recalls, strict=True))
    ]


def _digits(recall: float) -> str:
    return f"{recall * 100:.0f}"
