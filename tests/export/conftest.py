"""Tiny models with random weights, one per architecture, and the real one."""

from __future__ import annotations

import json
import os
import string
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertine.artifact import Artifact
from bertine_export import export_model, texts
from bertine_export.settings import VARIANTS

with warnings.catch_warnings():  # what torch warns of while it is imported is not ours
    warnings.simplefilter("ignore")
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

# Tiny models gain nothing from threads, and threads that wait for each other lose much of their
# time where the machine is busy with something else.
torch.set_num_threads(1)

ROOT = Path(__file__).parents[2]
SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
POSITIONS = 40

MakeModel = Callable[..., Path]


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    out = tmp_path_factory.mktemp("export") / "minilm"
    return export_model("all-MiniLM-L6-v2", out, variants=VARIANTS)


@pytest.fixture(scope="session")
def data() -> Path:
    folder = Path(os.environ.get("BERTINE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"REAL DATA NOT TESTED: {folder} is absent; set BERTINE_DATA to its place")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Makes a sentence-transformers folder: `tiny("bert", pooling={"cls_token": True})`."""

    def make(kind: str, **options: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        _save_encoder(kind, folder)
        _describe(folder, **options)
        return folder

    return make


def _save_encoder(kind: str, folder: Path) -> None:
    tokenizer = _tokenizer(kind, folder)
    sizes = {**SHAPE, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    if kind == "distilbert":
        sizes |= {"hidden_dim": 64, "max_position_embeddings": POSITIONS}
    else:
        sizes |= {"intermediate_size": 64, "max_position_embeddings": POSITIONS}
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(kind, **sizes, initializer_range=0.3)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(kind: str, folder: Path) -> Any:
    return {
        "bert": _word_piece,
        "distilbert": _distilbert,
        "mpnet": _mpnet,
        "roberta": _byte_level,
        "xlm-roberta": _unigram,
    }[kind](folder)


def _vocabulary(folder: Path, special: list[str]) -> str:
    characters = string.ascii_lowercase + string.digits + string.punctuation
    words = ["the", "of", "to", "and", "is", "in", "how", "red", "##ing", "##ed"]
    path = folder / "vocab.txt"
    lines = [*special, *characters, *(f"##{character}" for character in characters), *words]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def _word_piece(folder: Path) -> Any:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return transformers.BertTokenizerFast(_vocabulary(folder, special))


def _distilbert(folder: Path) -> Any:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return transformers.DistilBertTokenizerFast(_vocabulary(folder, special))


def _mpnet(folder: Path) -> Any:
    special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    return transformers.MPNetTokenizerFast(_vocabulary(folder, special))


def _byte_level(_: Path) -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    return _wrap(tokenizer, trainer, transformers.RobertaTokenizerFast)


def _unigram(_: Path) -> Any:
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=special, unk_token=special[3], show_progress=False
    )
    return _wrap(tokenizer, trainer, transformers.XLMRobertaTokenizerFast)


def _wrap(tokenizer: Any, trainer: Any, tokenizer_class: Any) -> Any:
    tokenizer.train_from_iterator(texts.load(), trainer)
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", None, ends)
    return tokenizer_class(tokenizer_object=tokenizer)


def _describe(
    folder: Path,
    *,
    pooling: dict[str, bool] | None = None,
    dense: bool = False,
    max_seq_length: int | None = 24,
    prompts: dict[str, Any] | None = None,
    lowercase: bool = False,
) -> None:
    """Write what sentence-transformers writes beside the encoder."""
    modes = {"mean_tokens": pooling is None, **(pooling or {})}
    settings = {f"pooling_mode_{mode}": on for mode, on in modes.items()}
    parts = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    modules = [
        {
            "idx": index,
            "name": str(index),
            "path": f"{index}_{part}" if index else "",
            "type": f"sentence_transformers.models.{part}",
        }
        for index, part in enumerate(parts)
    ]
    (folder / "1_Pooling").mkdir()
    _write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, **settings})
    _write(folder / "modules.json", modules)
    limits = {"max_seq_length": max_seq_length, "do_lower_case": lowercase}
    _write(folder / "sentence_bert_config.json", limits)
    if prompts is not None:
        _write(folder / "config_sentence_transformers.json", prompts)
    if dense:
        _save_dense(folder / "2_Dense")


def _save_dense(folder: Path) -> None:
    folder.mkdir()
    function = "torch.nn.modules.activation.Tanh"
    shape = {"in_features": 32, "out_features": 16, "bias": True, "activation_function": function}
    _write(folder / "config.json", shape)
    layer = torch.nn.Linear(32, 16)
    weights = {f"linear.{name}": value for name, value in layer.state_dict().items()}
    torch.save(weights, folder / "pytorch_model.bin")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
