"""The stage `closure`."""
