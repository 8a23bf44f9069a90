"""Where panels and colour bars lie on a page."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from stdask.figures.maps.scales import COUNTS, DIFFERENCES, VALUES, Scale
from stdask.figures.maps.sheet import NO_STARS, TALLEST, MapImage, MapRow, Margins, make_sheet, note_lines
from tests.figures.printing import check_print

MARGINS = Margins(left=11.0, below=9.0)
IRON = Scale("median [Fe/H]", (-1.0, 0.5), VALUES)
CHANGE = Scale("change of [Fe/H]", (-0.2, 0.2), DIFFERENCES)
NOTE = r"All stars with 1.5 < $\log g$ < 2.5 at $|Z|$ < 1 kpc. Pixels of 0.2 kpc."


def image(scale=IRON, offset=0.0):
    values = np.linspace(-1, 1, 12).reshape(3, 4) + offset
    return MapImage(values, np.ones((3, 4), dtype=int), scale)


def sheet(rows, aspect=0.5, texts=("Sun", "Galactic centre")):
    return make_sheet(rows, aspect, MARGINS, texts=texts, note=NOTE)


def bars(made):
    return [axes for axes in made.figure.axes if axes not in made.panels]


def test_a_page_is_180_mm_wide_and_its_panels_have_the_aspect_of_the_map():
    made = sheet([MapRow([image(), image()])] * 2, aspect=0.4)
    width, height = made.figure.get_size_inches() * 25.4
    assert width == pytest.approx(180)
    for axes in made.panels.flat:
        box = axes.get_position()
        assert box.height * height == pytest.approx(0.4 * box.width * width)


def test_many_square_maps_still_fit_one_page():
    made = sheet([MapRow([image(), image()])] * 5, aspect=1.0)
    made.titles(["APOGEE\n5 stars", "merged\n7 stars"])
    assert made.figure.get_figheight() * 25.4 <= TALLEST + 1e-9
    check_print(made.figure)


def test_panels_lie_at_the_same_places_whatever_is_drawn_in_them():
    one = sheet([MapRow([image(), image()])])
    other = sheet([MapRow([image(offset=-5.0), image(offset=300.0)])])
    one.titles(["B\n1 star", "merged\n2 stars"])
    other.titles(["A survey with a name that takes three lines above a map of this width " * 2, "x"])
    np.testing.assert_array_equal(one.figure.get_size_inches(), other.figure.get_size_inches())
    for first, second in zip(one.panels.flat, other.panels.flat, strict=True):
        assert first.get_position().bounds == second.get_position().bounds


def test_maps_that_follow_one_another_share_a_bar_if_they_share_a_scale():
    made = sheet([MapRow([image(), image(), image(CHANGE)])])
    assert [bar.get_ylabel() for bar in bars(made)] == ["median [Fe/H]", "change of [Fe/H]"]
    before, after, change = (axes.get_position() for axes in made.panels[0])
    first, second = (bar.get_position() for bar in bars(made))
    assert before.x1 < after.x0 < after.x1 < first.x0 < first.x1 < change.x0 < change.x1 < second.x0


def test_letters_are_large_enough_and_inside_the_page():
    made = sheet([MapRow([image(), image(), image(CHANGE)])], texts=("the Sun", "a long explanation of something") * 3)
    made.titles(["A survey with a long name, as measured\n1,234,567 stars"] * 3)
    made.legend([], [], NOTE)
    check_print(made.figure)


def test_a_note_is_broken_between_words_but_not_within_a_formula():
    lines = note_lines(NOTE, 60)
    assert len(lines) > 1
    assert " ".join(lines) == NOTE
    assert all(line.count("$") % 2 == 0 for line in lines)


def test_the_palest_count_and_a_pixel_without_a_value_differ_from_the_paper():
    for colour in (COUNTS(0.0)[:3], to_rgb(NO_STARS)):
        assert max(abs(1 - part) for part in colour) > 0.1


def test_in_grey_no_value_looks_like_a_pixel_without_one():
    grey = VALUES(np.linspace(0, 1, 64))[:, :3] @ [0.299, 0.587, 0.114]  # luminance, ITU-R BT.601
    assert grey.max() < to_rgb(NO_STARS)[0] - 0.08


def test_a_long_note_below_narrow_maps_fits_the_page_too():
    texts = ("Sun", "Galactic centre", "Galactic rotation", "$R$ [kpc]", "stars, but too few with a value", "an area")
    made = make_sheet([MapRow([image(), image()])] * 4, 1.0, MARGINS, texts=texts, note=NOTE * 5)
    assert made.figure.get_figheight() * 25.4 <= TALLEST + 1e-9
