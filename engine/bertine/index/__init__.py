"""vector -> items: a collection's vectors in memory, searched exactly or by FAISS, always live."""

import os

# Read once, when FAISS loads OpenMP. Threads that spin while they wait for each other took half a
# minute on a busy machine for a training that takes five seconds (docs/LOG.md).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
