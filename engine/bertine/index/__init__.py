"""vector -> items: a collection's vectors in memory, searched exactly or by FAISS, always live."""
