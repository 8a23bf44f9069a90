"""A reader sees for each cluster how far A was from B, and how far it is when it is translated."""

import numpy as np

from stdask.figures.assessment.clusters import ClusterMean, draw_clusters
from tests.figures.printing import check_print

NAMES = ("LAMOST DR3 K giants in the Kepler field", "APOGEE DR17")
MEANS = [
    ClusterMean(cluster, label, unit, n, before, 0.02, after, 0.01)
    for label, unit, before, after in (("FE_H", "dex", 0.1, 0.0), ("AGE", "Gyr", np.nan, 0.02))
    for cluster, n in (("NGC 6791", 20), ("NGC 6819", 12), ("NGC 188", 5))
]


def test_each_cluster_has_a_line_and_each_label_a_panel():
    figure = draw_clusters(MEANS, NAMES)
    texts = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert texts == ["NGC 6791 (20)", "NGC 6819 (12)", "NGC 188 (5)"]
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "[Fe/H]: A \N{MINUS SIGN} B",
        "AGE: A \N{MINUS SIGN} B [Gyr]",
    ]
    before, after = (next(line for line in figure.axes[0].lines if line.get_marker() == mark) for mark in "D^")
    assert list(before.get_xdata()) == [0.1] * 3
    assert list(after.get_xdata()) == [0.0] * 3
    assert np.round(before.get_ydata()).tolist() == [0, 1, 2]


def test_it_fits_a_page():
    check_print(draw_clusters(MEANS, NAMES))
    labels = ("FE_H", "C_FE", "N_FE", "MG_FE")
    many = [ClusterMean(f"no. {n}", label, "dex", 5, 0.1, 0.01, 0.0, 0.01) for n in range(10) for label in labels]
    check_print(draw_clusters(many, NAMES))
