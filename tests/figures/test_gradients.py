"""What a reader of the slopes sees: a panel a direction, a mark a sample, both sides of a break."""

import numpy as np
import pytest

from stdask.figures.gradients import LITERATURE, SlopeCurve, draw_gradients
from tests.figures.printing import check_print

NAMES = {"ALONE": "APOGEE DR17 alone", "MERGED": "merged with GALAH DR3"}


def slopes(sample, inner, label="FE_H"):
    return [
        SlopeCurve(sample, label, kind, "both", low, high, 1, inner, 0.01, -0.06, 0.01, 6.2)
        for kind in ("radial", "vertical", "azimuthal")
        for low, high in ((0.0, 0.25), (0.25, 4.0))
    ]


def marks_of(axes):
    return [line for line in axes.lines if line.get_marker() in ("s", "o", "^", "D") and len(line.get_xdata()) == 1]


def test_slices_are_equally_wide_with_their_edges_as_ticks():
    figure = draw_gradients([*slopes("ALONE", -0.06), *slopes("MERGED", -0.06)], NAMES, {"FE_H": "dex"})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.25", "4"]
    xs = [line.get_xdata()[0] for line in marks_of(axes)]
    assert sorted(int(x) for x in xs) == [0, 0, 1, 1]
    assert len(set(xs)) == 4


def test_a_slope_that_breaks_has_two_marks_and_the_place_of_the_break():
    straight, broken = (draw_gradients(slopes("MERGED", inner), NAMES, {"FE_H": "dex"}) for inner in (-0.06, 0.02))
    assert [len(marks_of(figure.axes[0])) for figure in (straight, broken)] == [2, 4]
    assert [text.get_text() for text in broken.axes[0].texts] == ["6.2", "6.2"]
    assert not straight.axes[0].texts
    faces = [line.get_markerfacecolor() for line in marks_of(broken.axes[0])]
    assert faces.count("white") == 2


def test_a_segment_beyond_a_gap_has_smaller_marks():
    first, beyond = (slopes("MERGED", -0.06)[0]._replace(segment=number) for number in (1, 2))
    sizes = [
        line.get_markersize() for line in marks_of(draw_gradients([first, beyond], NAMES, {"FE_H": "dex"}).axes[0])
    ]
    assert len(sizes) == 2
    assert sizes[0] > sizes[1]


def test_a_poor_slope_is_an_arrow_at_the_edge():
    poor = slopes("MERGED", -0.06)[1]._replace(inner=5.0, inner_total=3.0, outer=5.0, outer_total=3.0)
    axes = draw_gradients([*slopes("ALONE", -0.06), poor], NAMES, {"FE_H": "dex"}).axes[0]
    assert axes.get_ylim()[1] < 1
    assert [text.xy[1] for text in axes.texts] == [1.0]


def test_published_slopes_of_iron_stand_behind_and_are_named():
    figure = draw_gradients(
        [*slopes("MERGED", 0.0), *slopes("MERGED", 0.0, "MG_FE")], NAMES, {"FE_H": "dex", "MG_FE": ""}
    )
    for number, slope in enumerate(LITERATURE.values()):
        levels = [line.get_ydata() for line in figure.axes[number].lines if line.get_linestyle() == ":"]
        assert np.ravel(levels).tolist() == [slope, slope]
        assert not [line for line in figure.axes[3 + number].lines if line.get_linestyle() == ":"]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any(text.startswith("Hackshaw et al. 2024") for text in texts)
    other = draw_gradients(slopes("MERGED", 0.0, "MG_FE"), NAMES, {"MG_FE": "dex"})
    assert not any("et al." in text.get_text() for text in other.legends[0].get_texts())


@pytest.mark.parametrize("n_labels", [1, 4])
def test_it_fits_a_page_with_long_names_of_surveys_and_panels_without_slopes(n_labels):
    long = "merged with LAMOST giants in the Kepler field with Gaia photometry, not translated"
    names = {
        "ALONE": "APOGEE DR16 giants in the Kepler field alone",
        "MERGED": long,
        "UNTRANSLATED": long,
        "A_ONLY": long,
        "RAW_ONLY": long,
    }
    units = dict.fromkeys(("FE_H", "MG_FE", "AGE", "M_H")[:n_labels], "dex")
    shown = [s for label in units for s in slopes("MERGED", 0.0, label) if s.kind != "azimuthal"]
    figure = draw_gradients(shown, names, units)
    check_print(figure)
    assert not figure.axes[2].get_yticks().size
    assert [text.get_text() for text in figure.axes[2].texts] == ["too few bins for a slope"]


def test_axes_and_legend_say_what_is_shown():
    figure = draw_gradients(slopes("MERGED", 0.0), NAMES, {"FE_H": "dex", "TEFF": "K"})
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["slope [dex/kpc]", "slope [K/kpc]"]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {*NAMES.values()} <= set(texts)


def test_guiding_radii_are_named_and_have_no_published_slopes_of_radii():
    figure = draw_gradients(slopes("MERGED", 0.0), NAMES, {"FE_H": "dex"}, r"R_{\rm guide}")
    assert figure.axes[0].get_title(loc="left") == r"[Fe/H] along $R_{\rm guide}$"
    assert figure.axes[1].get_xlabel() == r"$R_{\rm guide}$ [kpc]"
    assert not any("et al." in text.get_text() for text in figure.legends[0].get_texts())
    assert not [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
