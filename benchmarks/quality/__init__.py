"""How well the engine recommends: leakage-free, beside what is simpler, in process and served."""
