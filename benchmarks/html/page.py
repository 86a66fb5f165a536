"""The page: what was measured on what, then the plots, then all numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.html import gpu, sections
from benchmarks.html.sections import Result

_STYLE = Path(__file__).with_name("style.css")
_BUSY_SHARE = 0.5


def page(results: Sequence[Result]) -> str:
    """A whole HTML document that loads nothing.

    Args:
        results: of `benchmarks.report.Report.to_json`.
    """
    style = _STYLE.read_text(encoding="utf-8")
    body = "".join(_body(results))
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>Bertine: measurements</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _body(results: Sequence[Result]) -> list[str]:
    named = {result["benchmark"]: result for result in results}
    return [
        _header(results),
        sections.bars_section(results),
        gpu.gpu_section(named["gpu_check"]) if "gpu_check" in named else "",
        sections.peers_section(named["peers"]) if "peers" in named else "",
        *(sections.latency_section(result) for result in results),
        sections.stages_section(results),
        sections.batches_section(results),
        sections.host_section(named["host"]) if "host" in named else "",
        sections.shapes_section(named["encode"]) if "encode" in named else "",
        *(sections.numbers_section(result) for result in results),
    ]


def _header(results: Sequence[Result]) -> str:
    first = results[0]
    machine, model = first.get("machine", {}), first.get("model", {})
    facts = [
        f"{model.get('name', 'no model')} {model.get('variant', '')}",
        f"{machine.get('cores', '?')} cores of {machine.get('cpu', 'an unknown processor')}",
        *([f"device {first['device']}"] if "device" in first else []),
        f"cache {first.get('cache', first.get('cache_mb', '?'))}",
        *(f"{name} {version}" for name, version in machine.get("versions", {}).items()),
    ]
    chips = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
    return f"<header><h1>Measurements</h1><p class=chips>{chips}</p>{_warning(results)}</header>"


def _warning(results: Sequence[Result]) -> str:
    """Which results were taken while the machine had other work."""
    busy = [
        f"{result['benchmark']} (load {machine['load_average_at_start']})"
        for result in results
        for machine in [result.get("machine", {})]
        if machine.get("load_average_at_start", 0) > _BUSY_SHARE * machine.get("cores", 1)
    ]
    if not busy:
        return ""
    names = escape(", ".join(busy))
    return f"<p class=warning>The machine was busy with other work at the start of: {names}.</p>"
