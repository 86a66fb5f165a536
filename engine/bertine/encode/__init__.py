"""Text to vector.

A request passes `encoder` (the facade), `tokenizer` (text to ids), `scheduler` (one device thread),
`batching` (which rows go together, decided over `backlog`), `padding` and `session` (ONNX Runtime).
`vectors` cuts and packs what comes out; `fake` stands in for a model in tests.
"""
