"""Search through a real server, one client, one short text a call."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import data, latency
from benchmarks.gpu_check import targets
from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.settings import Settings
from benchmarks.metrics import percentiles
from bertine.client import Client
from bertine.testing import ServerProcess
from bertine_export.texts import load

_COLLECTION = "checked"
_PER_UPSERT = 500
_IVF_ITEMS = 20_000
_READY_SECONDS = 80.0


def measure(settings: Settings, found: Findings) -> None:
    """Fill a server, wait until its index is built, and search."""
    texts, source = _texts(settings.effort.items)
    wanted, calls = load(), latency.WARM_UP + settings.effort.calls
    queries = (wanted * (calls // len(wanted) + 1))[:calls]
    with (
        tempfile.TemporaryDirectory(prefix="bertine-") as folder,
        ServerProcess(
            settings.folder,
            Path(folder),
            *("--device", settings.device, "--index-device", settings.device),
            *("--log-level", "warning", "--cache-mb", "0", "--no-coalesce"),
            ready_seconds=_READY_SECONDS,
        ) as server,
        server.client() as client,
    ):
        _fill(client, texts)
        kind = latency.wait_until_settled(client, _COLLECTION)
        taken = latency.timed(lambda text: client.search(_COLLECTION, text), queries, lambda: None)
        model = client.server_info().models[0]
    found.details["served"] = {"index": kind, "provider": model.provider, "texts": source}
    label = f"Search, one client, one short text, {len(texts):,} {source}, {kind}"
    for name, value in percentiles(taken.seconds).items():
        bar = targets.search(settings) if name == "p50" else None
        found.add(f"served_{name}_ms", f"{label}: {name}", value, "ms", bar)


def _texts(count: int) -> tuple[list[str], str]:
    """Glosses, or what the exporter ships where they are absent."""
    try:
        return [gloss.text for gloss in data.glosses(data.folder(), count)], "WordNet glosses"
    except (data.DataAbsentError, OSError):
        shipped = load()
        numbered = [f"{shipped[place % len(shipped)]} ({place})" for place in range(count)]
        return numbered, "shipped texts"


def _fill(client: Client, texts: list[str]) -> None:
    client.create_collection(_COLLECTION)
    for start in range(0, len(texts), _PER_UPSERT):
        part = texts[start : start + _PER_UPSERT]
        client.upsert(
            _COLLECTION,
            [{"id": f"{start + place}", "text": text} for place, text in enumerate(part)],
        )
