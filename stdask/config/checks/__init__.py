"""Rules on names, texts and later stages that a definition or a run file must follow."""
