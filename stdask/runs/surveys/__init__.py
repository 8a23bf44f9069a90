"""The surveys of a merge: each of a run of its own."""
