"""Names of colours and absolute magnitudes, and their columns."""

import pytest

from stdask import schema


@pytest.mark.parametrize(
    ("name", "bands", "weights"),
    [
        ("BP_G_0", ("BP", "G"), {"BP_MAG": 1, "G_MAG": -1}),
        ("J_KS_0", ("J", "KS"), {"J_MAG": 1, "KS_MAG": -1}),
        ("G_W1_0", ("G", "W1"), {"G_MAG": 1, "W1_MAG": -1}),
        ("M_KS", ("KS",), {"KS_MAG": 1, "DISTANCE_MODULUS": -1}),
        ("M_GSDSS", ("GSDSS",), {"GSDSS_MAG": 1, "DISTANCE_MODULUS": -1}),
    ],
)
def test_a_name_says_what_is_behind_it(name: str, bands: tuple[str, ...], weights: dict[str, float]):
    own = schema.derived_quantity(name)
    assert own is not None
    assert (own.bands, own.weights, own.is_colour) == (bands, weights, len(bands) == 2)
    assert (own.column.name, own.column.unit, own.column.dtype) == (name, "mag", "float32")


@pytest.mark.parametrize(
    "name", ["TEFF", "M_H", "MG_FE", "G_G_0", "BP_G", "J_KS_1", "m_g", "M_", "G_MAG", "EBV", "A_B_C_0"]
)
def test_other_names_are_those_of_labels(name: str):
    assert schema.derived_quantity(name) is None


def test_columns_of_gaia_are_those_of_every_survey_with_photometry():
    columns = schema.photometric_columns()
    names = [column.name for column in columns]
    magnitudes = [f"{band}_MAG{ending}" for band in ("G", "BP", "RP") for ending in ("", "_ERR")]
    assert names == [*magnitudes, "EBV", "BP_G_0", "G_RP_0"]
    assert (columns[0].description, columns[0].ucd) == ("Gaia G magnitude, as observed", "phot.mag;em.opt")
    assert (columns[-1].description, columns[-1].ucd) == ("Dereddened Gaia colour G - RP", "phot.color;em.opt")


def test_columns_of_further_bands_are_described():
    columns = {c.name: c for c in schema.photometric_columns(["G", "KS"], ["KS"], ["G_KS_0", "M_KS"])}
    assert list(columns) == ["G_MAG", "G_MAG_ERR", "KS_MAG", "KS_MAG_ERR", "A_KS", "EBV", "G_KS_0", "M_KS"]
    assert columns["KS_MAG"].description == "2MASS Ks magnitude, as observed"
    assert columns["M_KS"].ucd == "phys.magAbs;em.IR.K"
    assert columns["G_KS_0"].description == "Dereddened colour G - Ks"
    (unknown,) = [c for c in schema.photometric_columns(["X"], [], ["M_X"]) if c.name == "M_X"]
    assert (unknown.ucd, unknown.description) == ("phys.magAbs", "Absolute magnitude in X")


def test_known_extinctions_are_those_published():
    # Schlafly & Finkbeiner 2011, Table 6, R_V = 3.1, per E(B-V) of Schlegel et al. 1998
    published = {"B": 3.626, "V": 2.742, "J": 0.723, "H": 0.460, "KS": 0.310, "W1": 0.189, "W2": 0.146}
    found = {name: schema.BANDS[name].extinction * schema.VISUAL_EXTINCTION for name in published}
    assert found == pytest.approx(published, rel=1e-12)
    assert set(schema.BANDS) == {*published, *schema.GAIA}
