"""An ensemble with made-up weights, and tables of stars that it can be applied to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from stdask.config.run import Run
from stdask.config.survey import SurveyDefinition
from stdask.runs.ensemble import save_ensemble
from stdask.science.measurements.repeats import ErrorFactors
from stdask.storage import paths
from stdask.storage.bundles import write_bundle
from stdask.storage.documents import write_ecsv
from stdask.storage.error_factors import factors_table
from stdask.tools.bench.stars import MadeUpSurvey
from tests.hand_made import make_run

DEFINITION: dict[str, Any] = {
    "name": "small",
    "title": "Small survey DR1",
    "reference": "made up",
    "id": "star",
    "gaia_id": "gaia",
    "labels": {
        "TEFF": {"column": "teff", "unit": "K", "error": "e_teff", "typical_error": 0.5},
        "LOGG": {"column": "logg", "unit": "dex", "typical_error": 0.3},
        "RV": {"column": "rv", "unit": "km/s", "error": "e_rv", "typical_error": 0.2},
    },
    "ebv": "red",
    "cuts": [{"column": "snr", "op": ">", "value": 30}],
    "duplicates": {"by": "gaia", "best": "snr"},
    "keep": ["field"],
}
LABELS = {
    "intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "LOGG", "from": "LOGG"}],
    "extrinsic": [{"label": "VHELIO", "from": "RV"}],
}


def make_ensemble(
    folder: Path, factors: Mapping[str, ErrorFactors] | None = None, features: Sequence[str] = (), **changes: object
) -> Path:
    """Write an ensemble for a survey of this definition, with factors of its errors, and return its folder."""
    definition = SurveyDefinition.model_validate(DEFINITION | changes)
    run: Run = make_run(folder, train=LABELS | {"features": features}, translate={"n_draws": 8})
    run = run.model_copy(update={"definition_a": definition})
    if factors:
        table = factors_table(factors, DEFINITION["duplicates"]["best"])
        write_ecsv(paths.catalogue(run.output, definition.name) / paths.REPEATS, table)
    survey = replace(MadeUpSurvey.of(run), reddened=True)  # the domain has the reddening
    save_ensemble(run, survey.families(), {})
    return paths.ensemble(run.output)


def make_bundle(folder: Path, **changes: object) -> Path:
    """Write such an ensemble as one file, and return it."""
    path = folder / "small.stdask"
    files = make_ensemble(folder, **changes).iterdir()
    write_bundle(path, {file.name: file.read_bytes() for file in files})
    return path


def stars(n_stars: int, seed: int = 1) -> Table:
    """Return stars of the survey, like those that the ensemble was trained on."""
    rng = np.random.default_rng(seed)
    table = Table(
        {
            "star": 1000 + rng.permutation(n_stars),
            "gaia": 10**18 + np.arange(n_stars),
            "ra": rng.uniform(0, 360, n_stars),
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, n_stars))),
            "red": rng.uniform(0, 1, n_stars),
            "snr": rng.uniform(0, 100, n_stars),
            "field": rng.integers(0, 9, n_stars),
        }
    )
    for name in ("teff", "logg", "rv"):
        table[name] = rng.normal(size=n_stars)
    for name in ("e_teff", "e_rv"):
        table[name] = rng.uniform(0.1, 0.3, n_stars)
    return table
