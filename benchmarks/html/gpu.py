"""What is drawn of a check of a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from benchmarks.html.elements import Row, bars, figure, readable, section

_KINDS = {"absent": "was not checked", "failed": "failed"}


def gpu_section(result: Mapping[str, Any]) -> str:
    """Tokens a second by length and variant, and what is missing.

    Args:
        result: of ``benchmarks.gpu_check``.
    """
    device = result["device"]
    lead = f"Measured on {device}."
    if not result["on_gpu"]:
        lead = f"Device: {device}. These figures say that the program works, and nothing of a GPU."
    plot = figure(
        "Tokens/s without padding, the best batch of each length", bars(_rows(result), "")
    )
    return section("GPU check", lead, *_missing(result), plot)


def _rows(result: Mapping[str, Any]) -> list[Row]:
    figures = result["figures"]
    rows = []
    for key, rate in figures.items():
        kind, _, rest = key.partition("_")
        length, _, variant = rest.partition("_")
        if kind == "tokens":
            share = figures.get(f"share_{rest}")
            note = "" if share is None else f"{readable(share)} of the ceiling"
            rows.append(Row(f"{variant}: {length} tokens", rate, note))
    return rows


def _missing(result: Mapping[str, Any]) -> list[str]:
    return [
        f"<p class=absent><b>{escape(name)}</b> {said}: {escape(reason)}</p>"
        for kind, said in reversed(_KINDS.items())
        for name, reason in result.get(kind, {}).items()
    ]
