"""Catalogues of A and B with stars of which a table knows something, and networks that shift labels by a constant."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from stdask.config.run import Run
from stdask.network.ensemble import Family
from stdask.network.plan import Plan
from stdask.pairing.training_set import TrainingSet
from stdask.science.translation.calibration import N_GROUPS, Calibration
from stdask.science.translation.dissimilarity import fit_neighbourhood
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.science.translation.scaling import fit_scaling
from stdask.science.translation.validity import fit_domain
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage.tables import write_parquet
from tests.hand_made import A, B, columns_a, columns_b, stars, write_catalogue
from tests.network.made_up import made_up_plan

LABELS = ("TEFF", "LOGG", "FE_H")
SHIFTS = np.array([-30.0, 0.1, 0.05])  # translated minus raw
N = 60
N_TRAINED = 12  # stars 0 to 11 are in both surveys, and training stars


def measurements(n_stars: int = N, seed: int = 3) -> np.ndarray:
    """Return labels as A measures them: (n_stars, 3)."""
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [rng.uniform(4300, 5000, n_stars), rng.uniform(1.5, 3, n_stars), rng.normal(-0.7, 0.03, n_stars)]
    )


def shifting_family() -> Family:
    """Return networks that add `SHIFTS` to the measurements, whatever they are."""
    own = measurements(2000, seed=4)
    inputs = own.mean(axis=0) + 1.5 * (own - own.mean(axis=0))  # all stars of the tests lie well inside
    scaling = fit_scaling(inputs, inputs, [0, 1, 2], "residual")
    plan = made_up_plan(3, 3, 8, 1, n_members=3)
    arrays = {name: array * 0 if name.startswith("head.") else array for name, array in plan.arrays.items()}
    calibration = Calibration(
        scales=np.array([40.0, 0.08, 0.02]),
        weights=np.zeros((3, 7)),
        input_factors=np.ones(3),
        member_factors=np.zeros(3),
        group_columns=np.array([-1, -1]),
        group_factors=np.ones((3, N_GROUPS)),
        missing_factors=np.ones(3),
    )
    labels = inputs + SHIFTS
    return Family(
        name="intrinsic",
        inputs=LABELS,
        labels=LABELS,
        counterparts=LABELS,
        scaling=replace(scaling, offsets=SHIFTS),
        plan=Plan(plan.depth, arrays),
        input_domain=fit_domain(inputs, LABELS, 3, 1),
        label_domain=fit_domain(labels, LABELS, 3, 1),
        neighbourhood=fit_neighbourhood(inputs, LABELS, 1),
        density=fit_mixture(inputs, 1),
        calibration=calibration,
    )


def evaluated(keys: np.ndarray, n_test: int = 0) -> EvaluatedFamily:
    """Return the family, with training stars of some keys, of which the last are test stars."""
    n = len(keys)
    nothing = np.zeros((n, 3))
    known = TrainingSet(
        nothing, nothing, nothing, nothing, np.zeros(n), keys, keys.astype(str), np.arange(n) >= n - n_test
    )
    return EvaluatedFamily(shifting_family(), known, {})


def write_surveys(run: Run, raw: np.ndarray, **given: np.ndarray) -> tuple[dict, dict, pa.Table]:
    """Write the catalogues of A, whose stars measure `raw`, and of B, which measures `raw` plus `SHIFTS`.

    Stars 0 to 11 of A are the first of B and in pairs; the other stars of B are alone, a degree away from those of A.
    """
    values = dict(zip(LABELS, raw.T, strict=True)) | {"TEFF_ERR": 20.0, "LOGG_ERR": 0.05, "FE_H_ERR": 0.01}
    a = stars(columns_a(), N, **(values | given))
    places = {"ra": a["ra"] + np.where(np.arange(N) < N_TRAINED, 0, 1), "dec": a["dec"]}
    of_b = dict(zip(LABELS, (raw + SHIFTS).T, strict=True)) | {"FE_H_ERR": 0.02}
    ids = np.where(np.arange(N) < N_TRAINED, np.arange(N) + 1, np.arange(N) + 1001)  # Gaia's
    keys = (np.arange(N) + 5001).astype(np.uint64)
    b = stars(columns_b(), N, **places, **of_b, SOURCE_ID=ids, STAR_KEY=keys)
    write_catalogue(run, A, columns_a(), a, most=20)
    write_catalogue(run, B, columns_b(), b, most=20)
    paired = {"STAR_KEY": a["STAR_KEY"][:N_TRAINED], "STAR_KEY_B": keys[:N_TRAINED]}
    return a, b, pa.table(paired)


def write_table(path, **columns: object) -> None:
    """Write a table of known stars."""
    write_parquet(path, pa.table(columns))
