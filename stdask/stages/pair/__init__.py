"""The stage `pair`."""
