"""The model artifact: what `bertine export` writes and `bertine serve` reads.

A folder with `manifest.json`, `tokenizer.json` and one ONNX file per variant. Every graph takes
`input_ids` and `attention_mask` (int64 ``[batch, length]``, right-padded) and gives `embedding`
(float32 ``[batch, dimensions]``), pooled and L2-normalised inside the graph.

Where a variant has `sequence_packing` a row may hold several texts: the mask then holds each
token's text, numbered from 1 in each row, and there are ``batch * max(mask)`` vectors, those of a
row together. Where a row has fewer texts than another, the vectors that it lacks are zeros.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bertine.errors import ArtifactError, NotFound

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
INPUT_IDS = "input_ids"
ATTENTION_MASK = "attention_mask"
EMBEDDING = "embedding"

SLOW_ON_CPU = ("SkipLayerNormFusion",)
"""Graph optimizers of ONNX Runtime that a CPU session must leave out: its kernel for an addition
with a layer normalisation takes six times as long as the two apart (MiniLM, 16 x 24 tokens)."""

Pooling = Literal["mean", "cls", "max", "mean_sqrt_len"]
Precision = Literal["fp32", "int8", "fp16"]
Provider = Literal["cpu", "cuda", "tensorrt"]


@dataclass(frozen=True, slots=True)
class Parity:
    """How a variant compares with the fp32 PyTorch reference, measured at export.

    Attributes:
        cosine_mean: mean cosine over the verification texts.
        cosine_min: the worst of them.
        sts_spearman: Spearman x 100 on sentence pairs with gold scores, None without such pairs.
        sts_reference: the reference's Spearman x 100 on the same pairs.
        texts: how many texts were compared.
    """

    cosine_mean: float
    cosine_min: float
    texts: int
    sts_spearman: float | None = None
    sts_reference: float | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One ONNX file of the artifact.

    Attributes:
        name: for example ``int8``.
        file: path relative to the artifact's folder.
        sha256: of the file.
        precision: of weights and activations.
        provider: ONNX Runtime provider it is meant for.
        fused: whether ONNX Runtime's transformer optimizer rewrote it.
        size_bytes: of the file.
        texts_per_second: offline rate measured at export on the exporting machine.
        parity: see `Parity`.
        packed: whether it computes without padding, by ONNX Runtime's PackedAttention.
        sequence_packing: whether a row of a batch may hold several texts.
    """

    name: str
    file: str
    sha256: str
    precision: Precision
    provider: Provider
    fused: bool
    size_bytes: int
    texts_per_second: float
    parity: Parity
    packed: bool = False
    sequence_packing: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a server must know of a model before it loads it.

    Attributes:
        name: display name, also what requests may name.
        architecture: of the source model, for example ``BertModel``.
        source: hub id, folder name or package it came from.
        source_sha256: hash of the source's weights.
        dimensions: of the output vector.
        max_length: longest input in tokens, special tokens included.
        vocab_size: token ids are in ``0 .. vocab_size - 1``.
        pad_token_id: fills the right of a batch's shorter rows.
        pooling: applied in the graph.
        prompts: text put before each input, by input type (``query``, ``document``).
        opset: ONNX opset of the graphs.
        tokenizer_sha256: of ``tokenizer.json``.
        variants: at least one.
        created: ISO 8601 time, UTC.
        versions: of the libraries that made it.
    """

    name: str
    architecture: str
    source: str
    source_sha256: str
    dimensions: int
    max_length: int
    vocab_size: int
    pad_token_id: int
    pooling: Pooling
    prompts: dict[str, str]
    opset: int
    tokenizer_sha256: str
    variants: tuple[Variant, ...]
    created: str
    versions: dict[str, str] = field(default_factory=dict)
    tokenizer_file: str = "tokenizer.json"
    schema_version: int = SCHEMA_VERSION

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            NotFound: no such variant; the message lists those there are.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        have = ", ".join(variant.name for variant in self.variants)
        raise NotFound("model variant", name, f"this model has: {have}")

    def fingerprint(self, variant: str) -> str:
        """Identity of the vectors one variant makes: 64 hex digits.

        Covers all that changes a vector: the graph, the tokenizer, prompts and maximum length.
        """
        parts = (
            self.variant(variant).sha256,
            self.tokenizer_sha256,
            json.dumps(self.prompts, sort_keys=True),
            str(self.max_length),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def to_json(self) -> str:
        """The text of ``manifest.json``."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A manifest and the folder it describes."""

    folder: Path
    manifest: Manifest

    def path(self, variant: str) -> Path:
        """Where the variant's ONNX file lies."""
        return self.folder / self.manifest.variant(variant).file

    @property
    def tokenizer_path(self) -> Path:
        """Where ``tokenizer.json`` lies."""
        return self.folder / self.manifest.tokenizer_file

    def verify(self, variant: str) -> None:
        """Check the hashes of the tokenizer and of one variant.

        Raises:
            ArtifactError: a file is missing or differs from the manifest.
        """
        expected = {
            self.tokenizer_path: self.manifest.tokenizer_sha256,
            self.path(variant): self.manifest.variant(variant).sha256,
        }
        for path, want in expected.items():
            have = sha256_file(path)
            if have != want:
                raise ArtifactError(
                    f"{path} is damaged: its sha256 is {have[:12]}…, the manifest says "
                    f"{want[:12]}…; export the model again"
                )


def load(folder: Path) -> Artifact:
    """Read and check a manifest; no model file is opened.

    Raises:
        ArtifactError: not an artifact, or written by an incompatible version.
    """
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{folder} is not a model folder: {MANIFEST} is missing; "
            f"make one with: bertine export all-MiniLM-L6-v2 --out {folder}"
        ) from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}; export the model again") from error
    return Artifact(folder, _parse(raw, path))


def _parse(raw: Any, path: Path) -> Manifest:
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has schema version {version!r}, this Bertine reads {SCHEMA_VERSION}; "
            "export the model again with this version"
        )
    try:
        variants = tuple(
            Variant(**{**variant, "parity": Parity(**variant["parity"])})
            for variant in raw["variants"]
        )
        return Manifest(**{**raw, "variants": variants})
    except (TypeError, KeyError) as error:
        raise ArtifactError(f"{path} is not a complete manifest: {error}") from error


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes.

    Raises:
        ArtifactError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
