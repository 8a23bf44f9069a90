"""A 64-bit key for each star, the same on every machine and in every run: it seeds draws and splits."""

import hashlib
import re

import numpy as np

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,19}")  # as programs write whole numbers: no plus sign, leading zeros or blanks
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # the step of SplitMix64 from one number to the next


def star_keys(ids: np.ndarray) -> np.ndarray:
    """Hash survey ids to 64-bit keys.

    Integer ids go through SplitMix64 (Steele, Lea & Flood 2014, OOPSLA '14, 453), a bijection: two ids never
    share a key. Text ids go through BLAKE2b (RFC 7693) with a digest of 8 bytes, read as a
    little-endian integer; any two of a million ids share a key with probability 3e-8. The text of a whole number has
    the key of the number: the same ids are text in one file and integers in another.

    Parameters
    ----------
    ids : shape (n_stars,), integers or text

    Returns
    -------
    keys : shape (n_stars,), uint64
    """
    if ids.dtype.kind in "iu":
        numbers = ids.astype(np.int64).view(np.uint64) if ids.dtype.kind == "i" else ids.astype(np.uint64)
        return mix(numbers + GOLDEN)
    texts = ids.tolist()
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    keys = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
    whole = [number for number, text in enumerate(texts) if WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**64]
    keys[whole] = mix(np.array([int(texts[n]) % 2**64 for n in whole], dtype=np.uint64) + GOLDEN)
    return keys


def keys_of_values(values: np.ndarray) -> np.ndarray:
    """Hash the measurements of stars without an id to 64-bit keys; stars that agree in all of them share a key.

    Parameters
    ----------
    values : shape (n_stars, n_columns), float32
        Missing values are NaN.

    Returns
    -------
    keys : shape (n_stars,), uint64
    """
    plain = np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0))  # one kind of NaN, and no -0
    keys = np.zeros(len(values), dtype=np.uint64)
    for bits in plain.astype(np.float32).view(np.uint32).T:
        keys = mix((keys ^ bits.astype(np.uint64)) + GOLDEN)
    return keys


def mix(numbers: np.ndarray) -> np.ndarray:
    """Scramble 64-bit numbers of dtype uint64, one to one: the finaliser of SplitMix64."""
    z = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
