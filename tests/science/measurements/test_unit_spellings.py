"""Units as archives spell them."""

import math

import pytest

from stdask.errors import SurveyError
from stdask.science.measurements.unit_spellings import is_no_unit
from stdask.science.measurements.units import conversion_factor

SPELLINGS = {  # wanted -> factor -> spellings
    "deg": {
        1.0: ["deg", "degrees", "degree", "DEGREE", "Degrees", "DEG", "'deg'", "Angle[deg]", "decimal degrees"],
        15.0: ["hourangle", "hour angle"],
        180 / math.pi: ["rad", "RADIANS", "radian"],
        1 / 3.6e6: ["mas", "milliarcsec", "Angle[mas]"],
    },
    "K": {1.0: ["K", "Kelvin", "kelvin", "KELVIN", "'K'", "degK", "deg K", "degrees Kelvin", "Temperature[K]"]},
    "km/s": {
        1.0: [
            "km/s", "km s-1", "km s^-1", "km s^{-1}", "km.s-1", "km.s**-1", "km*s**-1", "km/sec", "KM/S", "km / s",
            "'km.s**-1'", "kms-1", "km s**-1", "kilometers/second", "km per second", "Velocity[km/s]",
        ],
        1e-3: ["m/s", "m s-1", "m/sec"],
    },
    "mas/yr": {
        1.0: [
            "mas/yr", "mas yr-1", "mas.yr-1", "mas.yr**-1", "mas/year", "mas / yr", "milliarcsec/year", "MAS/YR",
            "Angular Velocity[mas/year]", "mas yr^-1",
        ],
        1e3: ["arcsec/yr", "arcsec/year"],
    },
    "mag": {1.0: ["mag", "MAG", "mags", "magnitude", "mag(AB)", "mag (Vega)", "'mag'", "AB mag", "mag[AB]"]},
    "kpc": {1.0: ["kpc", "Kpc", "KPC", "kiloparsec"], 1e-3: ["pc", "parsec", "PARSECS"]},
    "dex": {
        1.0: [
            "dex", "'dex'", '"dex"', "DEX", "log(g)", "log g", "log10(cm/s^2)", "log(cm.s**-2)", "log (cgs)", "cgs",
            "[cm/s2]", "[Sun]", "dex(cm/s2)", "log(cm/s2)", "solar", "[Fe/H]", "log cgs", "log(solar)", "dex (solar)",
        ],
    },
}  # fmt: skip
NONE = ["", "-", "---", "[-]", "none", "None", "1", "dimensionless", "Dimensionless[see description]", "''", " "]


@pytest.mark.parametrize(
    ("wanted", "factor", "spelling"),
    [(wanted, factor, one) for wanted, own in SPELLINGS.items() for factor, many in own.items() for one in many],
)
def test_every_spelling_of_archives_is_the_unit_it_means(wanted: str, factor: float, spelling: str):
    assert conversion_factor((spelling, "furlongs"), wanted) == pytest.approx(factor, rel=1e-14)


@pytest.mark.parametrize("spelling", NONE)
def test_no_unit_is_the_unit_of_the_definition(spelling: str):
    assert is_no_unit(spelling)
    assert conversion_factor((spelling, "pc"), "kpc") == 1e-3


@pytest.mark.parametrize(("stated", "wanted"), [("h", "deg"), ("hours", "deg"), ("hr", "deg")])
def test_hours_of_time_are_not_taken_for_angles_but_the_way_out_is_named(stated: str, wanted: str):
    with pytest.raises(SurveyError, match=r'\[file\] units = \{ COLUMN = "hourangle" \}'):
        conversion_factor((stated,), wanted)
