"""What a model folder says of itself: the sentence-transformers files, read and checked.

The files are plain JSON, so sentence-transformers itself is not needed. Anything that would change
the vector and is not understood is refused by name, never skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertine.artifact import Pooling
from bertine.errors import ArtifactError

POOLINGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
}
# sentence-transformers looks for these names of its Transformer module's settings, in this order.
TRANSFORMER_SETTINGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_xlm-roberta_config.json",
)
DOCUMENT_PROMPTS = ("document", "passage", "corpus")


@dataclass(frozen=True, slots=True)
class Metadata:
    """How token vectors become a sentence vector, and what is put before and cut off the text.

    Attributes:
        encoder: folder with ``config.json``, weights and tokenizer.
        pooling: over the token vectors.
        dense: folders of linear layers applied after pooling, in order.
        max_length: tokens, or None where the folder does not say.
        lowercase: whether texts are lowercased before the tokenizer sees them.
        prompts: text put before each input, by ``query`` and ``document``; may be empty.
        notes: what was assumed because the folder does not say it.
    """

    encoder: Path
    pooling: Pooling
    dense: tuple[Path, ...]
    max_length: int | None
    lowercase: bool
    prompts: dict[str, str]
    notes: tuple[str, ...] = ()


def read(folder: Path) -> Metadata:
    """Read a sentence-transformers folder, or a plain transformers folder with mean pooling.

    Raises:
        ArtifactError: a file is damaged, or names a module or pooling that cannot be exported.
    """
    if not (folder / "modules.json").exists():
        note = "modules.json is missing, so this is a plain encoder: mean pooling is assumed"
        return _assemble(folder, folder, "mean", (), (note,))
    encoder, pooling, *dense = _modules(folder)
    return _assemble(folder, encoder, read_pooling(pooling), tuple(dense), ())


def _assemble(
    folder: Path, encoder: Path, pooling: Pooling, dense: tuple[Path, ...], notes: tuple[str, ...]
) -> Metadata:
    settings = _first_json(encoder / name for name in TRANSFORMER_SETTINGS)
    return Metadata(
        encoder=encoder,
        pooling=pooling,
        dense=dense,
        max_length=settings.get("max_seq_length"),
        lowercase=bool(settings.get("do_lower_case", False)),
        prompts=read_prompts(folder),
        notes=notes,
    )


def _modules(folder: Path) -> list[Path]:
    """Folders of the transformer, the pooling and the dense layers, checked for their order."""
    kinds, paths = _listed(folder / "modules.json")
    if kinds[-1:] == ["Normalize"]:  # the graph always normalises, with or without this module
        kinds, paths = kinds[:-1], paths[:-1]
    if kinds[:2] != ["Transformer", "Pooling"] or set(kinds[2:]) - {"Dense"}:
        raise ArtifactError(
            f"{folder / 'modules.json'} lists {', '.join(kinds)}; a model that can be exported is "
            "Transformer, Pooling, any number of Dense, and Normalize, in that order"
        )
    return paths


def _listed(path: Path) -> tuple[list[str], list[Path]]:
    """Class name and folder of each module."""
    try:
        modules = json.loads(_read_text(path))
        kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
        return kinds, [path.parent / module["path"] for module in modules]
    except (ValueError, TypeError, KeyError) as error:
        raise ArtifactError(f"{path} is not a list of modules: {error!r}") from error


def read_pooling(folder: Path) -> Pooling:
    """The one pooling of a Pooling module.

    Raises:
        ArtifactError: it has none, several, or one that is not supported.
    """
    # Mean is what sentence-transformers assumes where the file does not mention it.
    settings = {"pooling_mode_mean_tokens": True, **read_json(folder / "config.json")}
    chosen = [key for key, on in settings.items() if key.startswith("pooling_mode_") and on is True]
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        names = " + ".join(key.removeprefix("pooling_mode_") for key in chosen) or "none"
        raise ArtifactError(
            f"{folder / 'config.json'} asks for pooling {names}; exactly one of "
            f"{', '.join(POOLINGS.values())} can be exported"
        )
    if settings.get("include_prompt") is False:
        raise ArtifactError(
            f"{folder / 'config.json'} leaves the prompt out of the pooling (include_prompt is "
            "false), which cannot be exported"
        )
    return POOLINGS[chosen[0]]


def read_prompts(folder: Path) -> dict[str, str]:
    """Prompts for ``query`` and ``document`` by sentence-transformers' own rules.

    ``encode_query`` takes the prompt named query, ``encode_document`` the first of document,
    passage and corpus; either falls back on the default prompt, then on none.
    """
    path = folder / "config_sentence_transformers.json"
    settings = read_json(path) if path.exists() else {}
    prompts = settings.get("prompts") or {}
    default = prompts.get(settings.get("default_prompt_name") or "", "")
    document = next((prompts[name] for name in DOCUMENT_PROMPTS if name in prompts), default)
    return {"query": prompts.get("query", default), "document": document}


def _first_json(paths: Iterable[Path]) -> dict[str, Any]:
    for path in paths:
        if path.exists():
            return read_json(path)
    return {}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ArtifactError: it is missing, unreadable or not a JSON object.
    """
    try:
        return dict(json.loads(_read_text(path)))
    except (ValueError, TypeError) as error:
        raise ArtifactError(f"{path} is not a JSON object: {error}") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
