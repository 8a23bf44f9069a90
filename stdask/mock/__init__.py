"""The mock Galaxy and its two surveys, with known truth."""
