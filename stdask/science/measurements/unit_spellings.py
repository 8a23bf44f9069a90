"""Units as archives and surveys spell them, and what astropy calls them.

Seen in: the Gaia archive (`'dex'`, `Angular Velocity[mas/year]`, `log(cm.s**-2)`), SDSS (`degrees`, `log10(cm/s^2)`),
ESO and HEASARC (`RADIANS`, `DEGREE`), CDS (`[cm/s2]`, `[-]`, `---`), APOGEE (`log (cgs)`), VizieR (`mag(AB)`).
"""

import re

# Spellings of "no unit".
NO_UNIT = frozenset(
    {"", "-", "--", "---", "1", "none", "null", "n/a", "[-]", "[--]", "[---]", "[]", "()", "unitless", "dimensionless"}
    | {"dimensionless[see description]", "no unit", "no units"}
)
# dex, 'dex', log(cm.s**-2), log g, cgs, [cm/s2], [Sun]: all of them are logarithms to the base of ten.
LOGARITHM = re.compile(r"^\W*(dex|log(10)?|cgs|sun|solar)(?![a-z0-9]).*|^\[.*\]$", re.IGNORECASE)
QUANTITY = re.compile(r"[A-Za-z][A-Za-z ]*\[(.+)\]")  # Angle[deg], as in Gaia DR1
WORDS = {  # a word, whatever its letters -> its unit
    r"degrees?|decimal degrees?|degs": "deg",
    r"hour ?angles?": "hourangle",
    r"radians?|rads": "rad",
    r"(deg(rees?)?[ _]?)?kelvins?|deg(rees?)?[ _]?k": "K",
    r"mag(nitude)?s?( ?\(.*\)| ?\[.*\]| (ab|vega))?|(ab|vega)[ _]?mags?": "mag",
    r"parsecs?": "pc",
    r"kiloparsecs?|kpcs": "kpc",
}
PARTS = {  # a word of a compound unit -> its unit
    r"milli-?arc-?sec(ond)?s?": "mas",
    r"arc-?sec(ond)?s?": "arcsec",
    r"(julian )?years?|yrs?": "yr",
    r"sec(ond)?s?": "s",
    r"kilomet(er|re)s?": "km",
    r"met(er|re)s?": "m",
    r"per": "/",
}


def spelled_plainly(text: str) -> list[str]:
    """Return how astropy might spell a unit, the likeliest spelling first.

    Parameters
    ----------
    text
        As a file or a definition writes it.
    """
    plain = text.strip().strip("'\"").strip()
    if (match := QUANTITY.fullmatch(plain)) and not _words(plain):
        plain = match[1]
    spellings = [*_words(plain), plain]
    parts = re.sub(r"[{}$]", "", plain)
    for word, unit in PARTS.items():
        parts = re.sub(rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])", unit, parts, flags=re.IGNORECASE)
    spellings += [parts, re.sub(r"\bkms-1\b|\bkms\^-1\b|\bkmps\b", "km/s", parts), parts.lower()]
    return list(dict.fromkeys(spellings))


def _words(plain: str) -> list[str]:
    return [unit for word, unit in WORDS.items() if re.fullmatch(word, plain, re.IGNORECASE)]


def is_no_unit(text: str) -> bool:
    """Tell whether a text stands for no unit."""
    return text.strip().strip("'\"").strip().lower() in NO_UNIT
