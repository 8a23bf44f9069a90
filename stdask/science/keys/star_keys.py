"""A 64-bit key for each star, the same on every machine and in every run: it seeds draws and splits."""

import hashlib

import numpy as np


def star_keys(ids: np.ndarray) -> np.ndarray:
    """Hash survey ids to 64-bit keys.

    Integer ids go through SplitMix64 (Steele, Lea & Flood 2014, OOPSLA '14, 453), a bijection: two ids never
    share a key. Text ids go through BLAKE2b (RFC 7693) with a digest of 8 bytes, read as a
    little-endian integer; any two of a million ids share a key with probability 3e-8.

    Parameters
    ----------
    ids : shape (n_stars,), integers or text

    Returns
    -------
    keys : shape (n_stars,), uint64
    """
    if ids.dtype.kind in "iu":
        return _splitmix64(ids.astype(np.int64).view(np.uint64) if ids.dtype.kind == "i" else ids)
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in ids.tolist()]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _splitmix64(numbers: np.ndarray) -> np.ndarray:
    z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
