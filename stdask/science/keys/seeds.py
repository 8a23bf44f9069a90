"""One seed for a run, and a stream of random numbers of its own for every use of it."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the random generator of one use of a seed.

    Streams of other seeds, purposes or numbers are independent: what they start from is a hash of all three, so that
    no sum of a seed and a number can meet another.

    Parameters
    ----------
    seed
        Seed of the run.
    purpose
        What the numbers are for, e.g. "validation split"; a purpose stands in one place of the code.
    numbers
        Which of several equal uses it is, e.g. the member of an ensemble.

    Examples
    --------
    >>> generator(7, "validation split", 0).integers(100) == generator(7, "validation split", 0).integers(100)
    True
    """
    return np.random.default_rng(np.frombuffer(stream_digest(seed, purpose, *numbers, n_bytes=16), dtype="<u4"))


def integer_seed(seed: int, purpose: str, *numbers: int) -> int:
    """Return a seed below 2^31 for a library that takes a number; parameters as for `generator`."""
    return int.from_bytes(stream_digest(seed, purpose, *numbers, n_bytes=4), "little") >> 1


def stream_digest(seed: int, purpose: str, *numbers: int, n_bytes: int) -> bytes:
    """Return the BLAKE2b hash (RFC 7693) of a seed, a purpose and numbers."""
    return hashlib.blake2b(":".join(map(str, (seed, purpose, *numbers))).encode(), digest_size=n_bytes).digest()
