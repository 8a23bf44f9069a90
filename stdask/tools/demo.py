"""Demo: two mock surveys with known truth, and the whole way of the data on them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.run import Run, load_run
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.mock.run_file import RUN_FILE
from stdask.mock.surveys import mock_surveys
from stdask.runs.counts import TranslateCounts
from stdask.runs.receipts import read_receipt
from stdask.storage import paths
from stdask.storage.documents import read_ecsv
from stdask.storage.files import write_text
from stdask.storage.tables import write_parquet

# column of the mock's truth -> label of B
TRUE_LABELS = {"TEFF": "TEFF", "LOGG": "LOGG", "FE_H": "M_H", "MG_FE": "MG_FE", "RV": "VHELIO"}
AUTHORS_SPEED = 2.3  # stars a second, core and family, 100 draws and 5 members: measured with the TensorFlow it needs
PAPER_SCALE = (588_571, 733_901, 13_664)  # stars of A and of B, and in common; Thomas et al. 2024, sect. 3.1


def prepare(output: Path, n_a: int, n_b: int, n_common: int, seed: int) -> tuple[Run, Path]:
    """Write the mock surveys, their truth and their run file; return the run and the path of A's truth.

    Nothing is made again if the folder already holds the same mock.

    Parameters
    ----------
    output
        Folder of the demo: survey files in `data/`, the truth in `truth/`, and the run.
    n_a, n_b, n_common, seed
        As for `mock_surveys`.
    """
    data, truth = output / "data", output / "truth"
    text = RUN_FILE.format(seed=seed, output=output.resolve().as_posix())
    made = f"stdask mock: {n_a} and {n_b} stars, {n_common} in common, seed {seed}\n"
    marker = data / "mock.txt"
    if not marker.exists() or marker.read_text() != made:
        say(f"mock: {n_a:,} stars in A, {n_b:,} in B, about {n_common:,} usable in both", "bold")
        mock = mock_surveys(n_a, n_b, n_common, seed)
        write_parquet(data / "mock_a.parquet", pa.table(mock.a))
        write_parquet(data / "mock_b.parquet", pa.table(mock.b))
        write_parquet(data / "mock_clusters.parquet", pa.table(mock.clusters))
        write_parquet(truth / "truth_a.parquet", pa.table(_named_as_in_b(mock.truth_a)))
        write_parquet(truth / "truth_b.parquet", pa.table(_named_as_in_b(mock.truth_b)))
        write_text(output / "run.toml", text)
        write_text(marker, made)
    return load_run(output / "run.toml"), truth / "truth_a.parquet"


def print_recovery(output: Path) -> None:
    """Print how far the test stars are from the truth: translated, as A measured them, and as B did."""
    rows = read_ecsv(paths.evaluation(output) / "truth.ecsv")
    titles = {"translated": "A translated", "raw": "A not translated", "B itself": "B itself"}
    lines: dict[str, dict[str, Any]] = {}
    for method, title in titles.items():
        for row in rows[rows["method"] == method]:
            name = f"{row['label']} ({row['unit']})" if row["unit"] else row["label"]
            lines.setdefault(name, {"label": name}).update({title: row["mae"], f"{title}_err": row["mae_err"]})
    print_table("Mean absolute error of the test stars, compared with the truth", list(lines.values()))


def print_speed(output: Path, train: TrainConfig) -> None:
    """Print how long the translation took, compared with the published code on a machine like those of 2024."""
    receipt = read_receipt(output, "translate", TranslateCounts)
    if receipt is None or receipt.counts.partitions.n_kept:
        return  # the receipt has the time of the last part alone
    n_stars = receipt.counts.rows.n_out
    n_workers = receipt.counts.n_workers
    n_families = sum(bool(train.labels(family)) for family in schema.FAMILIES)
    speed = n_stars / receipt.seconds / n_workers
    say(
        f"{n_stars:,} stars translated on {n_workers} workers in {receipt.seconds / 60:.1f} min, "
        f"{speed:,.0f} a second and core: {speed * n_families / AUTHORS_SPEED:,.0f} times the {AUTHORS_SPEED} of the "
        "authors' code, network and core",
        "bold",
    )


def _named_as_in_b(truth: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    named = {TRUE_LABELS.get(name, name): values for name, values in truth.items()}
    return {"ID_A" if name == "id" else name: values for name, values in named.items()}
