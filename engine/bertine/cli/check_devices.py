"""What `bertine doctor` looks at: the processor, and what ONNX Runtime really runs on."""

from __future__ import annotations

import platform
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bertine.cli.checks import Finding, attempt, device_extra, installed
from bertine.encode.libraries import open_cuda

CPU = "CPUExecutionProvider"

# onnx.helper, opset 17, IR 8: one MatMul, y[1, 2] = x[1, 2] @ [[1, 2], [3, 4]].
TINY_GRAPH = b64decode(
    "CAg6XQoRCgF4CgF3EgF5IgZNYXRNdWwSAWcqGwgCCAIQAUIBd0oQAACAPwAAAEAAAEBAAACAQFoTCgF4Eg4KDAgBEggK"
    "AggBCgIIAmITCgF5Eg4KDAgBEggKAggBCgIIAkIECgAQEQ=="
)

# Listed by every build of ONNX Runtime, but a way to a web service, not a device.
_NO_DEVICES = {"AzureExecutionProvider"}
# Its package is there, or it would not be listed.
_LOOK = "nvidia-smi  # does it list a GPU? A library that is missing is named below"
_SILENT = 4  # ONNX Runtime's severity "fatal": the finding tells what it would have logged

_SIMD = (
    "avx2",
    "fma",
    "avx512f",
    "avx_vnni",
    "avx512_vnni",
    "amx_int8",
    "asimd",
    "asimddp",
    "i8mm",
)


def check_devices() -> Iterator[Finding]:
    """Cores, SIMD, and each of ONNX Runtime's providers."""
    yield attempt("processor", "bertine serve --threads N  # say it yourself", _processor)
    yield from check_providers()


def check_providers() -> Iterator[Finding]:
    """One finding for each provider that this ONNX Runtime has; only the CPU's is required."""
    try:
        import onnxruntime  # noqa: PLC0415 - only inside a check

        available = onnxruntime.get_available_providers()
    except Exception:  # noqa: BLE001 - a broken library may raise anything
        available = [CPU]
    for provider in available:
        if provider == CPU:
            remedy = f"pip install --force-reinstall 'bertine[{device_extra(installed())}]'"
            yield attempt(provider, remedy, partial(_run, provider))
        elif provider not in _NO_DEVICES:
            yield _optional(provider)


def _optional(provider: str) -> Finding:
    tensorrt = provider.startswith("Tensorrt")
    remedy = "pip install 'bertine[gpu,tensorrt]'" if tensorrt else _LOOK
    finding = attempt(provider, remedy, partial(_run, provider))
    if finding.status == "ok":
        return finding
    return Finding(provider, "absent", f"does not work: {finding.detail}", finding.remedy)


def _run(provider: str) -> str:
    """Run a graph. ONNX Runtime falls back to the CPU silently, so ask what it runs on."""
    import numpy as np  # noqa: PLC0415 - only inside a check
    import onnxruntime  # noqa: PLC0415 - only inside a check

    if provider != CPU:
        open_cuda()
        onnxruntime.set_default_logger_severity(_SILENT)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    session: Any = onnxruntime.InferenceSession(
        TINY_GRAPH, options, providers=[provider], enable_fallback=False
    )
    used = session.get_providers()[0]
    if used != provider:
        raise RuntimeError(f"ONNX Runtime fell back to {used}")
    (product,) = session.run(None, {"x": np.ones((1, 2), np.float32)})
    if product.tolist() != [[4, 6]]:
        raise RuntimeError(f"computes {product.tolist()} where [[4, 6]] is right")
    return "runs a graph"


def _processor() -> str:
    from bertine.encode.cores import usable_cores  # noqa: PLC0415 - only inside a check

    flags = " ".join(simd_flags()) or "no SIMD flags known"
    return f"{usable_cores()} cores, {platform.machine()}, {flags}"


def simd_flags(path: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Those flags of the processor that matter to matrix products.

    Args:
        path: of Linux's description of the processor.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            have = set(value.split())
            return [flag for flag in _SIMD if flag in have]
    return []
