"""Other encoders on the same texts in the same run: ``python -m benchmarks.peers --model DIR``.

Each peer lives in an environment of its own, made by `benchmarks.peers.install`, and in a process
of its own, that speaks lines of JSON (`benchmarks.peers.worker`).
"""
