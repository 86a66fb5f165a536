"""Through real servers on the device: one client's searches, then `benchmarks.serve --quick`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data, latency
from benchmarks.gpu_check import targets
from benchmarks.gpu_check.batches import texts
from benchmarks.gpu_check.findings import AbsentError, Findings
from benchmarks.gpu_check.settings import Settings
from benchmarks.metrics import percentiles
from bertine import artifact
from bertine.client import Client
from bertine.encode.device import best_variant
from bertine.testing import ServerProcess
from bertine_export.texts import load

_COLLECTION = "checked"
_PER_UPSERT = 500
_READY_SECONDS = 80.0
_LINES = 6


def measure(settings: Settings, found: Findings) -> None:
    """One client, then all of `benchmarks.serve` unless it should be quick."""
    with found.section("one client"):
        _alone(settings, found)
    with found.section("load"):
        if settings.quick:
            raise AbsentError("it takes minutes; leave out --quick")
        load_test(settings, found)


def _alone(settings: Settings, found: Findings) -> None:
    """Fill a server, wait until its index is built, and search."""
    items, source = texts(settings.effort.items)
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
        _fill(client, items)
        kind = latency.wait_until_settled(client, _COLLECTION)
        taken = latency.timed(lambda text: client.search(_COLLECTION, text), queries, lambda: None)
        model = client.server_info().models[0]
    found.details["served"] = {"index": kind, "provider": model.provider, "texts": source}
    label = f"Search, one client, one short text, {len(items):,} {source}, {kind}"
    for name, value in percentiles(taken.seconds).items():
        bar = targets.search(settings) if name == "p50" else None
        found.add(f"served_{name}_ms", f"{label}: {name}", value, "ms", bar)


def _fill(client: Client, items: list[str]) -> None:
    client.create_collection(_COLLECTION)
    for start in range(0, len(items), _PER_UPSERT):
        part = items[start : start + _PER_UPSERT]
        client.upsert(
            _COLLECTION,
            [{"id": f"{start + place}", "text": text} for place, text in enumerate(part)],
        )


def load_test(settings: Settings, found: Findings) -> None:
    """`benchmarks.serve --quick`, ``load_`` before its keys; its bars are a CPU's and left out.

    Raises:
        AbsentError: the texts or the traces are not there.
    """
    try:
        data.folder()
    except data.DataAbsentError as error:
        raise AbsentError(str(error)) from error
    manifest = artifact.load(settings.folder).manifest
    variant = best_variant(manifest, settings.place.kind)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        result = _run(settings, variant, Path(folder, "serve.json"))
    found.details["load"] = result
    for key, value in result["figures"].items():
        label, unit = result["labels"][key]
        found.add(f"load_{key}", f"serve: {label}", value, unit)


def _run(settings: Settings, variant: str, file: Path) -> dict[str, Any]:
    command = [
        *(sys.executable, "-m", "benchmarks.serve", "--model", settings.model),
        *("--variant", variant, "--device", settings.device),
        *("--quick", "--no-bars", "--json", str(file)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = " | ".join(done.stderr.strip().splitlines()[-_LINES:])
        raise RuntimeError(f"benchmarks.serve ended with {done.returncode}: {told}")
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return result
