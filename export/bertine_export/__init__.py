"""Model to artifact: load, export to ONNX, fuse, quantize, verify.

    from bertine_export import export_model
    artifact = export_model("all-MiniLM-L6-v2", Path("minilm"))

Nothing heavy is imported until a model is exported.
"""

from bertine_export.export import GateMissed, export_model
from bertine_export.settings import Settings

__all__ = ["GateMissed", "Settings", "export_model"]
