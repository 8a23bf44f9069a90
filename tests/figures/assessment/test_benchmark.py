"""A reader sees how far each benchmark star lies from its reference value, before and after, and in B."""

import numpy as np

from stdask.figures.assessment.benchmark import BenchmarkPanel, draw_benchmark
from stdask.schema.known_stars import OF_B, RAW, TRANSLATED
from tests.figures.printing import check_print, texts_of

NAMES = ("LAMOST DR3 K giants in the Kepler field", "APOGEE DR17")


def panel(label: str, unit: str, scale: float, n_stars: int = 12) -> BenchmarkPanel:
    rng = np.random.default_rng(len(label))
    reference = rng.normal(10 * scale, 2 * scale, n_stars)
    shifts = {RAW: 1.0, TRANSLATED: 0.1, OF_B: 0.0}
    values = {kind: reference + scale * rng.normal(own, 0.3, n_stars) for kind, own in shifts.items()}
    values[OF_B][3:] = np.nan
    errors = {kind: np.full(n_stars, 0.3 * scale) for kind in shifts}
    errors[RAW][:] = np.nan
    error = np.where(np.arange(n_stars) < 4, np.nan, 0.2 * scale)
    return BenchmarkPanel(label, unit, reference, error, values, errors, np.arange(n_stars) < 5)


def test_each_label_has_a_panel_with_all_stars_about_zero():
    own = [panel("TEFF", "K", 500.0), panel("FE_H", "dex", 0.1), panel("AGE", "Gyr", 1.0)]
    figure = draw_benchmark(own, NAMES)
    minus = "\N{MINUS SIGN}"
    assert [axes.get_ylabel() for axes in figure.axes] == [
        rf"$T_{{\rm eff}}$: value {minus} reference [K]",
        f"[Fe/H]: value {minus} reference",
        f"AGE: value {minus} reference [Gyr]",
    ]
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < high
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "^"]
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in marks])
    np.testing.assert_allclose(np.sort(drawn), np.sort(own[0].values[TRANSLATED] - own[0].reference))
    assert "A translated, training stars: not independent" in [text.get_text() for text in texts_of(figure)]


def test_it_fits_a_page():
    for n in (1, 2, 5):
        check_print(
            draw_benchmark([panel("TEFF", "K", 500.0), *(panel("FE_H", "dex", 0.1) for _ in range(n - 1))], NAMES)
        )
    empty = panel("TEFF", "K", 500.0)
    for kind in (RAW, TRANSLATED, OF_B):
        empty.values[kind][:] = np.nan
    check_print(draw_benchmark([empty], NAMES))
