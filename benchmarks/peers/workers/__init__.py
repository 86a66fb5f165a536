"""One program for each peer, that imports only what is in the peer's own environment."""
