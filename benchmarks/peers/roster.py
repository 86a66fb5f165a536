"""Who takes part offline, with what settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.child import Peer
from benchmarks.peers.install import Environment
from benchmarks.peers.models import PeerModels
from bertine.artifact import Artifact
from bertine.encode.cores import usable_cores

ENGINE = "bertine"


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant.

    Attributes:
        name: in the tables; also the key of its figures.
        title: what it is.
        module: of `benchmarks.peers.workers`.
        environment: it runs in, None for this one.
        options: for its worker.
    """

    name: str
    title: str
    module: str
    environment: Environment | None
    options: Mapping[str, Any]

    @property
    def absent(self) -> str | None:
        """Why it cannot take part, None where it can."""
        return None if self.environment is None else self.environment.absent

    def peer(self) -> Peer:
        """Its process, not started."""
        python = Path(sys.executable)
        if self.environment is not None:
            python = self.environment.program("python")
        return Peer(self.module, python, self.options)


def roster(model: Artifact, variant: str, models: PeerModels) -> list[Entry]:
    """All contestants, the engine first."""
    threads = usable_cores()
    common = {
        "threads": threads,
        "tokenizer": str(model.tokenizer_path.resolve()),
        "max_length": model.manifest.max_length,
        "folder": str(models.folder),
        "converted": str(models.ctranslate2),
        "graph": str(model.path(variant).resolve()),
    }
    own = {"model": str(model.folder.resolve()), "variant": variant}
    transformers, ctranslate2 = Environment("sentence-transformers"), Environment("ctranslate2")
    bare = Environment("onnxruntime")
    return [
        Entry(ENGINE, f"Bertine, {variant}", "engine", None, own),
        Entry("onnxruntime", f"bare ONNX Runtime, {variant}", "bare_onnxruntime", bare, common),
        *(
            Entry(
                f"ctranslate2_{replicas}x{threads // replicas}",
                f"CTranslate2 int8, {replicas} x {threads // replicas} threads",
                "ctranslate2",
                ctranslate2,
                {**common, "replicas": replicas},
            )
            for replicas in sorted({1, threads})
        ),
        *(
            Entry(
                f"sentence_transformers_{backend}",
                f"sentence-transformers, {precision}",
                "sentence_transformers",
                transformers,
                {**common, "backend": backend},
            )
            for backend, precision in (
                ("onnx", "its own ONNX int8"),
                ("graph", f"the engine's {variant} graph"),
                ("torch", "PyTorch fp32"),
            )
        ),
    ]
