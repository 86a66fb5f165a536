"""Text to vector.

A request passes `encoder` (the facade), `repeats` (what is in the `cache`, or under way for others:
`coalescing`), `tokenizer` (text to ids), `scheduler` (one device thread), `admission` (refuse
early), `lanes` and `batching` (whose rows go together, decided over `backlog` by the `costs` that
`calibration` measured), `runner`, `padding` and `session` (ONNX Runtime). `mailbox` brings the
vectors back to the event loop; `pulse` notices a device that hangs. `vectors` cuts and packs what
comes out; `fake` stands in for a model in tests.

`opening` makes the session: `device` chooses where it runs, `driver` asks what GPUs there are,
`placement` tells ONNX Runtime. On a GPU `cuda` takes the place of `session`; `shapes` says what is
recorded, `paired` and `replicas` put several sessions together, `faults` tells a lost device,
`libraries` finds NVIDIA's.
"""
