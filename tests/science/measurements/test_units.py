"""Factors between units."""

import re

import pytest

from stdask.errors import SurveyError
from stdask.science.measurements.units import conversion_factor


@pytest.mark.parametrize(
    ("stated", "wanted", "factor"),
    [
        (("pc",), "kpc", 1e-3),
        (("m s-1",), "km/s", 1e-3),
        (("km.s**-1",), "km/s", 1.0),
        (("rad",), "deg", 57.29577951308232),
        (("", "pc"), "kpc", 1e-3),  # the definition where the file is silent
        (("---", ""), "K", 1.0),  # silence: taken to be in the unit wanted
        (("furlongs", "pc"), "kpc", 1e-3),  # the definition where the file is not understood
        (("kpc", "pc"), "kpc", 1.0),  # the file before the definition
        (("log(cm.s**-2)",), "dex", 1.0),
        (("[cm/s2]",), "dex", 1.0),
        (("dex(cm s-2)",), "dex", 1.0),
        (("mag",), "mag", 1.0),
        (("mmag",), "mag", 1e-3),
        (("1 / mas",), "kpc", 1.0),  # a parsec is at one arcsecond
    ],
)
def test_the_factor_is_that_of_the_first_unit_understood(stated: tuple[str, ...], wanted: str, factor: float):
    # 1e-15: a rounding or two of float64
    assert conversion_factor(stated, wanted) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("stated", "wanted"), [("mas", "kpc"), ("km/s", "K"), ("mag", "dex"), ("K", "dex"), ("deg_C", "K"), ("[K]", "K")]
)
def test_a_unit_of_another_kind_is_refused(stated: str, wanted: str):
    refusal = rf"'{re.escape(stated)}' cannot be converted to '{wanted}'.*\[file\] units = \{{ COLUMN"
    with pytest.raises(SurveyError, match=refusal):
        conversion_factor((stated,), wanted)


def test_a_unit_nobody_knows_is_refused_with_the_remedy():
    with pytest.raises(
        SurveyError, match=r'furlongs. is not known\. Set `unit` .*\[file\] units = \{ COLUMN = "kpc" \}'
    ):
        conversion_factor(("furlongs", ""), "kpc")
