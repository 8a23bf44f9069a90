"""The legend tells A, B and the translation apart, and open marks where there are training stars."""

from stdask.figures.assessment.three_values import legend_of

NAMES = ("LAMOST DR3", "APOGEE DR17")


def test_each_kind_of_values_has_a_mark_of_its_own():
    handles, texts = legend_of(NAMES, 4.0, trained=False)
    assert texts == ["A: LAMOST DR3, as measured", "B: APOGEE DR17", "A translated"]
    assert len({(handle.get_marker(), handle.get_color()) for handle in handles}) == 3


def test_training_stars_have_the_mark_of_the_translation_left_open():
    handles, texts = legend_of(NAMES, 4.0, trained=True)
    assert texts[-1] == "A translated, training stars: not independent"
    assert (handles[3].get_marker(), handles[3].get_color()) == (handles[2].get_marker(), handles[2].get_color())
    assert [handle.get_markerfacecolor() == "none" for handle in handles] == [False, False, False, True]
