"""What a peer's process speaks on standard input and output: one JSON object a line.

    <- {"ready": true, "versions": {"onnxruntime": "1.31.1"}}
    -> {"texts": "texts.json"}                              <- {"texts": 5000}
    -> {"count": 5000, "batch": 32, "vectors": "v.npy"}     <- {"seconds": 8.2, "cpu_seconds": 16.1}

Only numpy and the standard library: this runs in every peer's environment.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np

Encode: TypeAlias = Callable[[list[str], int], Any]
"""Texts and the batch size to float32 ``[texts, dimensions]``, in the order of the texts."""

Answer: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""A request to its answer; both are what JSON can say."""


def run(make: Callable[[dict[str, Any]], Encode], packages: Sequence[str]) -> None:
    """Serve until standard input ends.

    Args:
        make: loads the model; its argument is the JSON object of the command line.
        packages: whose versions are told.
    """

    def answers(options: dict[str, Any]) -> Answer:
        encode, texts = make(options), list[str]()

        def answer(request: dict[str, Any]) -> dict[str, Any]:
            if "texts" not in request:
                return _encode(encode, texts[: request["count"]], request)
            texts[:] = json.loads(Path(request["texts"]).read_text(encoding="utf-8"))
            return {"texts": len(texts)}

        return answer

    converse(answers, packages)


def converse(make: Callable[[dict[str, Any]], Answer], packages: Sequence[str]) -> None:
    """Answer requests until standard input ends.

    Args:
        make: gives what answers; its argument is the JSON object of the command line.
        packages: whose versions are told.
    """
    replies = _take_standard_output()
    answer = make(json.loads(sys.argv[1]))
    _reply(replies, {"ready": True, "versions": {name: version(name) for name in packages}})
    for line in sys.stdin:
        _reply(replies, answer(json.loads(line)))


def unit(vectors: Any) -> Any:
    """Rows of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _encode(encode: Encode, texts: list[str], request: dict[str, Any]) -> dict[str, float]:
    started, cpu = time.perf_counter(), time.process_time()
    vectors = encode(texts, request["batch"])
    taken = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - cpu}
    if request.get("vectors"):
        np.save(request["vectors"], np.asarray(vectors, dtype=np.float32))
    return taken


def _take_standard_output() -> TextIO:
    """Libraries print; what they print goes to standard error from here on."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def _reply(replies: TextIO, content: dict[str, Any]) -> None:
    replies.write(json.dumps(content) + "\n")
    replies.flush()
