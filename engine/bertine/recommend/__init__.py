"""history -> items: what a user did becomes a vector, and each hit says what of it carried it."""
