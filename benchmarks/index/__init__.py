"""The index beside bare FAISS, hnswlib and usearch: ``python -m benchmarks.index --help``."""
