"""Which inputs a catalogue lacks, and training stars with as many missing, to measure what that costs."""

from typing import NamedTuple

import numpy as np

from stdask.science.keys.random_keys import uniforms


class Patterns(NamedTuple):
    """The combinations of missing inputs in a catalogue, and how many stars have each."""

    missing: np.ndarray  # (n_patterns, n_inputs), bool
    counts: np.ndarray  # (n_patterns,)

    @property
    def partial(self) -> "Patterns":
        """Those that lack some inputs but not all: a star without inputs holds no information."""
        chosen = self.missing.any(axis=1) & ~self.missing.all(axis=1)
        return Patterns(self.missing[chosen], self.counts[chosen])


def count_patterns(inputs: np.ndarray) -> Patterns:
    """Count the stars that miss the same inputs; the pattern of those that miss none is there too, if any do.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
        NaN where missing.
    """
    return Patterns(*np.unique(np.isnan(inputs), axis=0, return_counts=True))


def join_patterns(parts: list[Patterns]) -> Patterns:
    """Return the patterns of several tables as those of one."""
    missing, which = np.unique(np.concatenate([part.missing for part in parts]), axis=0, return_inverse=True)
    counts = np.concatenate([part.counts for part in parts])
    return Patterns(missing, np.bincount(which.reshape(-1), counts, minlength=len(missing)).astype(np.int64))


def mask_inputs(inputs: np.ndarray, patterns: Patterns, star_keys: np.ndarray, seed: int, stream: str) -> np.ndarray:
    """Return inputs of which each star lacks those that a random star of the catalogue lacks.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
    patterns
        Of the catalogue.
    star_keys : shape (n_stars,), uint64
    seed, stream
        Of the choice: the same star, seed and stream give the same pattern.

    Returns
    -------
    masked : shape (n_stars, n_inputs)
        NaN where masked.
    """
    shares = np.cumsum(patterns.counts) / patterns.counts.sum()
    which = np.searchsorted(shares, uniforms(star_keys, seed, stream))
    return np.where(patterns.missing[which], np.nan, inputs)
