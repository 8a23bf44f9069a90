"""Figures of how well the translation does: learning curves, residuals, errors, inputs, and where it is valid."""
