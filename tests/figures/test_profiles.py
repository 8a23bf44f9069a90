"""What a reader of the profiles sees: a panel a slice, shared scales, samples, sides, gaps."""

import numpy as np
import pytest

from stdask.figures.profiles import Curve, ProfilePanel, ProfileRow, draw_profiles
from tests.figures.printing import check_print

RADII = np.arange(4.0, 12.0, 0.5)
NAMES = {"ALONE": "APOGEE DR17 giants of the inner Galaxy alone", "MERGED": "merged with LAMOST DR3"}
SLICES = ((0.0, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 4.0))


def curve(height, *, south=False, first=0, error=0.02):
    medians = np.where(np.arange(16) >= first, height - 0.05 * RADII, np.nan)
    return Curve(south, RADII, medians, np.full(16, error))


def drawing(rows, **names):
    return draw_profiles(rows, names or NAMES, "R", "|Z|", 20)


@pytest.fixture
def figure():
    near = {"ALONE": [curve(0.3), curve(0.28, south=True)], "MERGED": [curve(0.32)]}
    far = {"ALONE": [], "MERGED": [curve(0.0), curve(0.0, south=True, first=8)]}
    panels = [ProfilePanel(SLICES[0], near), ProfilePanel(SLICES[1], far), ProfilePanel(SLICES[2], {})]
    return drawing([ProfileRow("FE_H", panels), ProfileRow("TEFF", panels, "K")])


def lines_of(axes):
    return [line for line in axes.lines if line.get_linestyle() != "None"]


def test_it_fits_a_page(figure):
    check_print(figure)


def test_axes_carry_names_units_and_slices(figure):
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["median [Fe/H]", r"median $T_{\rm eff}$ [K]"]
    assert figure._supxlabel.get_text() == "$R$ [kpc]"
    assert [axes.get_title() for axes in figure.axes[:2]] == ["$0 < |Z| < 0.25$", "$0.25 < |Z| < 0.5$"]


def test_panels_of_a_label_share_their_scales(figure):
    first, second = figure.axes[:2]
    assert (first.get_xlim(), first.get_ylim()) == (second.get_xlim(), second.get_ylim())


def test_a_sample_has_one_colour_and_the_south_is_dashed(figure):
    near, far = (lines_of(axes) for axes in figure.axes[:2])
    assert [line.get_linestyle() for line in near] == ["-", "--", "-"]
    assert near[0].get_color() == near[1].get_color() != near[2].get_color() == far[0].get_color()
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[:2] == [*NAMES.values()]
    assert any(text.startswith("south") for text in texts)
    assert "20 stars" in texts[-1]


def test_without_sides_the_legend_does_not_name_them():
    drawn = drawing([ProfileRow("FE_H", [ProfilePanel((0.0, 2.0), {"ALONE": [curve(0.0)], "MERGED": []})])])
    assert not any("south" in text.get_text() for text in drawn.legends[0].get_texts())


def test_bands_are_as_wide_as_the_total_error(figure):
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(0.3 - 0.05 * 4 + 0.02)
    assert band[:, 1].min() == pytest.approx(0.3 - 0.05 * 11.5 - 0.02)


def test_a_panel_without_curves_says_so(figure):
    assert [text.get_text() for text in figure.axes[2].texts] == ["no bin with\nenough stars"]


def test_a_label_that_no_star_has_is_named_instead_of_drawn():
    panels = [ProfilePanel(SLICES[0], {"ALONE": [curve(0.0)], "MERGED": [curve(0.1)]})]
    empty = [ProfilePanel(SLICES[0], {"ALONE": [], "MERGED": []})]
    drawn = drawing([ProfileRow("FE_H", panels), ProfileRow("MG_FE", empty)])
    assert len(drawn.axes) == 1
    assert drawn.legends[0].get_title().get_text() == "no star has [Mg/Fe]"
    assert len(drawing([ProfileRow("MG_FE", empty)]).axes) == 1


def test_samples_that_are_the_same_are_said_to_be():
    same = [ProfilePanel(SLICES[0], {"ALONE": [curve(0.0)], "MERGED": [curve(0.0)]})]
    other = [ProfilePanel(SLICES[0], {"ALONE": [curve(0.0)], "MERGED": [curve(0.1)]})]
    drawn = drawing([ProfileRow("FE_H", other), ProfileRow("MG_FE", same)])
    assert drawn.legends[0].get_title().get_text() == "both samples are the same in [Mg/Fe]"


def test_a_bin_that_stands_alone_is_a_point():
    medians = np.where(np.arange(16) == 3, -0.2, np.nan)
    single = Curve(False, RADII, medians, np.full(16, 0.01))
    drawn = drawing([ProfileRow("FE_H", [ProfilePanel(SLICES[0], {"ALONE": [single], "MERGED": []})])])
    points = [line for line in drawn.axes[0].lines if line.get_marker() == "o"]
    assert [tuple(line.get_xdata()) for line in points] == [(RADII[3],)]
    drawn.draw_without_rendering()


def test_a_poor_bin_does_not_set_the_scale():
    medians, errors = np.full(16, -0.2), np.full(16, 0.01)
    medians[5], errors[5] = 3.0, 1.0
    panel = ProfilePanel(SLICES[0], {"ALONE": [Curve(False, RADII, medians, errors)], "MERGED": []})
    assert drawing([ProfileRow("FE_H", [panel])]).axes[0].get_ylim()[1] < 0


def test_many_rings_stand_in_two_lines_and_fit_a_page():
    rings = [ProfilePanel((low, low + 2.0), {"ALONE": [curve(0.0)], "MERGED": [curve(0.1)]}) for low in range(0, 14, 2)]
    figure = draw_profiles([ProfileRow(label, rings) for label in ("FE_H", "MG_FE")], NAMES, "Z", "R", 20)
    assert len(figure.axes) == 14
    check_print(figure)


def test_the_share_of_high_alpha_stars_is_no_median():
    panel = ProfilePanel(SLICES[0], {"ALONE": [curve(0.9)], "MERGED": []})
    assert drawing([ProfileRow("HIGH_ALPHA", [panel])]).axes[0].get_ylabel() == r"high-$\alpha$ share"
