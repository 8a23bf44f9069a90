"""HATS catalogues and their export."""
