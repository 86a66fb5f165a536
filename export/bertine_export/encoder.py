"""The PyTorch model that is exported, and the reference every variant is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bertine.artifact import EMBEDDING, Pooling
from bertine.errors import ArtifactError
from bertine_export.architecture import Architecture
from bertine_export.distilbert import as_bert
from bertine_export.metadata import Metadata, read_json
from bertine_export.tokenizer import Batch

ACTIVATIONS = {"Tanh": nn.Tanh, "Identity": nn.Identity, "GELU": nn.GELU, "ReLU": nn.ReLU}


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Pool token vectors as sentence-transformers does.

    Args:
        hidden: float32 ``[batch, length, hidden]``.
        mask: int64 ``[batch, length]``, 0 at padding.
        pooling: which.

    Returns:
        float32 ``[batch, hidden]``, not normalised.
    """
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    if pooling == "max":
        return torch.where(weights > 0, hidden, torch.full_like(hidden, -1e9)).amax(dim=1)
    count = weights.sum(dim=1).clamp(min=1e-9)
    total = (hidden * weights).sum(dim=1)
    return total / (count if pooling == "mean" else count.sqrt())


class SentenceEncoder(nn.Module):
    """Encoder, pooling, dense layers and L2 normalisation in one module.

    Args:
        encoder: a transformers model.
        architecture: of the encoder.
        pooling: over its last hidden state.
        dense: layers applied to the pooled vector, in order.
    """

    def __init__(
        self, encoder: Any, architecture: Architecture, pooling: Pooling, dense: Sequence[nn.Module]
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dense = nn.Sequential(*dense)
        self.config = encoder.config
        self._architecture = architecture
        self._pooling: Pooling = pooling

    @property
    def dimensions(self) -> int:
        """Of the output vector."""
        layers = [layer for layer in self.dense.modules() if isinstance(layer, nn.Linear)]
        return int(layers[-1].out_features if layers else self.config.hidden_size)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Unit vectors, float32 ``[batch, dimensions]``, from int64 ``[batch, length]`` twice."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if self._architecture.token_types:
            inputs["token_type_ids"] = torch.zeros_like(input_ids)
        hidden = self.encoder(**inputs, return_dict=True).last_hidden_state
        vector = self.dense(pool(hidden, attention_mask, self._pooling))
        return {EMBEDDING: nn.functional.normalize(vector, p=2.0, dim=1)}

    def embed(self, batches: Sequence[Batch]) -> NDArray[np.float32]:
        """The reference vectors, float32 ``[texts, dimensions]``, in the batches' order."""
        with torch.inference_mode():
            vectors = [
                self(**{name: torch.from_numpy(array) for name, array in batch.items()})[EMBEDDING]
                for batch in batches
            ]
        return torch.cat(vectors).numpy()


def load(metadata: Metadata, architecture: Architecture) -> SentenceEncoder:
    """Load the weights in fp32, ready for inference.

    Raises:
        ArtifactError: weights are missing, damaged or not those of the config.
    """
    encoder = _load_transformer(metadata.encoder, architecture)
    dense = [_load_dense(folder) for folder in metadata.dense]
    return SentenceEncoder(encoder, architecture, metadata.pooling, dense).eval()


def _load_transformer(folder: Path, architecture: Architecture) -> Any:
    from transformers import AutoModel  # noqa: PLC0415 - slow to import

    # ONNX Runtime's optimizer knows the operators of eager attention best.
    options: dict[str, Any] = {"attn_implementation": "eager", "dtype": torch.float32}
    if architecture.pooler:
        options["add_pooling_layer"] = False
    try:
        model, report = AutoModel.from_pretrained(
            str(folder), output_loading_info=True, local_files_only=True, **options
        )
    except Exception as error:  # transformers lets through whatever its loaders raise
        raise ArtifactError(f"the weights in {folder} cannot be loaded: {error}") from error
    if report["missing_keys"]:
        first = min(report["missing_keys"])
        raise ArtifactError(f"the weights in {folder} are incomplete: {first} is missing")
    return as_bert(model) if architecture.name == "DistilBERT" else model


def _load_dense(folder: Path) -> nn.Module:
    settings = read_json(folder / "config.json")
    activation = str(settings.get("activation_function")).rsplit(".", 1)[-1]
    if activation not in ACTIVATIONS:
        raise ArtifactError(
            f"{folder / 'config.json'} uses the activation {activation}; these can be exported: "
            f"{', '.join(ACTIVATIONS)}"
        )
    try:
        layer = nn.Linear(settings["in_features"], settings["out_features"], settings["bias"])
        layer.load_state_dict(_dense_weights(folder))
    except Exception as error:  # torch and safetensors have errors of their own
        raise ArtifactError(f"the weights in {folder} cannot be loaded: {error}") from error
    return nn.Sequential(layer, ACTIVATIONS[activation]())


def _dense_weights(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file  # noqa: PLC0415 - kept with its only use

    path = folder / "model.safetensors"
    stored: dict[str, Tensor] = (
        load_file(path)
        if path.exists()
        else torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    )
    return {name.removeprefix("linear."): tensor.float() for name, tensor in stored.items()}
