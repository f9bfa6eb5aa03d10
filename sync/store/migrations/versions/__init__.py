"""One module per step, oldest first; a released one is never edited."""
