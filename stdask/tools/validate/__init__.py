"""Hard questions to a trained run."""
