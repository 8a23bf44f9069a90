"""Which colours and absolute magnitudes a survey has, and what the others lack."""

from pathlib import Path
from typing import Any

import pytest

from stdask.config.derived import are_dereddened, lacking, offered, with_derived
from stdask.config.survey import SurveyDefinition
from stdask.config.toml import validate
from stdask.errors import SurveyError

GAIA = {"g": "g", "bp": "bp", "rp": "rp", "ebv": "ebv"}
DISTANCES = [{"column": "d"}]


def define(photometry: dict[str, Any] | None = None, **tables: object) -> SurveyDefinition:
    content = {
        "name": "s",
        "title": "S",
        "reference": "none",
        "id": "id",
        "labels": {"TEFF": {"column": "t"}},
        **tables,
    }
    return validate(SurveyDefinition, content | {"photometry": photometry}, "s.toml", SurveyError)


def bands(**columns: object) -> dict[str, object]:
    return {"bands": {name: {"column": name.lower(), **own} for name, own in columns.items()}}


def test_the_bluer_band_of_a_colour_comes_first():
    assert offered(define(GAIA)) == ("BP_G_0", "BP_RP_0", "G_RP_0")
    assert offered(define(GAIA, distances=DISTANCES))[-3:] == ("M_BP", "M_G", "M_RP")
    asked = define(bands(KS={}, J={}, X={"extinction": 2.0}, V={}) | {"ebv": "ebv"}, parallax={"column": "plx"})
    assert offered(asked) == (
        *("V_J_0", "V_KS_0", "V_X_0", "J_KS_0", "J_X_0", "KS_X_0"),
        *("M_V", "M_J", "M_KS", "M_X"),
    )
    assert offered(define()) == ()


def test_the_metallicity_is_no_absolute_magnitude():
    asked = define(bands(H={}) | {"ebv": "ebv"}, distances=DISTANCES)
    assert offered(asked) == ()


@pytest.mark.parametrize(
    ("definition", "name", "lack"),
    [
        (define(), "M_G", "M_G needs the magnitude G: add its column to [photometry]."),
        (define(GAIA), "J_KS_0", "J_KS_0 needs the magnitude J: add its column to [photometry]."),
        (define(GAIA), "M_G", "M_G needs a distance: add [parallax] or [[distances]]."),
        (define({"g": "g", "bp": "b"}), "BP_G_0", "BP_G_0 needs E(B-V): add `ebv` to [photometry], or name a map"),
        (define({"g": "g", "bp": "b"}, ebv="e"), "BP_G_0", ""),
        (define({"g": "g", "bp": "b"}, ebv_map=Path("m.fits")), "G_BP_0", ""),
        (define(bands(KS={"extinction": "a"}), distances=DISTANCES), "M_KS", ""),
        (define(bands(KS={"extinction": 0}), parallax={"column": "p"}), "M_KS", ""),
        (define(), "TEFF", ""),
    ],
)
def test_what_is_lacking_is_named_with_its_remedy(definition: SurveyDefinition, name: str, lack: str):
    assert lacking(name, definition).startswith(lack)
    assert bool(lacking(name, definition)) == bool(lack)


def test_reddening_enters_what_is_dereddened_with_it():
    asked = define({"g": "g"} | bands(KS={"extinction": "a"}, W1={"extinction": 0}), ebv="e", distances=DISTANCES)
    dereddened = [name for name in ("M_G", "G_KS_0", "M_KS", "KS_W1_0", "TEFF") if are_dereddened([name], asked)]
    assert dereddened == ["M_G", "G_KS_0"]


def test_a_catalogue_holds_what_the_networks_read_and_what_the_definition_asks_for():
    plain = define(GAIA, distances=DISTANCES)
    names = [column.name for column in plain.catalogue_columns]
    assert [name for name in names if name.endswith("_0") or "MODULUS" in name] == ["BP_G_0", "G_RP_0"]
    asked = define(GAIA, distances=DISTANCES, derived=["BP_RP_0"])
    asked = with_derived(asked, ["TEFF", "G_RP_0", "M_G", "BP_RP_0"])
    assert asked.derived == ("BP_RP_0", "M_G")
    added = {column.name for column in asked.catalogue_columns} - set(names)
    assert added == {"BP_RP_0", "M_G", "DISTANCE_MODULUS", "DISTANCE_MODULUS_ERR"}
    assert asked.source_columns == plain.source_columns


@pytest.mark.parametrize(
    ("photometry", "tables", "message"),
    [
        ({"ebv": "e"}, {}, "there is no magnitude. Add `g`, `bp` and `rp`, or"),
        ({"g": "g", "bp_error": "e"}, {}, "`bp_error` is the error of `bp`. Add `bp`"),
        (bands(X={}), {}, "the extinction of the band 'X' is not known. Set bands.X.extinction"),
        (bands(G={}), {}, "the band 'G' is one of Gaia: name its column as `g`"),
        ({"bands": {"Ks": {"column": "k"}}}, {}, "the band 'Ks' must be written in capital letters and digits"),
        (bands(KS={"extinction": -0.3}), {}, "at least 0"),
        (GAIA, {"derived": ["BP_RP"]}, "'BP_RP', which is no colour or absolute magnitude"),
        (GAIA, {"derived": ["M_G"]}, "`derived`: M_G needs a distance"),
        (GAIA, {"labels": {"EBV": {"column": "red"}}}, "has its own column 'EBV'. Give the label another name"),
    ],
)
def test_a_wrong_table_of_photometry_is_refused(photometry: dict[str, Any], tables: dict[str, Any], message: str):
    with pytest.raises(SurveyError) as info:
        define(photometry, **tables)
    assert message in str(info.value)
