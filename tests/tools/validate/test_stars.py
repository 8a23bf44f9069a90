"""What all checks work on: the trained families with their own test stars, and the truth where it is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stdask.runs.ensemble import save_ensemble
from stdask.storage import paths
from stdask.storage.tables import write_parquet
from stdask.tools.validate.stars import open_validation
from tests.hand_made import make_run
from tests.tools.validate.checked_stars import identity

TRAIN = {
    "intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}, {"label": "VHELIO", "from": "RV"}],
    "features": ["BP_G_0", "G_RP_0"],
}
N = 100
NOTHING: Any = None


@pytest.mark.parametrize("with_truth", [False, True])
def test_families_come_with_the_test_stars_that_they_have_never_seen(tmp_path: Path, with_truth: bool):
    run, rng = make_run(tmp_path, train=TRAIN), np.random.default_rng(1)
    inputs = ("TEFF", "RV", "BP_G_0", "G_RP_0")
    names = [f"A_{n}" for n in (*inputs, *(f"{m}_ERR" for m in ("TEFF", "RV", "BP_MAG", "G_MAG", "RP_MAG")))]
    names += [f"B_{label}{end}" for label in ("TEFF", "MG_FE", "VHELIO") for end in ("", "_ERR")]
    columns: dict[str, Any] = {name: rng.normal(size=N) for name in names}
    columns |= {"STAR_KEY": np.arange(N, dtype=np.uint64), "ID_A": np.arange(N).astype(str)}
    write_parquet(paths.pairs(run.output, "mock_a", "mock_b"), pa.table(columns | {"USED_INTRINSIC": np.ones(N, bool)}))
    save_ensemble(run, [identity()], {})
    truth = None
    if with_truth:
        truth = tmp_path / "truth.parquet"
        true = {label: columns[f"B_{label}"] + 1 for label in ("TEFF", "MG_FE", "VHELIO")}
        write_parquet(truth, pa.table({"ID_A": columns["ID_A"], **true}))
    validation = open_validation(run, NOTHING, truth, None, NOTHING)
    (checked,) = validation.checked
    assert len(checked.stars) == N
    assert 0 < len(checked.test) < N
    assert checked.test.is_test.all()
    np.testing.assert_array_equal(checked.expected["B"], checked.test.labels)
    assert list(checked.expected) == (["B", "truth"] if with_truth else ["B"])
    if with_truth:
        np.testing.assert_allclose(checked.expected["truth"], checked.test.labels + 1)
    assert checked.units["VHELIO"] == "km/s"
    assert checked.seed == run.config.seed
