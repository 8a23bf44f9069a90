"""Names that surveys give their columns: from a name to the quantity that it most likely holds."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

# as astronomers spell them, most wanted first; without case, spaces, underscores and hyphens
ID = (
    "sobjectid",
    "apogeeid",
    "obsid",
    "mobsid",
    "raveobsid",
    "sdssid",
    "specobjid",
    "targetid",
    "targid",
    "raveid",
    "h3id",
    "starid",
    "cname",
    "kic",
    "epic",
    "tic",
    "id",
    "objectid",
    "object",
    "2mass",
    "name",
    "star",
    "id1",
)
GAIA_ID = (
    "sourceid",
    "gaiasourceid",
    "gaiadr3sourceid",
    "gaiaedr3sourceid",
    "dr3sourceid",
    "gaiaid",
    "gaiadr3id",
    "gaiaedr3id",
    "gaiadr3",
    "gaiaedr3",
    "gaia",
    "source",
    "gaiadr2sourceid",
    "gaiadr2id",
    "gaiadr2",
    "dr2sourceid",
)
POSITIONS = (  # in right ascension and declination, of one system each
    ("ra", "dec"),
    ("ra", "declination"),
    ("radeg", "dedeg"),
    ("radeg", "decdeg"),
    ("raj2000", "dej2000"),
    ("raj2000", "decj2000"),
    ("raicrs", "deicrs"),
    ("raicrs", "decicrs"),
    ("targetra", "targetdec"),
    ("targra", "targdec"),
    ("radr2", "decdr2"),
    ("radr3", "decdr3"),
    ("alphaj2000", "deltaj2000"),
    ("rightascension", "declination"),
    ("ra", "de"),
)
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
        "teffval",
        "teffk",
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
        "loggseis",
        "surfacegravity",
    ),
    "FE_H": ("feh", "fehcalibrated", "fehadop", "fehgspspec", "fehlasp", "fehgauguin", "feoverh"),
    "M_H": ("mh", "mhgspspec", "mhgspphot", "moverh", "metallicity", "met", "mhcalibrated", "mhcalmadera"),
    "MG_FE": ("mgfe", "mgfegspspec", "mgoverfe"),
    "MG_H": ("mgh",),
    "ALPHA_FE": ("alphafe", "afe", "alphafegspspec", "afeadop", "alphafegauguin"),
    "ALPHA_M": ("alpham", "am"),
    "RV": (
        "rv",
        "rvgalah",
        "vrad",
        "vlos",
        "hrv",
        "vhelio",
        "vhelioavg",
        "vhel",
        "radialvelocity",
        "heliorv",
        "rvadop",
        "rvbr1",
        "rvcom",
        "hrvsparv",
    ),
}
PHOTOMETRY = {
    "g": ("photgmeanmag", "gmag", "gaiag", "gaiagmag", "gaiadr2g", "gaiaedr3g", "gaiaphotgmeanmag"),
    "bp": ("photbpmeanmag", "bpmag", "gaiabp", "gaiabpmag", "gaiaedr3bp", "gaiaphotbpmeanmag"),
    "rp": ("photrpmeanmag", "rpmag", "gaiarp", "gaiarpmag", "gaiaedr3rp", "gaiaphotrpmeanmag"),
}
PHOTOMETRY = {band: (*names, f"gaiaedr3phot{band}meanmag") for band, names in PHOTOMETRY.items()}
EBV = ("ebv", "sfdebv", "ebvsfd", "ebminusv")
MOTION = {
    "pmra": ("pmra", "gaiapmra", "gaiaedr3pmra", "pmrade"),
    "pmdec": ("pmdec", "pmde", "gaiapmdec", "gaiaedr3pmdec"),
}
IN_PC = (  # distances of Gaia's own tables and of Bailer-Jones et al. 2018, 2021, which are all in pc
    "rmedphotogeo",
    "rmedgeo",
    "rpgeo",
    "rgeo",
    "distancegspphot",
    "gaiaedr3rmedphotogeo",
    "gaiarest",
    "rest",
    "restdr2",
    "distpc",
)
ON_SKY = ("dist", "distance", "angdist", "sep", "separation")  # in a cone search: how far from its centre
DISTANCE = ("distance", "dist", *IN_PC[:5], "dist50", "distkpc", *IN_PC[5:])
MERIT = ("snr", "snrg", "sn", "snrmed", "snrc3iraf", "snrmean", "specsnr", "rvexpectedsigtonoise")
EPOCH = ("refepoch",)
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
    "s{}",
)
OWN_ERRORS = {"vhelioavg": ("verr", "verrmed")}  # of columns whose errors are named otherwise
PERCENTILE_FORMS = (  # of the 16th and the 84th percentile
    ("{}lower", "{}upper"),
    ("{}percentilelower", "{}percentileupper"),
    ("{}16", "{}84"),
    ("{}p16", "{}p84"),
    ("{}lo", "{}hi"),
)
STEMS = re.compile(r"(val|50)$")  # at the end of a median whose percentiles lack it: teff_val, dist50
MEDIAN = re.compile(r"(?<=r)(med|est)(?=photogeo|geo|dr2|$)")  # of distances, where percentiles have lo and hi
FLAG_FORMS = ("flag{}", "{}flag", "{}flags", "flags{}")

J2000 = 2000.0
GAIA_EPOCHS = {"DR3": 2016.0, "DR2": 2015.5}  # Lindegren et al. 2018, 2021
ONLY_IN = {  # words in the names of columns of one release of Gaia
    "DR3": ("gspphot", "gspspec", "edr3", "nueff", "pseudocolour", "ipdgof", "ruwe"),
    "DR2": ("meanvarpifactor", "priamflags", "astrometricpseudocolour", "agval", "dr2"),
}


def plain(name: str) -> str:
    """Return a name in lower case, letters and digits only: `[Fe/H]`, `fe_h` and `FeH` are `feh`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_column(names: Iterable[str], known: Sequence[str]) -> str | None:
    """Return the name that comes first among the known spellings, None if none of them is known."""
    return next(known_columns(names, known), None)


def known_columns(names: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    """Yield the names that are known, in the order of the known spellings."""
    by_plain: dict[str, str] = {}
    for name in (names := list(names)):
        by_plain.setdefault(plain(name), name)
    for name in names:  # of several tables: RVTAB.TARGETID
        by_plain.setdefault(plain(name.rpartition(".")[2]), name)
    return (by_plain[spelling] for spelling in known if spelling in by_plain)


def find_error(names: Iterable[str], column: str) -> str | None:
    """Return the column of the errors of a column, None if no name looks like it."""
    own = plain(column)
    names = [name for name in names if name != column]
    return find_column(names, [*(form.format(own) for form in ERROR_FORMS), *OWN_ERRORS.get(own, ())])


def find_percentiles(names: Sequence[str], column: str) -> tuple[str, str] | None:
    """Return the columns of the 16th and 84th percentile of a column, None if no names look like them."""
    for low, high in ((f"b_{column}", f"B_{column}"), (f"b_{column}_x", f"B_{column}_xa")):  # of Gaia at the CDS
        if low in names and high in names:
            return low, high
    own = plain(column)
    stem = STEMS.sub("", own)
    known = [(low.format(stem), high.format(stem)) for low, high in PERCENTILE_FORMS]
    known.append((MEDIAN.sub("lo", own), MEDIAN.sub("hi", own)))
    for pair in known:
        found = [find_column(names, [name]) for name in pair]
        if found[0] and found[1] and column not in found:
            return found[0], found[1]
    return None


def find_flag(names: Iterable[str], column: str) -> str | None:
    """Return the flag of one quantity, None if no name looks like it."""
    own = plain(column)
    return find_column(names, [form.format(own) for form in FLAG_FORMS])


def find_positions(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the columns of right ascension and declination, those of one system together, the most wanted first."""
    pairs = ((find_column(names, [ra]), find_column(names, [dec])) for ra, dec in POSITIONS)
    known = [(ra, dec) for ra, dec in pairs if ra and dec]
    for name in names:  # mage_ra with mage_dec
        for dec in ("dec", "de"):
            partner = re.sub(r"(?i)(?<![a-z])ra(?![a-z])", dec, name, count=1)
            known += [(name, other) for other in names if partner != name and other.lower() == partner.lower()]
    return list(dict.fromkeys(known))


def is_gaia_table(names: Iterable[str]) -> bool:
    """Tell whether a table has the columns of Gaia's archive: its distances and separations are named as there."""
    own = set(map(plain, names))
    marks = [name for name in own if name.endswith(("gspphot", "gspspec")) or name.startswith(("astrometric", "phot"))]
    return "sourceid" in own and bool(marks or own & {"solutionid", "randomindex"})


def find_release(names: Iterable[str]) -> str | None:
    """Return the release of Gaia that columns come from, by their names, None if there are none of Gaia."""
    own = " ".join(map(plain, names))
    by_name = {release: sum(word in own for word in words) for release, words in ONLY_IN.items()}
    best = max(by_name, key=lambda release: by_name[release])
    return best if by_name[best] else None


def find_columns(names: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return quantity -> column of the quantities that a column is found for."""
    found = {quantity: find_column(names, spellings) for quantity, spellings in known.items()}
    return {quantity: name for quantity, name in found.items() if name}
