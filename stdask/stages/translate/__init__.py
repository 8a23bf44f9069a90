"""The stage `translate`."""
