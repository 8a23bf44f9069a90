"""What a reader of the slopes sees: a panel a direction, a mark a sample, both sides of a break."""

from stdask.figures.gradients import SlopeCurve, draw_gradients

NAMES = {"ALONE": "APOGEE DR17 alone", "MERGED": "merged with GALAH DR3"}


def slopes(sample, inner):
    return [
        SlopeCurve(sample, "FE_H", kind, "both", low, low + 1.0, 1, inner, 0.01, -0.06, 0.01)
        for kind in ("radial", "vertical", "azimuthal")
        for low in (0.0, 1.0)
    ]


def test_slopes_stand_in_the_middle_of_their_slices_side_by_side():
    figure = draw_gradients([*slopes("ALONE", -0.06), *slopes("MERGED", -0.06)], NAMES, {"FE_H": "dex"})
    xs = sorted(line.get_xdata()[0] for line in figure.axes[0].lines if len(line.get_xdata()) == 1)
    assert len(xs) == 4
    assert all(abs(x % 1 - 0.5) < 0.2 for x in xs)
    assert len(set(xs)) == 4


def test_a_slope_that_breaks_has_two_marks():
    straight, broken = (draw_gradients(slopes("ALONE", inner), NAMES, {"FE_H": "dex"}) for inner in (-0.06, 0.02))
    counted = [sum(len(line.get_xdata()) == 1 for line in figure.axes[0].lines) for figure in (straight, broken)]
    assert counted == [2, 4]


def test_a_segment_beyond_a_gap_has_smaller_marks():
    first, beyond = (slopes("MERGED", -0.06)[0]._replace(segment=number) for number in (1, 2))
    lines = draw_gradients([first, beyond], NAMES, {"FE_H": "dex"}).axes[0].lines
    sizes = [line.get_markersize() for line in lines if len(line.get_xdata()) == 1]
    assert len(sizes) == 2
    assert sizes[0] > sizes[1]


def test_long_names_of_surveys_and_panels_without_slopes_stay_readable():
    long = "merged with LAMOST giants in the Kepler field with Gaia photometry, not translated"
    names = {
        "ALONE": "APOGEE DR16 giants in the Kepler field alone",
        "MERGED": long,
        "UNTRANSLATED": long,
        "A_ONLY": long,
    }
    figure = draw_gradients([s for s in slopes("MERGED", 0.0) if s.kind != "azimuthal"], names, {"FE_H": "dex"})
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.width
    assert not figure.axes[2].get_yticks().size
    assert [text.get_text() for text in figure.axes[2].texts] == ["too few bins for a slope"]


def test_axes_and_legend_say_what_is_shown():
    figure = draw_gradients(slopes("MERGED", 0.0), NAMES, {"FE_H": "dex", "TEFF": "K"})
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["slope [dex/kpc]", "slope [K/kpc]"]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {*NAMES.values()} <= set(texts)
    figure.draw_without_rendering()
