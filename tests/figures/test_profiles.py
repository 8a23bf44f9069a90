"""What a reader of the profiles sees: labels, shared scales, sides, gaps."""

import numpy as np
import pytest

from stdask.figures.profiles import Curve, ProfileRow, draw_profiles

RADII = np.arange(4.0, 12.0, 0.5)
NAMES = ("APOGEE DR17 alone", "merged with LAMOST DR3")


def curve(name, south, height, first=0):
    medians = np.where(np.arange(16) >= first, height - 0.05 * RADII, np.nan)
    return Curve(name, south, RADII, medians, medians - 0.02, medians + 0.02)


@pytest.fixture
def figure():
    thin = [curve((0.0, 0.25), False, 0.3), curve((0.0, 0.25), True, 0.28)]
    thick = [curve((1.0, 2.0), False, 0.0), curve((1.0, 2.0), True, 0.0, first=8)]
    rows = [ProfileRow("FE_H", [thin, [*thin, *thick]]), ProfileRow("TEFF", [[], thin])]
    return draw_profiles(rows, NAMES, "$R$ [kpc]", "Height $|Z|$", 20)


def test_axes_carry_names_and_units(figure):
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["median [Fe/H]", r"median $T_{\rm eff}$ [K]"]
    assert [axes.get_xlabel() for axes in figure.axes[2:]] == ["$R$ [kpc]"] * 2
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == list(NAMES)


def test_both_panels_of_a_row_share_their_scales(figure):
    alone, merged = figure.axes[:2]
    assert (alone.get_xlim(), alone.get_ylim()) == (merged.get_xlim(), merged.get_ylim())


def drawn_lines(axes):
    return [line for line in axes.lines if line.get_linestyle() != "None"]


def test_a_slice_has_the_same_colour_in_all_panels_and_on_both_sides(figure):
    alone, merged = (drawn_lines(axes) for axes in figure.axes[:2])
    assert len({line.get_color() for line in [*alone, *merged[:2]]}) == 1
    assert len({line.get_color() for line in merged}) == 2


def test_south_is_dashed_and_the_legend_says_so(figure):
    assert [line.get_linestyle() for line in drawn_lines(figure.axes[0])] == ["-", "--"]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text.replace("\N{EN DASH}", "-") for text in texts[:2]] == ["0-0.25 kpc", "1-2 kpc"]
    assert any(text.startswith("south") for text in texts)
    assert any("68 % interval" in text for text in texts)
    assert "20 stars" in figure.legends[0].get_title().get_text()


def test_vertical_profiles_have_no_sides_in_the_legend():
    rows = [ProfileRow("FE_H", [[curve((0.0, 2.0), False, 0)], []])]
    drawn = draw_profiles(rows, NAMES, "$Z$ [kpc]", "Radius $R$", 20)
    assert not any("south" in text.get_text() for text in drawn.legends[0].get_texts())


def test_bands_are_shaded_between_the_percentiles(figure):
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(0.3 - 0.05 * 4 + 0.02)
    assert band[:, 1].min() == pytest.approx(0.3 - 0.05 * 11.5 - 0.02)


def test_a_panel_without_curves_says_so(figure):
    assert [text.get_text() for text in figure.axes[2].texts] == ["no bin with enough stars"]


def test_slices_are_listed_from_the_plane_up_whichever_the_survey_alone_has():
    high, low = curve((2.0, 4.0), False, 0), curve((0.25, 0.5), False, 0)
    drawn = draw_profiles([ProfileRow("FE_H", [[high], [low, high]])], NAMES, "$R$ [kpc]", "Height $|Z|$", 20)
    assert [text.get_text()[0] for text in drawn.legends[0].get_texts()[:2]] == ["0", "2"]


def test_profiles_to_which_nothing_was_added_say_so():
    same = [curve((0.0, 2.0), False, 0)]
    rows = [ProfileRow("FE_H", [same, [*same, curve((2.0, 4.0), False, 0)]]), ProfileRow("MG_FE", [same, same])]
    drawn = draw_profiles(rows, NAMES, "$R$ [kpc]", "Height $|Z|$", 20)
    assert ["nothing added" in axes.get_title(loc="left") for axes in drawn.axes] == [False, False, False, True]


def test_a_bin_that_stands_alone_is_a_point():
    medians = np.where(np.arange(16) == 3, -0.2, np.nan)
    single = Curve((0.0, 0.25), False, RADII, medians, medians, medians)
    drawn = draw_profiles([ProfileRow("FE_H", [[single], [single]])], NAMES, "$R$ [kpc]", "Height $|Z|$", 20)
    points = [line for line in drawn.axes[0].lines if line.get_marker() == "o"]
    assert [tuple(line.get_xdata()) for line in points] == [(RADII[3],)]
    drawn.draw_without_rendering()
