"""Names that surveys give their columns: from a name to the quantity that it most likely holds."""

import re
from collections.abc import Iterable, Mapping, Sequence

# as astronomers spell them, most wanted first; without case, spaces, underscores and hyphens
ID = (
    "sobjectid",
    "apogeeid",
    "obsid",
    "specobjid",
    "targetid",
    "targid",
    "raveid",
    "starid",
    "cname",
    "kic",
    "epic",
    "tic",
    "id",
    "objectid",
)
GAIA_ID = (
    "sourceid",
    "gaiasourceid",
    "gaiadr3sourceid",
    "gaiaedr3sourceid",
    "dr3sourceid",
    "gaiaid",
    "gaiadr2sourceid",
)
POSITION = {
    "ra": ("ra", "raj2000", "radeg", "raicrs", "targetra", "radr2", "alphaj2000", "rightascension"),
    "dec": ("dec", "dej2000", "decj2000", "decdeg", "deicrs", "targetdec", "decdr2", "deltaj2000", "declination"),
}
LABELS = {
    "TEFF": (
        "teff",
        "teffcalibrated",
        "teffgspspec",
        "teffgspphot",
        "teffcal",
        "teffadop",
        "tefflasp",
        "teffcalmadera",
        "effectivetemperature",
    ),
    "LOGG": (
        "logg",
        "loggcalibrated",
        "logggspspec",
        "logggspphot",
        "loggcal",
        "loggadop",
        "logglasp",
        "loggcalmadera",
        "surfacegravity",
    ),
    "FE_H": ("feh", "fehcalibrated", "fehadop", "fehgspspec", "fehlasp", "fehgauguin", "feoverh"),
    "M_H": ("mh", "mhgspspec", "mhgspphot", "moverh", "metallicity", "met", "mhcalibrated", "mhcalmadera"),
    "MG_FE": ("mgfe", "mgfegspspec", "mgoverfe"),
    "ALPHA_FE": ("alphafe", "alpham", "afe", "am", "alphafegspspec", "afeadop", "alphafegauguin"),
    "RV": (
        "rv",
        "rvgalah",
        "vrad",
        "vlos",
        "hrv",
        "vhelio",
        "vhelioavg",
        "radialvelocity",
        "heliorv",
        "rvadop",
        "rvbr1",
        "hrvsparv",
    ),
}
PHOTOMETRY = {
    "g": ("photgmeanmag", "gmag", "gaiag", "gaiagmag", "gaiadr2g", "gaiaedr3photgmeanmag"),
    "bp": ("photbpmeanmag", "bpmag", "gaiabp", "gaiabpmag", "gaiaedr3photbpmeanmag"),
    "rp": ("photrpmeanmag", "rpmag", "gaiarp", "gaiarpmag", "gaiaedr3photrpmeanmag"),
}
EBV = ("ebv", "sfdebv", "ebvsfd", "ebminusv")
MOTION = {"pmra": ("pmra", "gaiaedr3pmra", "pmrade"), "pmdec": ("pmdec", "pmde", "gaiaedr3pmdec")}
DISTANCE = (
    "distance",
    "dist",
    "rmedphotogeo",
    "rmedgeo",
    "distancegspphot",
    "dist50",
    "distkpc",
    "gaiaedr3rmedphotogeo",
)
MERIT = ("snr", "snrg", "sn", "snrmed", "snrc3iraf", "snrmean", "rvexpectedsigtonoise")
ERROR_FORMS = (
    "e{}",
    "{}err",
    "{}error",
    "err{}",
    "{}e",
    "{}unc",
    "{}uncertainty",
    "sig{}",
    "{}sigma",
    "sigma{}",
    "{}std",
)


def plain(name: str) -> str:
    """Return a name in lower case, letters and digits only: `[Fe/H]`, `fe_h` and `FeH` are `feh`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_column(names: Iterable[str], known: Sequence[str]) -> str | None:
    """Return the name that comes first among the known spellings, None if none of them is known."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    return next((by_plain[spelling] for spelling in known if spelling in by_plain), None)


def find_error(names: Iterable[str], column: str) -> str | None:
    """Return the column of the errors of a column, None if no name looks like it."""
    return find_column(names, [form.format(plain(column)) for form in ERROR_FORMS])


def find_columns(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return quantity -> column of the quantities that a column is found for."""
    found = {quantity: find_column(names, spellings) for quantity, spellings in known.items()}
    return {quantity: name for quantity, name in found.items() if name}
