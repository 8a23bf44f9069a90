"""Three mock surveys with a known truth: the closure test finds what was planted, and means are as good as they say.

Two surveys are trained on the third and translated. Then 0.02 dex are added to [Fe/H] of C, after the training: the
networks do not know of it, and where B has no stars nothing but the other survey can tell. The numbers in
docs/many_surveys.md are those that this prints, seed by seed:
`python -m tests.end_to_end.test_closure_recovery FOLDER 16000,14000,2500,16000 SEED...`
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from distributed import LocalCluster
from numpy.testing import assert_allclose

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.mock.surveys import MockSurveys, mock_surveys
from stdask.runs.run_file import open_run
from stdask.schema.closure import OUTSIDE_B, MatrixRow
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.documents import read_declared
from stdask.storage.tables import to_numpy, write_parquet
from stdask.tools.pack import pack
from stdask.tools.run import run_commands

SIZES = (16_000, 14_000, 2_500, 16_000)  # rows of A and B, pairs, rows of C
PLANTED = 0.02  # dex
TRUTH = {"TEFF": "TEFF", "LOGG": "LOGG", "M_H": "FE_H", "MG_FE": "MG_FE"}  # label of B -> column of the truth
COMMANDS = ("ingest", "pair", "train", "translate", "closure", "merge")
A, B, C = "mock_a", "mock_b", "mock_c"
RUN_FILE = """
seed = {seed}
output = "out"
[surveys.a1]
definition = "mock_a"
file = "mock_a.parquet"
[surveys.a2]
definition = "mock_c"
file = "mock_c.parquet"
[surveys.a2.train]
features = ["BP_G_0", "G_RP_0", "SNR"]
[surveys.b]
definition = "mock_b"
file = "mock_b.parquet"
[pair]
match = {{ by = "id", column = "SOURCE_ID" }}
[train]
features = ["BP_G_0", "G_RP_0"]
gaussian_process = "none"
[merge]
values = "mean"
"""
LABELS = "".join(f'[[train.intrinsic]]\nlabel = "{label}"\nfrom = "{own}"\n' for label, own in TRUTH.items())
RUN_FILE_MOVED = """
seed = {seed}
output = "moved"
[surveys.a1]
definition = "mock_a"
file = "mock_a.parquet"
train = {{ ensemble = "mock_a.stdask" }}
[surveys.a2]
definition = "mock_c"
file = "moved.parquet"
train = {{ ensemble = "mock_c.stdask" }}
[surveys.b]
definition = "mock_b"
file = "mock_b.parquet"
"""


@dataclass(frozen=True)
class Mean:
    """A label of the stars that A and C have and B does not: standard deviations from the truth, and coverage."""

    n: int
    of_mean: float
    of_best: float  # of the better one of both translations
    covered: float  # share of means within their error of the truth


@dataclass(frozen=True)
class Found:
    """What closure and merge say of a seed, by label."""

    closure: Mapping[str, MatrixRow]  # A minus C
    moved: Mapping[str, MatrixRow]  # A minus C with the planted offset
    means: Mapping[str, Mean]


def write_surveys(folder: Path, mock: MockSurveys) -> None:
    """Write the tables, and once more that of C with the planted offset."""
    for name in ("a", "b", "c"):
        write_parquet(folder / f"mock_{name}.parquet", pa.table(getattr(mock, name)))
    feh = mock.c["feh"]
    moved = mock.c | {"feh": np.where(feh > -9, feh + np.float32(PLANTED), feh)}
    write_parquet(folder / "moved.parquet", pa.table(moved))


def matrix(output: Path) -> dict[str, MatrixRow]:
    """Return the closure test of A with C, by label, of stars that B does not have."""
    rows = read_declared(paths.closure(output) / "matrix.ecsv", MatrixRow)
    return {row.label: row for row in rows if row.sample == OUTSIDE_B}


def by_source(output: Path, name: str, columns: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the Gaia ids of the stars of a catalogue in their order, and columns."""
    table = open_catalogue(paths.catalogue(output, name)).read(["SOURCE_ID", *columns])
    ids, first = np.unique(to_numpy(table, "SOURCE_ID"), return_index=True)
    return ids, {column: to_numpy(table, column)[first] for column in columns}


def compare_means(output: Path, output_c: Path, mock: MockSurveys) -> dict[str, Mean]:
    """Return how far means and translations are from the truth, for the stars that A and C have and B does not."""
    predicted = [f"{label}_PRED_50" for label in TRUTH]
    ids_a, of_a = by_source(output, f"{A}_on_{B}", ["sobject_id", "USE", *predicted])
    ids_c, of_c = by_source(output_c, f"{C}_on_{B}", ["USE", *predicted])
    ids, merged = by_source(output, paths.MERGED, ["SURVEY", *TRUTH, *(f"{label}_ERR" for label in TRUTH)])
    wanted = np.intersect1d(ids_a[of_a["USE"]], ids_c[of_c["USE"]])
    wanted = np.intersect1d(wanted[wanted > 0], ids[merged["SURVEY"] == A])
    at_a, at_c, at = (np.searchsorted(own, wanted) for own in (ids_a, ids_c, ids))
    order = np.argsort(mock.truth_a["id"])
    star = order[np.searchsorted(mock.truth_a["id"], of_a["sobject_id"][at_a], sorter=order)]
    found = {}
    for label, name in TRUTH.items():
        truth = mock.truth_a[name][star]
        off = merged[label][at] - truth
        single = [own[f"{label}_PRED_50"][rows] - truth for own, rows in ((of_a, at_a), (of_c, at_c))]
        covered = np.mean(np.abs(off) < merged[f"{label}_ERR"][at])
        found[label] = Mean(len(off), off.std(), min(one.std() for one in single), float(covered))
    return found


def recover(folder: Path, seed: int, workers: Workers, sizes: tuple[int, int, int, int] = SIZES) -> Found:
    """Translate and merge the mock surveys; then translate again, with the planted offset and the same networks."""
    n_a, n_b, n_common, n_c = sizes
    mock = mock_surveys(n_a, n_b, n_common, seed, n_c=n_c)
    folder.mkdir(parents=True, exist_ok=True)
    write_surveys(folder, mock)
    path = folder / "run.toml"
    path.write_text(RUN_FILE.format(seed=seed) + LABELS)
    run = open_run(path, output=folder / "out")
    run_commands(run, workers, COMMANDS)
    for part in run.parts:
        pack(part.output, folder / f"{part.definition_a.name}.stdask", overwrite=True)
    path.write_text(RUN_FILE_MOVED.format(seed=seed))
    moved = open_run(path, output=folder / "moved")
    run_commands(moved, workers, COMMANDS[:-1])
    means = compare_means(run.output, run.parts[1].output, mock)
    return Found(matrix(run.output), matrix(moved.output), means)


@pytest.mark.slow
@pytest.mark.timeout(1500)  # two surveys are trained: two minutes on two free cores
def test_a_planted_offset_is_found_and_means_are_closer_to_the_truth_than_the_best_survey(
    client: Workers, tmp_path: Path
):
    found = recover(tmp_path, 1, client)
    for label in TRUTH:
        assert abs(found.closure[label].significance) < 3
        mean = found.means[label]
        # of 600 stars the share is known to 0.019, and what the correlation of a few hundred stars adds is as much
        assert_allclose(mean.covered, 0.6827, atol=0.06)
        assert mean.of_mean < mean.of_best
    clean, moved = found.closure["M_H"], found.moved["M_H"]
    assert_allclose(moved.raw_offset - clean.raw_offset, -PLANTED, atol=0.001)  # stars leave and enter the domain
    # added to C, so that A minus C becomes smaller; a network follows a noisy label only in part, here by four fifths
    assert -PLANTED < moved.offset - clean.offset < -0.6 * PLANTED
    # Networks read [Fe/H] for every label, so the others move too: log g by up to 0.2 dex a dex. That is no finding.
    for label in ("TEFF", "LOGG", "MG_FE"):
        assert abs(found.moved[label].offset - found.closure[label].offset) < found.closure[label].offset_err


def main() -> None:
    folder, sizes, *seeds = sys.argv[1:]
    n_a, n_b, n_common, n_c = map(int, sizes.split(","))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Workers(ClusterConfig(kind="address", address=cluster.scheduler_address)) as workers,
    ):
        print("seed label n offset error sigma moved raw_moved correlation n_mean of_mean of_best covered")
        for seed in map(int, seeds):
            found = recover(Path(folder) / str(seed), seed, workers, (n_a, n_b, n_common, n_c))
            for label, mean in found.means.items():
                own, moved = found.closure[label], found.moved[label]
                changes = (moved.offset - own.offset, moved.raw_offset - own.raw_offset)
                numbers = (own.offset, own.offset_err, own.significance, *changes, own.correlation)
                rest = (mean.n, mean.of_mean, mean.of_best, mean.covered)
                print(seed, label, own.n, *(f"{number:.5f}" for number in numbers), *rest, flush=True)


if __name__ == "__main__":
    main()
