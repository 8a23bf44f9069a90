"""What a table must have is what the networks read, by the names of A's files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.config.survey import SurveyDefinition, load_definition
from stdask.config.survey_tables import Duplicates, Label
from stdask.network.ensemble import Draws, Family
from stdask.runs.ensemble import Ensemble, TargetSurvey
from stdask.runs.requirements import RequiredColumn, requirements
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.storage.documents import declared_table
from tests.network.made_up import made_up_family, training_stars

GALAH = load_definition("galah_dr3")


def ensemble(definition: SurveyDefinition, family: Family | None = None, **changes: object) -> Ensemble:
    made = Ensemble(
        "galah_dr3_to_b",
        (family or made_up_family(),),  # reads TEFF, BP_G_0, G_RP_0, RV
        definition,
        TargetSurvey("b", "B", "made by hand", {}),
        Draws(56, "sobol", 7, include_nominal=False),
        {},
        "0" * 64,
        "",
    )
    return replace(made, **changes)


def rows_of(definition: SurveyDefinition, family: Family | None = None, **changes: object) -> dict[str, RequiredColumn]:
    return {row.column: row for row in requirements(ensemble(definition, family, **changes))}


def with_label(**changes: object) -> SurveyDefinition:
    label = Label.model_validate(GALAH.labels["TEFF"].model_dump() | changes)
    return GALAH.model_copy(update={"labels": {**GALAH.labels, "TEFF": label}})


def test_the_columns_behind_the_inputs_are_needed_and_no_others():
    rows = rows_of(GALAH)
    needed = {row.name: row.column for row in rows.values() if row.needed == "yes"}
    assert GALAH.photometry is not None
    g, bp, rp, ebv = (
        GALAH.in_one_table(name)
        for name in (GALAH.photometry.g, GALAH.photometry.bp, GALAH.photometry.rp, GALAH.photometry.ebv or "")
    )
    assert needed == {
        "TEFF": "teff", "RV": GALAH.labels["RV"].column, "G_MAG": g, "BP_MAG": bp, "RP_MAG": rp, "EBV": ebv
    }  # fmt: skip
    assert [rows[name].needed for name in ("sobject_id", "ra_dr2", "dec_dr2")] == ["by apply"] * 3
    assert rows["teff"].error == "e_teff"
    assert rows[g].typical_error == 0.003
    assert np.isnan(rows["teff"].typical_error)
    assert "Mg_fe" not in rows  # a label that is no input


def test_conditions_are_read_where_the_table_has_their_columns():
    rows = rows_of(GALAH)
    assert (rows["flag_sp"].name, rows["flag_sp"].needed) == ("GOOD", "no")
    assert rows["flag_sp"].purpose == "star is not GOOD where this fails: flag_sp = 0"
    definition = with_label(good=[{"any_of": [{"column": "one"}, {"column": "other"}]}])
    rows = rows_of(definition)
    assert rows["one"].purpose == rows["other"].purpose
    assert rows["one"].purpose.startswith("TEFF is missing where this fails: ")
    assert rows["one"].name == "TEFF"


@pytest.mark.parametrize(("unit", "typical"), [("K", 80.0), ("", 80.0), ("kK", 0.08)])
def test_a_typical_error_is_in_the_unit_of_its_column(unit: str, typical: float):
    row = rows_of(with_label(unit=unit, typical_error=80.0))["teff"]
    assert row.unit == (unit or "K")
    assert row.typical_error == pytest.approx(typical)


def test_reddening_is_needed_for_colours_and_read_for_the_domain_otherwise():
    inputs, _ = training_stars()
    names = ("TEFF", "RV")
    plain = replace(made_up_family(), inputs=names, neighbourhood=fit_neighbourhood(inputs[:, [0, 3]], names, 1))
    domain = replace(plain, neighbourhood=fit_neighbourhood(inputs[:, [0, 3, 1]], (*names, "EBV"), 1))
    assert "ebv" not in rows_of(GALAH, plain)
    assert rows_of(GALAH, domain)["ebv"].needed == "no"
    assert rows_of(GALAH)["ebv"].needed == "yes"
    mapped = GALAH.model_copy(update={"ebv_map": Path("maps/sfd.fits")})
    assert rows_of(mapped)["map of E(B-V) maps/sfd.fits"].needed == "yes"


def test_the_column_that_factors_of_errors_depend_on_is_named():
    merit = Duplicates.model_validate({"by": "dr3_source_id", "best": "snr_c2_iraf", "rescale_errors": True})
    definition = GALAH.model_copy(update={"duplicates": merit})
    factors = {"TEFF": ErrorFactors(np.empty(0), np.array([100]), np.array([1.2]), np.array([0.1]))}
    assert "snr_c2_iraf" not in rows_of(definition)
    assert "errors of TEFF" in rows_of(definition, error_factors=factors)["snr_c2_iraf"].purpose


def test_the_rows_make_a_described_table():
    table = declared_table(requirements(ensemble(GALAH)))
    assert table.colnames == ["name", "column", "unit", "error", "typical_error", "needed", "purpose"]
    assert all(table[name].description for name in table.colnames)


def test_an_expression_needs_the_columns_that_it_reads():
    rows = rows_of(with_label(column="10 ** logteff + `[dT]`", error="hypot(e_teff, `[dT]`)"))
    for name in ("logteff", "[dT]"):
        assert (rows[name].name, rows[name].needed, rows[name].unit) == ("TEFF", "yes", "")
        assert rows[name].error == "e_teff, [dT]"
        assert rows[name].purpose.endswith("part of 10 ** logteff + `[dT]`")
    assert "10 ** logteff + `[dT]`" not in rows
    alone = rows_of(with_label(column="`[dT]`", percentile_16="low", percentile_84="high", error=None))
    assert (alone["[dT]"].unit, alone["[dT]"].error) == ("K", "low, high")
