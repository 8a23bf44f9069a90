"""Maps of the atlas, read back with astropy alone."""

from pathlib import Path

import numpy as np
from astropy.io import fits


def read_map_cube(path: Path, sample: str) -> dict[str, np.ndarray]:
    """Return the planes of one sample by their names."""
    with fits.open(path, memmap=False, checksum=True) as hdus:
        return {hdus[sample].header[f"PLANE{n + 1}"]: image for n, image in enumerate(hdus[sample].data)}
