"""One program for each index, that imports only what is in its own environment."""
