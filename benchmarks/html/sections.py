"""What is drawn of each result; a part that a result does not have is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, TypeAlias

from benchmarks.contest import SAMPLES
from benchmarks.html.elements import (
    Point,
    Row,
    bars,
    columns,
    figure,
    readable,
    scatter,
    section,
    stacks,
)

Result: TypeAlias = Mapping[str, Any]

_OURS = "Bertine"
_STAGES = ("tokenize", "queue", "encode", "search", "storage")
_MOST_HISTOGRAMS = 4


def bars_section(results: Sequence[Result]) -> str:
    """Every bar as met or missed, each with its figure."""
    entries = [
        _verdict(result, key, bar)
        for result in results
        for key, bar in result.get("bars", {}).items()
    ]
    lead = "What each figure must reach. Hollow means that it was not reached in this run."
    body = f"<div class=verdicts>{''.join(entries)}</div>" if entries else ""
    return section("Bars", lead, body)


def peers_section(result: Result) -> str:
    """All contestants side by side, quality beside speed."""
    offline = _contestants(result, "offline_", "cosine_")
    loops = dict.fromkeys(_loop(key) for key in result["figures"] if _loop(key))
    served = [
        figure(f"Served: {loop} clients x texts, texts/s", bars(_served(result, loop), ""))
        for loop in loops
    ]
    absent = "".join(
        f"<p class=absent><b>{escape(name)}</b> took no part: {escape(reason)}</p>"
        for name, reason in result.get("absent", {}).items()
    )
    lead = "Same texts, same run, by turns; ticks are single rounds, cos is the cosine to fp32."
    offline_figure = figure("Offline, texts/s", bars(offline, ""))
    return section("Peers side by side", lead, offline_figure, *served, absent)


def latency_section(result: Result) -> str:
    """Latency against the offered rate."""
    knee = result.get("knee", {})
    points = [
        Point(trial["rate"], vote, bool(trial["kept"]))
        for trial in knee.get("trials", ())
        for vote in trial["p99_ms"]
        if vote is not None
    ]
    plot = scatter(points, ("offered, calls/s", "p99, ms"), knee.get("limit_ms"))
    lead = "Poisson arrivals; each point is one window. Dashed: the limit that decides the knee."
    return section("Latency against rate", lead, figure("p99 by offered rate", plot))


def stages_section(results: Sequence[Result]) -> str:
    """Where a call's time goes, by load."""
    rows = {
        name: _parts(stages)
        for result in results
        for name, stages in _found(result, "stages_ms")
        if stages
    }
    plot = figure("Median of each stage, ms", stacks(rows, "ms"))
    return section("Where the time goes", "As the server tells it, one row a load.", plot)


def batches_section(results: Sequence[Result]) -> str:
    """How large the batches were, by load."""
    found = [
        figure(f"Batches by texts: {name}", columns(counts, "texts in a batch, up to"))
        for result in results
        for name, counts in _found(result, "up_to_texts")
    ]
    lead = "Batches form by themselves: while one runs, what arrives waits for the next."
    grid = "".join(found[:_MOST_HISTOGRAMS])
    return section("Batch sizes", lead, f"<div class=grid>{grid}</div>" if grid else "")


def host_section(result: Result) -> str:
    """What calls cost without a model."""
    rows = [_figure_row(result, key) for key in result["figures"] if key.endswith("_us")]
    per_call = [row for row, unit in rows if unit == "µs/call"]
    per_text = [row for row, unit in rows if unit == "µs/text"]
    lead = "Server's processor time with a fake encoder: the limit once a GPU encodes."
    return section(
        "The host's share",
        lead,
        figure("One call, µs", bars(per_call, "")),
        figure("One text, µs", bars(per_text, "")),
    )


def shapes_section(result: Result) -> str:
    """Tokens a second by batch and length, in which all shapes can be compared."""
    rows = []
    for key, rate in result["figures"].items():
        kind, _, shape = key.partition("_")
        if kind == "shape":
            batch, length = map(int, shape.split("x"))
            rows.append(
                Row(f"{batch} x {length} tokens", rate * length, f"{readable(rate)} texts/s")
            )
    lead = "The session alone, without padding."
    return section("Batch and length", lead, figure("Tokens/s by shape", bars(rows, "")))


def numbers_section(result: Result) -> str:
    """Everything, folded away."""
    rows = "".join(
        f"<tr><td>{escape(label)}</td><td>{readable(value)} {escape(unit)}</td></tr>"
        for key, value in result["figures"].items()
        for label, unit in [_label(result, key)]
        if value is not None
    )
    name = escape(str(result["benchmark"]))
    return f"<details><summary>All figures: {name}</summary><table>{rows}</table></details>"


def _verdict(result: Result, key: str, bar: Mapping[str, Any]) -> str:
    label, unit = _label(result, key)
    kind = "met" if bar["met"] else "missed"
    value = f"{readable(result['figures'][key])} {escape(unit)}"
    return (
        f"<div class={kind}><span>{escape(label)}</span><strong>{value}</strong>"
        f"<small>{escape(str(bar['bar']))} · {'met' if bar['met'] else 'not met'}</small></div>"
    )


def _label(result: Result, key: str) -> tuple[str, str]:
    label, unit = result.get("labels", {}).get(key, (key.replace("_", " "), ""))
    return label, unit


def _contestants(result: Result, rate: str, quality: str) -> list[Row]:
    figures = result["figures"]
    rows = [
        Row(
            label=_label(result, key)[0].removeprefix("offline: "),
            value=value,
            note=_cosine(figures.get(quality + key.removeprefix(rate))),
            rounds=result.get(SAMPLES, {}).get(key, ()),
            strong=_label(result, key)[0].removeprefix("offline: ").startswith(_OURS),
        )
        for key, value in figures.items()
        if key.startswith(rate)
    ]
    return sorted(rows, key=lambda row: -row.value)


def _loop(key: str) -> str:
    """``16x1`` of ``served_16x1_bertine``."""
    parts = key.split("_")
    is_rate = len(parts) == 3 and parts[0] == "served" and "x" in parts[1]  # noqa: PLR2004 - name's parts
    return parts[1] if is_rate else ""


def _served(result: Result, loop: str) -> list[Row]:
    figures = result["figures"]
    prefix = f"served_{loop}_"
    return [
        Row(
            label=key.removeprefix(prefix).title(),
            value=value,
            note=f"p50 {readable(figures[key + '_p50_ms'])} ms",
            rounds=result.get(SAMPLES, {}).get(key, ()),
            strong=key.endswith(_OURS.lower()),
        )
        for key, value in figures.items()
        if _loop(key) == loop
    ]


def _cosine(value: float | None) -> str:
    return "" if value is None else f"cos {value:.4f}"


def _figure_row(result: Result, key: str) -> tuple[Row, str]:
    label, unit = _label(result, key)
    rounds = result.get(SAMPLES, {}).get(key, ())
    return Row(label, result["figures"][key], "", rounds, strong="native" in key), unit


def _parts(stages: Mapping[str, float]) -> dict[str, float]:
    """The named stages, and what of the total is none of them."""
    parts = {name: stages.get(name, 0.0) for name in _STAGES}
    rest = stages.get("total", 0.0) - sum(parts.values())
    return {**parts, "the rest": max(0.0, rest)}


def _found(content: Any, name: str, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every mapping of that name, wherever it is, with the names that lead to it."""
    if not isinstance(content, Mapping):
        return
    for key, value in content.items():
        if key == name:
            words = [word for word in path if word not in {"last", "batches"}]
            yield " ".join(words).replace("_", " "), value
        else:
            yield from _found(value, name, (*path, key))
