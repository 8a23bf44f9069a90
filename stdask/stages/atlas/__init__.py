"""The stage `atlas`."""
