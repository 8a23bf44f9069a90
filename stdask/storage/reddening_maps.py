"""Maps of E(B-V) on the whole sky: from a HEALPix FITS file to an array that workers map into memory."""

import warnings
from pathlib import Path

import healpy as hp
import numpy as np
from astropy.io import fits

from stdask.errors import SurveyError, raise_machine_error
from stdask.storage.files import replacing

GALACTIC, CELESTIAL = ("G", "GALACTIC"), ("C", "CELESTIAL", "EQUATORIAL", "ICRS")  # COORDSYS; "E" is ecliptic
FRAMES = dict.fromkeys(GALACTIC, "galactic") | dict.fromkeys(CELESTIAL, "icrs")
NO_UNIT = ("", "mag", "dimensionless", "unitless", "none")


def store_reddening_map(source: Path, target: Path) -> str:
    """Write the first map of a HEALPix FITS file as an array of float32 in NESTED pixels, NaN where unknown.

    Parameters
    ----------
    source
        A map with the keywords ORDERING and COORDSYS, of the whole sky or a part of it.
    target
        A .npy file, written atomically.

    Returns
    -------
    frame
        "galactic" or "icrs".

    Raises
    ------
    SurveyError
        If the file is missing, no HEALPix map, in another unit than mag, or does not say in which frame it is.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No INDXSCHM keyword")
            sky, cards = hp.read_map(source, nest=True, h=True, dtype=np.float32)
    except FileNotFoundError:
        raise SurveyError(f"No map {source}. Check `ebv_map` and --data-dir.") from None
    except Exception as exc:  # a file that is no map can raise anything in two parsers
        raise_machine_error(exc, f"reading {source}")
        reason = " ".join(str(exc).split())
        raise SurveyError(f"{source} is no HEALPix FITS map that healpy reads: {reason}.") from exc
    header = fits.Header(cards)
    unit = str(header.get("TUNIT1", "")).strip().lower()
    if unit not in NO_UNIT:
        raise SurveyError(f"{source} is in {unit!r}, not in mag. Give a map of E(B-V).")
    frame = FRAMES.get(str(header.get("COORDSYS", "")).strip().upper())
    if frame is None:
        raise SurveyError(f"{source} does not say in which frame it is. Set COORDSYS to 'G' (galactic) or 'C' (ICRS).")
    with replacing(target) as temporary, temporary.open("wb") as file:
        np.save(file, np.where(sky == np.float32(hp.UNSEEN), np.float32(np.nan), sky), allow_pickle=False)
    return frame
