"""Quantities are written as the field writes them."""

from pathlib import Path

import pytest
from matplotlib import rc_context, rcParams

from stdask.figures.style import PrintedFigure, symbol, unit_of, with_unit


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TEFF", r"$T_{\rm eff}$"),
        ("MG_FE", "[Mg/Fe]"),
        ("BP_G_0", "(BP \N{MINUS SIGN} G)$_0$"),
        ("NI_FE", "NI_FE"),
        ("M_KS", r"$M_{\rm Ks}$"),
        ("J_KS_0", "(J \N{MINUS SIGN} Ks)$_0$"),
        ("M_MINE", "M_MINE"),
    ],
)
def test_a_quantity_has_its_symbol_and_an_unknown_one_its_name(name: str, expected: str) -> None:
    assert symbol(name) == expected


def test_an_axis_shows_its_unit_unless_it_is_dex() -> None:
    assert with_unit(symbol("TEFF"), unit_of("TEFF")) == r"$T_{\rm eff}$ [K]"
    assert with_unit(symbol("FE_H"), unit_of("FE_H")) == "[Fe/H]"
    assert with_unit(symbol("G_RP_0"), unit_of("G_RP_0")).endswith(" [mag]")
    assert with_unit(symbol("M_G"), unit_of("M_G")) == r"$M_{\rm G}$ [mag]"
    assert with_unit(symbol("M_INI"), unit_of("M_INI", "solMass")) == "M_INI [solMass]"
    assert with_unit(symbol("AGE"), unit_of("AGE", "Gyr")) == "AGE [Gyr]"


def test_a_saved_figure_has_fonts_that_journals_accept_whatever_the_session_is_set_to(tmp_path: Path) -> None:
    page = tmp_path / "figure.pdf"
    with rc_context({"pdf.fonttype": 3}):
        figure = PrintedFigure((2, 1))
        figure.text(0.1, 0.5, r"[Fe/H], $T_{\rm eff}$")
        figure.savefig(page, format="pdf")
        assert rcParams["pdf.fonttype"] == 3
    content = page.read_bytes()
    assert b"/Subtype /Type3" not in content
    assert b"/FontFile2" in content  # TrueType outlines, which is type 42
