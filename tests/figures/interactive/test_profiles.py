"""Interactive profiles: the colours of the static figure, gaps, and one scale for all samples of a label."""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from stdask.figures.interactive.profiles import ShownCurve, colours_of, draw_profiles


def curve(sample: str, positions: list[float], level: float) -> ShownCurve:
    x = np.array(positions)
    return ShownCurve(
        sample, "FE_H", "0-1 kpc", "both", x, level - x / 10, level - 1 - x, level + 1 + x, np.full(len(x), 30)
    )


def test_slices_have_the_colours_of_the_static_figure():
    # 0.88: figures/profiles.py, the palest shade of a line
    assert colours_of(["near", "far"]) == {
        "near": to_hex(colormaps["viridis"](0.0)),
        "far": to_hex(colormaps["viridis"](0.88)),
    }


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
