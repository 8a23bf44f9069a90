"""Every column that stdask writes: name, unit, dtype, UCD and meaning."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from stdask.errors import ConfigError

FAMILIES = ("intrinsic", "extrinsic")


@dataclass(frozen=True)
class Column:
    """One column of a table on disk.

    `dtype` is a pyarrow type name; `unit` follows astropy's FITS spelling, empty for none.
    """

    name: str
    dtype: str
    unit: str = ""
    ucd: str = ""
    description: str = ""


@dataclass(frozen=True)
class Quantity:
    """A stellar quantity that surveys measure, whatever they call its column."""

    unit: str
    ucd: str
    description: str
    symbol: str  # for figures and reports


QUANTITIES = {
    "TEFF": Quantity("K", "phys.temperature.effective", "Effective temperature", r"$T_{\rm eff}$"),
    "LOGG": Quantity("dex", "phys.gravity", "Logarithm of the surface gravity in cm s-2", r"$\log g$"),
    "FE_H": Quantity("dex", "phys.abund.Fe", "Iron abundance [Fe/H]", "[Fe/H]"),
    "M_H": Quantity("dex", "phys.abund.Z", "Overall metallicity [M/H]", "[M/H]"),
    "MG_FE": Quantity("dex", "phys.abund", "Abundance ratio of magnesium to iron [Mg/Fe]", "[Mg/Fe]"),
    "ALPHA_FE": Quantity("dex", "phys.abund", "Abundance ratio of alpha elements to iron [alpha/Fe]", r"[$\alpha$/Fe]"),
    "RV": Quantity("km/s", "spect.dopplerVeloc", "Heliocentric line-of-sight velocity", r"$V_{\rm los}$"),
    "VHELIO": Quantity("km/s", "spect.dopplerVeloc", "Heliocentric line-of-sight velocity", r"$V_{\rm los}$"),
}

HEALPIX = Column("_healpix_29", "int64", "", "meta.id", "HEALPix pixel of the position, nested scheme, order 29")
SOURCE_ID = Column("SOURCE_ID", "int64", "", "meta.id.cross", "Gaia source_id, null if the star has none")
ROW = Column("_stdask_row", "int64", "", "meta.record", "Number of the row in the file that was read, from 0")
STAR_KEY = Column(
    "STAR_KEY",
    "uint64",
    "",
    "meta.id",
    "Hash of the id of the star. Its random draws depend on it, and whether it is a test star",
)
POSITION = (
    Column("ra", "float64", "deg", "pos.eq.ra;meta.main", "Right ascension, ICRS"),
    Column("dec", "float64", "deg", "pos.eq.dec;meta.main", "Declination, ICRS"),
)
GOOD = Column("GOOD", "bool", "", "meta.code.qual", "True (good) if the star passes all cuts of the survey definition")
EBV = Column(
    "EBV",
    "float32",
    "mag",
    "phot.color.excess",
    "Reddening E(B-V), on the scale of Schlegel, Finkbeiner & Davis 1998 as far as the survey definition follows it",
)
EBV_SCALE = "scale of SFD 1998"  # where there is room for a few words
DISTANCE = (
    Column("DISTANCE", "float32", "kpc", "pos.distance", "Heliocentric distance"),
    Column("DISTANCE_ERR", "float32", "kpc", "stat.error;pos.distance", "1-sigma error of DISTANCE"),
)
PROPER_MOTION = (
    Column("PMRA", "float32", "mas/yr", "pos.pm;pos.eq.ra", "Proper motion in right ascension, times cos(dec)"),
    Column("PMRA_ERR", "float32", "mas/yr", "stat.error;pos.pm;pos.eq.ra", "1-sigma error of PMRA"),
    Column("PMDEC", "float32", "mas/yr", "pos.pm;pos.eq.dec", "Proper motion in declination"),
    Column("PMDEC_ERR", "float32", "mas/yr", "stat.error;pos.pm;pos.eq.dec", "1-sigma error of PMDEC"),
)
ID = Column("ID", "string", "", "meta.id;meta.main", "Id of the star in the survey that SURVEY names")
DISTANCE_FROM = Column(
    "DISTANCE_FROM", "string", "", "meta.id;meta.dataset", "Survey that the distance comes from, empty if there is none"
)
SURVEY = Column("SURVEY", "string", "", "meta.id;meta.dataset", "Survey that observed the star")
IN_PAIRS = Column(
    "IN_PAIRS",
    "bool",
    "",
    "meta.code",
    "True if the star is in B and in a translated survey, so that networks may have been trained or tested on it",
)
GALACTOCENTRIC = (
    Column("X_GC", "float32", "kpc", "pos.cartesian.x;pos.galactocentric", "Galactocentric X, -8.122 kpc at the Sun"),
    Column(
        "Y_GC",
        "float32",
        "kpc",
        "pos.cartesian.y;pos.galactocentric",
        "Galactocentric Y, positive in the direction of the rotation of the Galaxy at the Sun",
    ),
    Column(
        "Z_GC",
        "float32",
        "kpc",
        "pos.cartesian.z;pos.galactocentric",
        "Height above the Galactic midplane, +0.0208 kpc at the Sun",
    ),
    Column("R_GC", "float32", "kpc", "pos.distance;pos.galactocentric", "Galactocentric radius, cylindrical"),
    Column("PHI_GC", "float32", "deg", "pos.posAng;pos.galactocentric", "Galactocentric azimuth, atan2(Y, X)"),
)
_PLACE_ERROR = "due to DISTANCE_ERR, to first order"
GALACTOCENTRIC_ERR = (
    Column("R_GC_ERR", "float32", "kpc", "stat.error;pos.distance", f"1-sigma error of R_GC {_PLACE_ERROR}"),
    Column("Z_GC_ERR", "float32", "kpc", "stat.error;pos.cartesian.z", f"1-sigma error of Z_GC {_PLACE_ERROR}"),
)
VELOCITIES = tuple(
    Column(f"{name}_GC", "float32", "km/s", "phys.veloc;pos.galactocentric", f"Galactocentric velocity {meaning}")
    for name, meaning in (
        ("VX", "along X"),
        ("VY", "along Y"),
        ("VZ", "along Z, towards the north Galactic pole"),
        ("VR", "along R, outwards"),
        ("VPHI", "about the axis, positive in the direction of rotation: 246 km/s for the Sun"),
    )
)
ORBITS = (
    Column(
        "L_Z",
        "float32",
        "kpc km/s",
        "phys.angMomentum;pos.galactocentric",
        "Angular momentum about the axis of the Galaxy, R_GC VPHI_GC, positive in the direction of rotation",
    ),
    Column(
        "R_GUIDE",
        "float32",
        "kpc",
        "pos.distance;pos.galactocentric",
        "Guiding radius L_Z / 233.36 km/s, for a flat rotation curve; NaN for stars that move against the rotation",
    ),
)
CLUSTER_COLUMNS = ("ra", "dec", "distance", "rhalf_arcmin")
REJECTED = (
    Column("row", "int64", "", "meta.record", "Number of the row in the file or table that the stage read, from 0"),
    Column("id", "string", "", "meta.id", "Id of the star in its survey"),
    Column("reason", "string", "", "meta.note", "Why the row was left out"),
)


PAIRS = (
    Column("ID_A", "string", "", "meta.id", "Id of the star in A"),
    Column("ID_B", "string", "", "meta.id", "Id of the star in B"),
    STAR_KEY,
    Column("STAR_KEY_B", "uint64", "", "meta.id", "STAR_KEY of the star in B"),
    Column("SEPARATION", "float32", "arcsec", "pos.angDistance", "Angular distance of the positions, at one epoch"),
    Column("AMBIGUOUS", "bool", "", "meta.code", "True if either star has a second candidate within the radius"),
)


def quantity(name: str, unit: str = "") -> Quantity:
    """Return what is known about a label; an unknown label keeps the unit of its survey definition."""
    return QUANTITIES.get(name, Quantity(unit, "", name, name))


def is_velocity(label: str) -> bool:
    """Tell whether a label is the velocity along the line of sight."""
    return quantity(label).ucd == "spect.dopplerVeloc"


def measured_columns(label: str, unit: str = "") -> tuple[Column, Column]:
    """Return the columns of a measured label and of its 1-sigma error."""
    q = quantity(label, unit)
    return (
        Column(label, "float32", q.unit, q.ucd, q.description),
        Column(
            f"{label}_ERR",
            "float32",
            q.unit,
            f"stat.error;{q.ucd}" if q.ucd else "stat.error",
            f"1-sigma error of {label}",
        ),
    )


def merged_columns(label: str, unit: str = "", n_members: int = 0, of_means: bool = False) -> tuple[Column, ...]:
    """Return the columns of a label of the merged catalogue: value, error, untranslated, sample, each network's.

    Parameters
    ----------
    label, unit
        Label of B, and its unit in the survey definition.
    n_members
        Number of networks.
    of_means
        Values are means over surveys; columns that say which follow.
    """
    value, error = measured_columns(label, unit)
    meaning = f"1-sigma error of {label}: for a star of B as B states it, for a translated star {label}_PRED_SIGMA"
    raw = f"{label} as the survey of the star measured it, without translation"
    sample = (
        f"{label} for distributions: for a star of B the same as {label}, for a translated star {label}_PRED_SAMPLE"
    )
    said = f"{label} from network {{}} alone; for a star of B the same as {label}"
    means: tuple[Column, ...] = ()
    if of_means:
        value = replace(value, description=f"{value.description}: mean of {label}_FROM, by inverse variances")
        meaning = (
            f"1-sigma error of {label} about the value that B would measure without noise: of B as it states it, of a "
            f"translation {label}_PRED_SIGMA without the noise of B and with what the closure test finds lacking, of a "
            "mean from these. Unlike the error of a translation alone, it does not contain the noise of B"
        )
        sample = (
            f"{label} for distributions, of the survey SURVEY alone: as B measured it, or {label}_PRED_SAMPLE, which "
            "scatters as B does"
        )
        raw = f"{label} as the survey SURVEY measured it, without translation"
        said = f"{label} with network {{}} alone of every translation in the mean, with the same weights"
        means = _columns_of_means(label, value)
    members = [replace(value, name=f"{label}_MEMBER_{k}", description=said.format(k)) for k in range(1, n_members + 1)]
    return (
        value,
        replace(error, description=meaning),
        replace(value, name=f"{label}_RAW", description=raw),
        replace(value, name=sample_name(label), description=sample),
        *means,
        *members,
    )


def _columns_of_means(label: str, value: Column) -> tuple[Column, ...]:
    """Return the columns that say what a mean is made of."""
    return (
        Column(
            f"{label}_FROM",
            "string",
            "",
            "meta.id;meta.dataset",
            f"Surveys whose values {label} is the mean of, with + between them; empty if there is none",
        ),
        Column(f"{label}_N_SURVEYS", "int32", "", "meta.number", f"Number of surveys in {label}_FROM"),
        Column(
            f"{label}_SCATTER",
            "float32",
            value.unit,
            f"stat.stdev;{value.ucd}".strip(";"),
            "Standard deviation of the values of these surveys, with the number less one; NaN for fewer than two. Of "
            "two surveys it is their difference over the square root of 2",
        ),
    )


def merged_table(names: Sequence[Collection[str]], labels: Iterable[Column], has_velocity: bool) -> tuple[Column, ...]:
    """Return the columns of the merged catalogue.

    Parameters
    ----------
    names
        Of the columns of each survey that is merged.
    labels
        Columns of the labels of B: those of `merged_columns`.
    has_velocity
        Whether one of the labels is a velocity along the line of sight.
    """
    some, all_have = set().union(*names), set(names[0]).intersection(*names)
    motion = PROPER_MOTION if PROPER_MOTION[0].name in some else ()
    return (
        HEALPIX,
        ID,
        SURVEY,
        IN_PAIRS,
        STAR_KEY,
        *([SOURCE_ID] if SOURCE_ID.name in all_have else []),
        *POSITION,
        *labels,
        *([EBV] if EBV.name in some else []),
        *DISTANCE,
        DISTANCE_FROM,
        *motion,
        *GALACTOCENTRIC,
        *GALACTOCENTRIC_ERR,
        *((*VELOCITIES, *ORBITS) if motion and has_velocity else ()),
    )


def sample_name(label: str) -> str:
    """Return the column of the merged catalogue that holds a label for distributions."""
    return f"{label}_SAMPLE"


def used_column(family: str) -> Column:
    """Return the column that tells which pairs the networks of a family may be trained on."""
    return Column(
        f"USED_{family.upper()}",
        "bool",
        "",
        "meta.code",
        f"True if {family} networks may be trained on it: it passes the cuts, and has all inputs and a label",
    )


def unique_names(names: Iterable[str], where: str) -> None:
    """Raise ConfigError if a name appears twice.

    Raises
    ------
    ConfigError
        Naming the first name that repeats and `where` it was found.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ConfigError(f"{name!r} appears twice in {where}. Keep one of them.")
        seen.add(name)
