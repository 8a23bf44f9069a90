"""Keys straight from values."""

import numpy as np

from stdask.science.galaxy import binning


def pack_keys(bins: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sorted keys of stars in bins."""
    return binning.pack_keys(np.asarray(bins, dtype=np.int64), binning.ordered_bits(values))
