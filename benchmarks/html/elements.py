"""The few shapes that a report is drawn with: text that scales is HTML, curves are SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 460, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 42
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One bar of `bars`.

    Attributes:
        label: before it.
        value: its length.
        note: after the number.
        rounds: single measurements, drawn as ticks.
        strong: drawn in the colour of what the report is about.
    """

    label: str
    value: float
    note: str = ""
    rounds: Sequence[float] = ()
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One point of `scatter`; `good` decides its colour."""

    x: float
    y: float
    good: bool = True


def readable(value: float) -> str:
    """Four digits, which cosines need, or a whole number with separators."""
    if not math.isfinite(value):
        return "–"  # noqa: RUF001 - a dash
    return f"{value:,.0f}" if abs(value) >= 1_000 or value == round(value) else f"{value:.4g}"  # noqa: PLR2004 - digits


def section(title: str, lead: str, *bodies: str) -> str:
    """A titled part of the page; nothing without a body."""
    content = "".join(bodies)
    if not content:
        return ""
    return f"<section><h2>{escape(title)}</h2><p class=lead>{escape(lead)}</p>{content}</section>"


def figure(title: str, body: str) -> str:
    """A plot with its title."""
    return f"<figure><figcaption>{escape(title)}</figcaption>{body}</figure>" if body else ""


def bars(rows: Sequence[Row], unit: str) -> str:
    """Horizontal bars on one scale, with every round as a tick."""
    if not rows:
        return ""
    longest = max(max([row.value, *row.rounds]) for row in rows) or 1.0
    return f"<div class=bars>{''.join(_bar(row, longest, unit) for row in rows)}</div>"


def stacks(rows: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Horizontal bars of parts on one scale, and what each colour is."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    longest = max(sum(parts.values()) for parts in rows.values()) or 1.0
    lines = "".join(_stack(label, parts, names, longest, unit) for label, parts in rows.items())
    keys = "".join(f"<span><i class=c{i}></i>{escape(name)}</span>" for i, name in enumerate(names))
    return f"<div class=bars>{lines}</div><p class=key>{keys}</p>"


def columns(counts: Mapping[str, float], axis: str) -> str:
    """A histogram."""
    if not counts:
        return ""
    highest, width = max(counts.values()) or 1.0, (_WIDTH - _LEFT - _RIGHT) / len(counts)
    body = _grid_lines(_ticks(highest), highest)
    for position, (label, count) in enumerate(counts.items()):
        height = (_HEIGHT - _TOP - _BOTTOM) * count / highest
        left, top = _LEFT + position * width, _HEIGHT - _BOTTOM - height
        title = f"<title>{escape(label)}: {readable(count)}</title>"
        shape = f'x="{left + 2:.1f}" y="{top:.1f}" width="{width - 4:.1f}" height="{height:.1f}"'
        body += f"<rect class=main {shape}>{title}</rect>"
        body += _text(left + width / 2, _HEIGHT - _BOTTOM + 16, label)
    return _svg(body + _text(_WIDTH / 2, _HEIGHT - 6, axis))


def scatter(points: Sequence[Point], axes: tuple[str, str], limit: float | None = None) -> str:
    """Points, a line through each x's middle, and a dashed line at a limit."""
    shown = [point for point in points if math.isfinite(point.x) and math.isfinite(point.y)]
    if not shown:
        return ""
    right = max(point.x for point in shown) * 1.05
    # What is far beyond the limit would flatten all that matters.
    highest = max(point.y for point in shown) * 1.05
    top = min(highest, 3 * limit) if limit else highest
    scale = _Scale(right, top)
    body = _grid_lines(_ticks(top), top) + _across(right)
    if limit:
        y = scale.y(limit)
        body += f'<line class=limit x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    middle = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in _middles(shown))
    body += f'<polyline points="{middle}"/>'
    body += "".join(_dot(point, scale) for point in shown)
    body += _text(_WIDTH / 2, _HEIGHT - 6, axes[0]) + _text(2, 12, axes[1], "start")
    return _svg(body)


@dataclass(frozen=True, slots=True)
class _Scale:
    right: float
    top: float

    def x(self, value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / self.right

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(value, self.top) / self.top


def _bar(row: Row, longest: float, unit: str) -> str:
    ticks = "".join(f"<b style=left:{100 * one / longest:.2f}%></b>" for one in row.rounds)
    kind = " strong" if row.strong else ""
    return (
        f"<div class='row{kind}'><span>{escape(row.label)}</span>"
        f"<div class=track><i style=width:{100 * row.value / longest:.2f}%></i>{ticks}</div>"
        f"<span class=value>{readable(row.value)} {escape(unit)} <em>{escape(row.note)}</em></span>"
        "</div>"
    )


def _stack(
    label: str, parts: Mapping[str, float], names: Sequence[str], longest: float, unit: str
) -> str:
    pieces = "".join(
        f"<i class=c{names.index(name)} style=width:{100 * value / longest:.2f}% "
        f'title="{escape(name)}: {readable(value)} {escape(unit)}"></i>'
        for name, value in parts.items()
    )
    total = f"{readable(sum(parts.values()))} {escape(unit)}"
    return (
        f"<div class=row><span>{escape(label)}</span><div class='track parts'>{pieces}</div>"
        f"<span class=value>{total}</span></div>"
    )


def _dot(point: Point, scale: _Scale) -> str:
    title = f"<title>{readable(point.x)}: {readable(point.y)}</title>"
    kind = "good" if point.good else "bad"
    x, y = scale.x(point.x), scale.y(point.y)
    return f'<circle class={kind} cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>'


def _middles(points: Sequence[Point]) -> list[tuple[float, float]]:
    found: dict[float, list[float]] = {}
    for point in points:
        found.setdefault(point.x, []).append(point.y)
    return [(x, sorted(ys)[len(ys) // 2]) for x, ys in sorted(found.items())]


def _ticks(top: float) -> list[float]:
    """About four round numbers from 0 to at most `top`."""
    rough = top / 4
    unit = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(unit * factor for factor in _STEPS if unit * factor >= rough * 0.999)
    return [step * i for i in range(int(top / step) + 1)]


def _grid_lines(ticks: Sequence[float], top: float) -> str:
    scale = _Scale(1.0, top)
    return "".join(
        f'<line class=grid x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{scale.y(tick):.1f}" '
        f'y2="{scale.y(tick):.1f}"/>' + _text(_LEFT - 6, scale.y(tick) + 4, readable(tick), "end")
        for tick in ticks
    )


def _across(right: float) -> str:
    scale = _Scale(right, 1.0)
    y = _HEIGHT - _BOTTOM + 16
    return "".join(_text(scale.x(tick), y, readable(tick)) for tick in _ticks(right))


def _text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def _svg(body: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{body}</svg>'
