"""Positions on the sky: pixels, matching, reddening, clusters."""
