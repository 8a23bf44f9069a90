"""Velocities: a translation that removes an offset and nothing else scatters exactly as raw velocities do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.config.run import Run
from stdask.tools.validate.velocities import velocity_rows
from tests.hand_made import make_run
from tests.tools.validate.checked_stars import VHELIO_B, checked, identity, stars_and_labels, training

OFFSET = 0.3  # km/s, what the family adds


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


def test_an_offset_goes_and_the_scatter_stays(run: Run):
    family = identity()
    family = replace(family, scaling=replace(family.scaling, offsets=np.array([0.0, 0.0, OFFSET])))
    inputs, labels = stars_and_labels(2000, 4)
    labels[:, VHELIO_B] += OFFSET + np.random.default_rng(1).normal(0, 0.5, 2000)
    rows = velocity_rows(checked(run, family, training(inputs, labels), truth=labels[::5] - 1))
    assert [(row.of, row.stars, row.method) for row in rows] == [
        (of, stars, method)
        for of in ("B", "truth")
        for stars in ("all", "faster than 50 km/s")
        for method in ("raw", "translated")
    ]
    raw, translated = rows[:2]
    residuals = inputs[::5, 3] - labels[::5, VHELIO_B]
    assert raw.n == translated.n == 400
    assert (raw.bias, raw.std) == pytest.approx((residuals.mean(), residuals.std()), rel=1e-6)
    assert translated.bias == pytest.approx(raw.bias + OFFSET, abs=1e-4)  # float32 networks at 80 km/s
    for name in ("std_to_raw", "robust_to_raw"):
        assert getattr(translated, name) == pytest.approx(1, abs=1e-4)
        assert getattr(translated, f"{name}_err") < 1e-4
        assert np.isnan(getattr(raw, name))
    fast = np.abs(labels[::5, VHELIO_B]) >= 50
    assert rows[2].n == fast.sum()
    assert rows[2].bias == pytest.approx(residuals[fast].mean(), rel=1e-6)
    assert rows[4].bias == pytest.approx(residuals.mean() + 1, rel=1e-6)


def test_a_velocity_without_a_counterpart_has_nothing_to_compare_with(run: Run):
    family = replace(identity(), counterparts=("TEFF", None, None))
    assert velocity_rows(checked(run, family, training(*stars_and_labels(100, 4)))) == []
