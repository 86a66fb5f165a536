"""KServe's gRPC protocol, version 2, as Triton, OpenVINO Model Server and others speak it."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
import numpy as np

from benchmarks.load.contract import Outcome, UnexpectedAnswerError
from benchmarks.load.grpc_calls import GrpcTarget
from benchmarks.load.proto import open_inference_pb2 as pb
from bertine.types import Matrix

_VECTORS_DIMENSIONS = 2


class KServe(GrpcTarget):
    """``GRPCInferenceService.ModelInfer`` with a tensor of texts in and one of vectors out."""

    method = "/inference.GRPCInferenceService/ModelInfer"

    # Triton refuses with UNAVAILABLE when its queue is full.
    outcomes = GrpcTarget.outcomes | {grpc.StatusCode.UNAVAILABLE: Outcome.REJECTED}

    def pack(self, texts: Sequence[str]) -> bytes:
        """See `Target.pack`."""
        contents = pb.InferTensorContents(bytes_contents=[text.encode() for text in texts])
        tensor = pb.ModelInferRequest.InferInputTensor(
            name=self.spec.input_name, datatype="BYTES", shape=[len(texts)], contents=contents
        )
        wanted = pb.ModelInferRequest.InferRequestedOutputTensor(name=self.spec.output_name)
        request = pb.ModelInferRequest(
            model_name=self.spec.model, inputs=[tensor], outputs=[wanted]
        )
        return bytes(request.SerializeToString())

    def answered(self, payload: bytes) -> pb.ModelInferResponse:
        """See `GrpcTarget.answered`."""
        return pb.ModelInferResponse.FromString(payload)

    def vectors(self, payload: bytes) -> Matrix:
        """See `Target.vectors`."""
        response = self.answered(payload)
        names = [tensor.name for tensor in response.outputs]
        if self.spec.output_name not in names:
            raise UnexpectedAnswerError(f"no output {self.spec.output_name!r} among {names}")
        position = names.index(self.spec.output_name)
        tensor = response.outputs[position]
        if tensor.datatype != "FP32" or len(tensor.shape) != _VECTORS_DIMENSIONS:
            shape = list(tensor.shape)
            raise UnexpectedAnswerError(f"vectors are {tensor.datatype} {shape}, not FP32 [n, d]")
        return _values(response, position).reshape(tuple(tensor.shape))


def _values(response: pb.ModelInferResponse, position: int) -> Matrix:
    if response.raw_output_contents:
        return np.frombuffer(response.raw_output_contents[position], "<f4")
    return np.array(response.outputs[position].contents.fp32_contents, np.float32)
