"""The encoder architectures that can be exported, and what their configs say.

Each is a bidirectional transformer whose graph, fused and unfused, was checked against PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertine.errors import ArtifactError
from bertine_export.metadata import read_json


@dataclass(frozen=True, slots=True)
class Architecture:
    """What differs between the encoders.

    Attributes:
        name: as people write it.
        token_types: whether what is exported takes ``token_type_ids`` (always zero here).
        padded_positions: whether positions are counted from ``padding_idx + 1``, which takes that
            many of the position embeddings away from the text.
        pooler: whether the transformers class has a pooler that can be left out.
    """

    name: str
    token_types: bool
    padded_positions: bool = False
    pooler: bool = True


ARCHITECTURES = {
    "bert": Architecture("BERT", token_types=True),
    "distilbert": Architecture(
        "DistilBERT", token_types=True, padded_positions=False, pooler=False
    ),
    "roberta": Architecture("RoBERTa", token_types=True, padded_positions=True),
    "xlm-roberta": Architecture("XLM-R", token_types=True, padded_positions=True),
    "mpnet": Architecture("MPNet", token_types=False, padded_positions=True),
}


def identify(folder: Path) -> Architecture:
    """The architecture that ``config.json`` names.

    Raises:
        ArtifactError: no config, or an architecture that is not supported; the message lists those
            that are.
    """
    config = read_json(folder / "config.json")
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in ARCHITECTURES:
        works = ", ".join(architecture.name for architecture in ARCHITECTURES.values())
        raise ArtifactError(
            f"{folder} is a {model_type!r} model, which cannot be exported; these can: {works}"
        )
    return ARCHITECTURES[model_type]


def longest_input(config: Any, architecture: Architecture) -> int:
    """How many tokens the position embeddings allow.

    Args:
        config: of transformers.
        architecture: of the same model.
    """
    taken = config.pad_token_id + 1 if architecture.padded_positions else 0
    return int(config.max_position_embeddings) - taken
