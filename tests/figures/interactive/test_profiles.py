"""Interactive profiles: the colours of the static figure, gaps, and one scale for all samples of a label."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from stdask.figures.interactive.profiles import ShownCurve, colours_of, draw_profiles


def curve(sample: str, positions: list[float], level: float) -> ShownCurve:
    x = np.array(positions)
    return ShownCurve(
        sample, "FE_H", "0-1 kpc", "both", x, level - x / 10, level - 1 - x, level + 1 + x, x, np.full(len(x), 30)
    )


def luminance(colour: str) -> float:
    """WCAG 2.2, definition of relative luminance."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("n_slices", [1, 2, 5, 9])
def test_every_slice_is_seen_on_white_and_has_its_own_colour(n_slices: int):
    colours = colours_of([f"slice {number}" for number in range(n_slices)])
    assert len(set(colours.values())) == n_slices
    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in colours.values())  # WCAG 2.2, 1.4.11


def test_a_curve_breaks_where_bins_are_missing():
    drawn = [curve("A", [1.0, 1.25, 1.5, 2.25, 2.5, 4.0], 0.0)]
    plot = draw_profiles(drawn, "R [kpc]", {"FE_H": "median [Fe/H]"}, {"0-1 kpc": "#000000"})
    assert plot.tags[0]["curves"][0]["breaks"] == [3, 5]


def test_medians_of_all_samples_set_the_scale_and_bands_do_not():
    drawn = [curve("A", [1.0, 2.0], 0.0), curve("B", [1.0, 2.0], 3.0)]
    plot = draw_profiles(drawn, "R [kpc]", {"FE_H": "median [Fe/H]"}, {"0-1 kpc": "#000000"})
    low, high = plot.tags[0]["axes"]["FE_H"]["range"]
    # medians from -0.2 to 2.9, and 4 % of that and 0.02 about them
    assert (low, high) == (pytest.approx(-0.2 - 0.144), pytest.approx(2.9 + 0.144))


def test_a_label_without_medians_still_has_a_scale():
    plot = draw_profiles(
        [curve("A", [1.0, 2.0], 0.0)], "R [kpc]", {"FE_H": "median", "MG_FE": "median"}, {"0-1 kpc": "#000000"}
    )
    assert plot.tags[0]["axes"]["MG_FE"]["range"] == [0.0, 1.0]
