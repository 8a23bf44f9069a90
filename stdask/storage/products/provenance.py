"""The empty first HDU of every FITS file of products: what it was made from, and by which version."""

from collections.abc import Mapping

from astropy.io import fits

from stdask import __version__
from stdask.config.checks.texts import one_line


def provenance_hdu(provenance: Mapping[str, str | float | int]) -> fits.PrimaryHDU:
    """Return a primary HDU without data whose header names the program and says what `provenance` does.

    Headers hold ASCII alone (FITS standard 4.0, section 4.2.1): other letters are written as their code points, and
    line breaks as blanks.
    """
    primary = fits.PrimaryHDU()
    primary.header["CREATOR"] = (f"stdask {__version__}", "software that made this file")
    for keyword, value in provenance.items():
        primary.header[keyword] = _ascii(value) if isinstance(value, str) else value
    return primary


def _ascii(text: str) -> str:
    return one_line(text).encode("ascii", "backslashreplace").decode()
