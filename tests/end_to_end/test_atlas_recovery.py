"""Gradients, break, flare and north-south difference of the mock: merged recovers the truth, untranslated does not."""

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table

from stdask.atlas_file import load_atlas
from stdask.cluster_profile import ClusterConfig
from stdask.pipeline.atlas_table import run_table
from stdask.pipeline.cluster import Workers
from stdask.storage.hats import open_catalogue
from stdask.storage.tables import read_parquet, to_numpy, write_parquet
from tests.end_to_end.conftest import stdask

pytestmark = pytest.mark.slow

LABELS = ("M_H", "MG_FE")
KEPT = ("ra", "dec", "DISTANCE", "LOGG", "SURVEY")
ATLAS = """
output = "{name}"
[table]
file = "{name}.parquet"
columns = {{ {columns} }}
survey = "SURVEY"
reference = "mock_b"
[atlas]
alpha = "{alpha}"
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Return gradients, asymmetries and flares by which values the stars of A have: as measured, translated, true."""
    folder = tmp_path_factory.mktemp("recovery")
    done = stdask("demo", "--stars", 60_000, "--output", folder / "demo", output=folder / "demo")
    assert done.code == 0, done.text
    merged = open_catalogue(folder / "demo" / "catalogues" / "merged").read()
    truth = {name: {} for name in LABELS}
    for side in "ab":
        rows = read_parquet(folder / "demo" / "truth" / f"truth_{side}.parquet")
        ids = rows.column("ID_A" if "ID_A" in rows.column_names else "id").cast(pa.string()).to_pylist()
        for name in LABELS:
            truth[name] |= dict(zip(ids, to_numpy(rows, name), strict=True))
    ids = merged.column("ID").to_pylist()
    kept = {name: merged.column(name) for name in KEPT}
    values = {
        "merged": {name: merged.column(name) for name in LABELS},
        "untranslated": {name: merged.column(f"{name}_RAW") for name in LABELS},
        "true": {name: pa.array([truth[name][i] for i in ids], pa.float32()) for name in LABELS},
    }
    return {
        (kind, alpha): _atlas(folder, f"{kind}_{alpha}", kept | own, alpha)
        for kind, own in values.items()
        for alpha in ("all", "low")
    }


def _atlas(folder, name, data, alpha):
    write_parquet(folder / f"{name}.parquet", pa.table(data))
    columns = ", ".join(f'{label} = "{label}"' for label in LABELS)
    (folder / f"{name}.toml").write_text(ATLAS.format(name=name, columns=columns, alpha=alpha))
    with Workers(ClusterConfig(workers=2)) as workers:
        run_table(load_atlas(folder / f"{name}.toml", folder / name), workers)
    return {kind: Table.read(folder / name / f"{kind}.ecsv") for kind in ("gradients", "asymmetry")}


def pulls(found, truth, value, error):
    """Return by how many of its errors each row of MERGED differs from the same row of the truth."""
    keys = [name for name in ("LABEL", "KIND", "SIDE", "LOW", "HIGH", "R_LOW", "R_HIGH") if name in found.colnames]
    rows = {tuple(row[keys]): row for row in truth[truth["SAMPLE"] == "MERGED"]}
    pairs = [(row, rows[tuple(row[keys])]) for row in found[found["SAMPLE"] == "MERGED"] if tuple(row[keys]) in rows]
    return np.array([(mine[value] - right[value]) / np.hypot(mine[error], right[error]) for mine, right in pairs])
