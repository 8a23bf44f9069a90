"""Random numbers that belong to a star: functions of (seed, star, ...) alone, never of order or partition."""

import numpy as np

from stdask.science.keys.seeds import stream_digest
from stdask.science.keys.star_keys import GOLDEN, mix


def uniforms(star_keys: np.ndarray, seed: int, stream: str) -> np.ndarray:
    """Return one uniform number a star.

    Parameters
    ----------
    star_keys : shape (...), uint64
    seed, stream
        Of the run; and what the number is for, e.g. "split" or the name of a column.

    Returns
    -------
    numbers : shape of `star_keys`, float64 in (0, 1)
    """
    return _to_unit(mix(mix(star_keys + _stream_key(seed, stream)) + GOLDEN))


def uniform_sequences(star_keys: np.ndarray, n: int, seed: int, stream: str) -> np.ndarray:
    """Return `n` uniform numbers a star: a SplitMix64 sequence (Steele, Lea & Flood 2014) of its own.

    Parameters
    ----------
    star_keys : shape (n_stars,), uint64
    n, seed, stream
        Numbers a star; seed of the run; what they are for.

    Returns
    -------
    numbers : shape (n_stars, n), float64 in (0, 1)
    """
    start = mix(star_keys + _stream_key(seed, stream))
    steps = np.arange(1, n + 1, dtype=np.uint64) * GOLDEN
    return _to_unit(mix(start[:, None] + steps))


def _stream_key(seed: int, stream: str) -> np.uint64:
    return np.uint64(int.from_bytes(stream_digest(seed, stream, n_bytes=8), "little"))


def _to_unit(bits: np.ndarray) -> np.ndarray:
    # 52 bits and a half: with 53 the largest would round up to 1, whose normal deviate is infinite
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
