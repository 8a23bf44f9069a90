"""Maps of the atlas, read back with astropy alone."""

from pathlib import Path

import numpy as np
from astropy.io import fits


def read_map_cube(path: Path, sample: str) -> dict[str, np.ndarray]:
    """Return the maps of one sample by the names of their quantities."""
    with fits.open(path, memmap=False, checksum=True) as hdus:
        own = [hdu for hdu in hdus[1:] if hdu.header["SAMPLE"] == sample]
        return {hdu.header["QUANTITY"]: hdu.data.astype(np.float64) for hdu in own}
