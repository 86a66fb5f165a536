"""DistilBERT as the BERT that it is, for whose form ONNX Runtime's optimizer has patterns.

DistilBERT is BERT without token types and pooler (Sanh et al. 2019, "DistilBERT, a distilled
version of BERT"), under other names: transformers, ``modeling_distilbert.py`` and
``modeling_bert.py``. Only its mask is applied in another place, which leaves attention apart.
"""

from __future__ import annotations

from typing import Any

import torch

from bertine.errors import ArtifactError

_NAMES = {
    "transformer.layer.": "encoder.layer.",
    "attention.q_lin.": "attention.self.query.",
    "attention.k_lin.": "attention.self.key.",
    "attention.v_lin.": "attention.self.value.",
    "attention.out_lin.": "attention.output.dense.",
    "sa_layer_norm.": "attention.output.LayerNorm.",
    "ffn.lin1.": "intermediate.dense.",
    "ffn.lin2.": "output.dense.",
    "output_layer_norm.": "output.LayerNorm.",
}
_TYPES = "embeddings.token_type_embeddings.weight"
_TOLERANCE = 1e-4


def as_bert(model: Any) -> Any:
    """The same encoder as a ``BertModel`` without a pooler, whose token types change nothing.

    Args:
        model: a ``DistilBertModel`` of transformers, in fp32.

    Raises:
        ArtifactError: the two do not compute the same.
    """
    from transformers import BertConfig, BertModel  # noqa: PLC0415 - slow to import

    own = model.config
    config = BertConfig(
        vocab_size=own.vocab_size,
        hidden_size=own.dim,
        num_hidden_layers=own.n_layers,
        num_attention_heads=own.n_heads,
        intermediate_size=own.hidden_dim,
        hidden_act=own.activation,
        max_position_embeddings=own.max_position_embeddings,
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        pad_token_id=own.pad_token_id,
        attn_implementation="eager",
    )
    made = BertModel(config, add_pooling_layer=False).eval()
    weights = {_renamed(name): value for name, value in model.state_dict().items()}
    made.load_state_dict(weights | {_TYPES: torch.zeros(1, own.dim)})
    _check(model.eval(), made)
    return made


def _renamed(name: str) -> str:
    for old, new in _NAMES.items():
        name = name.replace(old, new)
    return name


def _check(model: Any, made: Any) -> None:
    """Hold one against the other, on a whole text and on one with padding."""
    ids = torch.arange(16).reshape(2, 8) % model.config.vocab_size
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    given = {"input_ids": ids, "attention_mask": mask}
    with torch.inference_mode():
        hidden = [encoder(**given).last_hidden_state for encoder in (model, made)]
    difference = float(((hidden[0] - hidden[1]) * mask[:, :, None]).abs().max())
    if difference > _TOLERANCE:
        raise ArtifactError(
            f"DistilBERT written as BERT differs by {difference:g}; its config has something that "
            "BERT has not, so it cannot be exported"
        )
