"""Photometric bands, and what follows from magnitudes: dereddened colours and absolute magnitudes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from stdask.schema.catalogues import EBV, QUANTITIES, Column

# A_V / E(B-V) of the Schlegel, Finkbeiner & Davis (1998) map as recalibrated by Schlafly & Finkbeiner 2011
# (ApJ 737, 103, Table 6, Landolt V, R_V = 3.1)
VISUAL_EXTINCTION = 2.742


@dataclass(frozen=True)
class KnownBand:
    """A band that stdask knows the extinction of."""

    system: str
    ucd: str
    extinction: float  # A_band / A_V
    symbol: str  # for figures and reports


def _of_map(extinction: float) -> float:
    """Return A_band / A_V of a band from its A_band / E(B-V), E(B-V) being that of Schlegel et al. 1998."""
    return extinction / VISUAL_EXTINCTION


# By wavelength. Gaia: Marigo et al. 2008, A&A 482, 883, as used by Sestito et al. 2019, MNRAS 484, 2166.
# Landolt B and V, 2MASS: Schlafly & Finkbeiner 2011, ApJ 737, 103, Table 6, R_V = 3.1. WISE: the same scale, from the
# service "Galactic Dust Reddening and Extinction" of IRSA.
BANDS = {
    "B": KnownBand("Johnson", "em.opt.B", _of_map(3.626), "B"),
    "BP": KnownBand("Gaia", "em.opt.B", 1.06794, "BP"),
    "V": KnownBand("Johnson", "em.opt.V", _of_map(VISUAL_EXTINCTION), "V"),
    "G": KnownBand("Gaia", "em.opt", 0.85926, "G"),
    "RP": KnownBand("Gaia", "em.opt.R", 0.65199, "RP"),
    "J": KnownBand("2MASS", "em.IR.J", _of_map(0.723), "J"),
    "H": KnownBand("2MASS", "em.IR.H", _of_map(0.460), "H"),
    "KS": KnownBand("2MASS", "em.IR.K", _of_map(0.310), "Ks"),
    "W1": KnownBand("WISE", "em.IR.3-4um", _of_map(0.189), "W1"),
    "W2": KnownBand("WISE", "em.IR.4-8um", _of_map(0.146), "W2"),
}
GAIA = ("G", "BP", "RP")
GAIA_COLOURS = ("BP_G_0", "G_RP_0")  # stored for every survey with the three Gaia magnitudes
DISTANCE_MODULUS = (
    Column("DISTANCE_MODULUS", "float32", "mag", "phot.mag.distMod", "Distance modulus, 5 log10(distance / 10 pc)"),
    Column(
        "DISTANCE_MODULUS_ERR",
        "float32",
        "mag",
        "stat.error;phot.mag.distMod",
        "1-sigma error of DISTANCE_MODULUS, to first order",
    ),
)
_COLOUR = re.compile(r"([A-Z][A-Z0-9]*)_([A-Z][A-Z0-9]*)_0")
_ABSOLUTE = re.compile(r"M_([A-Z][A-Z0-9]*)")


@dataclass(frozen=True)
class Derived:
    """A quantity that follows from measured columns, linearly: a dereddened colour or an absolute magnitude."""

    name: str
    bands: tuple[str, ...]  # two of a colour, blue and red; one of an absolute magnitude

    @property
    def is_colour(self) -> bool:
        """Whether it is a colour."""
        return len(self.bands) > 1

    @property
    def weights(self) -> Mapping[str, float]:
        """How much it moves with each measured column behind it."""
        first, *further = (magnitude_name(band) for band in self.bands)
        return {first: 1.0, (further[0] if further else DISTANCE_MODULUS[0].name): -1.0}

    @property
    def column(self) -> Column:
        """Its column in a catalogue."""
        ucds = [BANDS[band].ucd for band in self.bands if band in BANDS]
        gaia = "Gaia " if all(band in GAIA for band in self.bands) else ""
        symbols = [_symbol(band) for band in self.bands]
        if self.is_colour:
            ucds = ["phot.color", *(["em.opt"] if self.name in GAIA_COLOURS else ucds)]
            text = f"Dereddened {gaia}colour {' - '.join(symbols)}"
        else:
            ucds, text = ["phys.magAbs", *ucds], f"Absolute magnitude in {gaia}{symbols[0]}"
        return Column(self.name, "float32", "mag", ";".join(ucds), text)


@lru_cache
def derived_quantity(name: str) -> Derived | None:
    """Return the colour or absolute magnitude that a name such as BP_G_0 or M_KS stands for, None for other names.

    M_H is the metallicity [M/H]: names of known quantities are not those of derived ones.
    """
    if name in QUANTITIES:
        return None
    if match := _COLOUR.fullmatch(name):
        return Derived(name, match.groups()) if match[1] != match[2] else None
    return Derived(name, match.groups()) if (match := _ABSOLUTE.fullmatch(name)) else None


def is_colour(name: str) -> bool:
    """Tell whether a name is that of a dereddened colour."""
    own = derived_quantity(name)
    return own is not None and own.is_colour


def magnitude_name(band: str) -> str:
    """Return the name of the magnitude of a band in catalogues."""
    return f"{band}_MAG"


def extinction_name(band: str) -> str:
    """Return the name of the extinction of a band in catalogues."""
    return f"A_{band}"


def photometric_columns(
    bands: Iterable[str] = GAIA, with_extinction: Iterable[str] = (), further: Iterable[str] = GAIA_COLOURS
) -> tuple[Column, ...]:
    """Return the columns of magnitudes, their errors, extinctions, E(B-V), and what is derived from them.

    Parameters
    ----------
    bands
        Whose magnitudes there are.
    with_extinction
        Those of which the survey states the extinction.
    further
        Names of colours and absolute magnitudes.
    """
    magnitudes = [column for band in bands for column in _magnitude_columns(band)]
    stated = [_extinction_column(band) for band in with_extinction]
    return (*magnitudes, *stated, EBV, *(own.column for name in further if (own := derived_quantity(name))))


def _symbol(band: str) -> str:
    return BANDS[band].symbol if band in BANDS else band


def _magnitude_columns(band: str) -> tuple[Column, Column]:
    known, name = BANDS.get(band), magnitude_name(band)
    ucd = f"phot.mag;{known.ucd}" if known else "phot.mag"
    text = f"{known.system} {known.symbol}" if known else band
    return (
        Column(name, "float32", "mag", ucd, f"{text} magnitude, as observed"),
        Column(f"{name}_ERR", "float32", "mag", f"stat.error;{ucd}", f"1-sigma error of {name}"),
    )


def _extinction_column(band: str) -> Column:
    ucd = f"phys.absorption;{BANDS[band].ucd}" if band in BANDS else "phys.absorption"
    return Column(extinction_name(band), "float32", "mag", ucd, f"Extinction in {_symbol(band)}")
