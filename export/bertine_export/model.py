"""A loaded model: encoder, tokenizer and everything its folder says, ready to be exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertine_export import architecture, encoder, metadata, tokenizer
from bertine_export.architecture import Architecture
from bertine_export.metadata import Metadata
from bertine_export.settings import Settings
from bertine_export.vendors import quiet


@dataclass(frozen=True, slots=True)
class Model:
    """What the export steps need to know of the model.

    Attributes:
        encoder: in fp32, with pooling and normalisation.
        source_tokenizer: of transformers.
        metadata: of the folder.
        max_length: tokens, special tokens included.
        prompts: by ``query`` and ``document``.
        notes: what was assumed or changed, for the user to read.
    """

    encoder: encoder.SentenceEncoder
    source_tokenizer: Any
    metadata: Metadata
    max_length: int
    prompts: dict[str, str]
    notes: tuple[str, ...]

    @property
    def config(self) -> Any:
        """The encoder's config, of transformers."""
        return self.encoder.config

    @property
    def architecture(self) -> str:
        """Class of the encoder, for example ``BertModel``."""
        return type(self.encoder.encoder).__name__

    @property
    def pad_token_id(self) -> int:
        """Fills the right of a batch's shorter rows."""
        return int(self.source_tokenizer.pad_token_id)

    def save_tokenizer(self, path: Path, texts: Sequence[str]) -> Any:
        """Write `tokenizer.json` and load it again, checked on texts.

        Raises:
            ArtifactError: it does not give the ids of the model's own tokenizer.
        """
        lowercase = self.metadata.lowercase
        tokenizer.save(self.source_tokenizer, path, lowercase=lowercase)
        saved = tokenizer.load(path, self.max_length)
        with quiet():
            tokenizer.check(saved, self.source_tokenizer, texts, lowercase=lowercase)
        return saved


def load(folder: Path, settings: Settings) -> Model:
    """Load the model in a folder.

    Raises:
        ArtifactError: it is damaged, incomplete or not supported.
    """
    described = metadata.read(folder)
    kind = architecture.identify(described.encoder)
    with quiet():
        own_tokenizer = tokenizer.load_source(described.encoder)
        loaded = encoder.load(described, kind)
    max_length, notes = _max_length(described, loaded.config, kind, own_tokenizer)
    prompts = _prompts(described, settings)
    return Model(loaded, own_tokenizer, described, max_length, prompts, (*described.notes, *notes))


def _max_length(
    described: Metadata, config: Any, kind: Architecture, own_tokenizer: Any
) -> tuple[int, tuple[str, ...]]:
    """The longest input, never more than there are position embeddings, and what to say of it."""
    limit = architecture.longest_input(config, kind)
    if described.max_length is None:
        length = min(limit, int(own_tokenizer.model_max_length))
        return length, (f"the folder names no maximum length: {length} tokens are assumed",)
    if described.max_length > limit:
        asked = described.max_length
        return limit, (f"{asked} tokens exceed the position embeddings: cut to {limit}",)
    return described.max_length, ()


def _prompts(described: Metadata, settings: Settings) -> dict[str, str]:
    given = {"query": settings.query_prompt, "document": settings.document_prompt}
    return {
        kind: described.prompts[kind] if prompt is None else prompt
        for kind, prompt in given.items()
    }
