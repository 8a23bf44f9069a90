"""The command `apply`: a trained ensemble on a table of its own."""
