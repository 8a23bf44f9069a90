"""Tables of clusters and benchmark stars are read before any stage works, and what is wrong with them is told."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.config.run import Run
from stdask.errors import StdaskError
from stdask.pairing.known_tables import check_known_stars
from tests.hand_made import make_run

GOOD = {"cluster": ["M 71"], "star": ["1"], "gaia": [7], "teff": [5000.0], "p": [0.5]}


def run_with(folder: Path, columns: dict[str, list], table: str, **keys: object) -> Run:
    pq.write_table(pa.table(columns), folder / "known.parquet")
    return make_run(folder, evaluate={table: {"file": "known.parquet", **keys}})


@pytest.mark.parametrize(
    ("table", "keys"),
    [("clusters", {"id_a": "star"}), ("benchmark", {"source_id": "gaia", "labels": {"TEFF": "teff"}, "name": "star"})],
)
def test_a_table_that_can_be_used_passes(tmp_path: Path, table: str, keys: dict):
    check_known_stars(run_with(tmp_path, GOOD, table, **keys))


@pytest.mark.parametrize(
    ("table", "keys", "message"),
    [
        ("clusters", {"id_a": "id"}, r"\[evaluate\] clusters: .*known.parquet has no column 'id', which `id_a` names"),
        ("clusters", {"id_a": "star", "cluster": "name"}, r"no column 'name', which `cluster` names"),
        ("clusters", {"id_a": "teff"}, r"\[evaluate\] clusters: .*known.parquet: Column 'teff' is double; ids must be"),
        ("clusters", {}, r"no column 'ra', which `ra` names. Stars are found by their ids or by `ra` and `dec`"),
        ("clusters", {"id_a": "star", "probabilities": ["p"], "min_probability": 0.9}, "none of the 1 rows"),
        (
            "benchmark",
            {"id_a": "star", "labels": {"TEFF": "T"}},
            r"\[evaluate\] benchmark: .*'T', which `labels` names",
        ),
        (
            "benchmark",
            {"id_a": "star", "labels": {"TEFF": "star"}},
            r"'star', which `labels` names, is string, no number",
        ),
        (
            "benchmark",
            {"id_a": "star", "labels": {"TEFF": "teff"}, "errors": {"TEFF": "e"}},
            "'e', which `errors` names",
        ),
        ("benchmark", {"id_a": "star", "labels": {"TEFF": "teff"}, "name": "HD"}, "'HD', which `name` names"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_key_and_column(tmp_path: Path, table: str, keys: dict, message):
    with pytest.raises(StdaskError, match=message):
        check_known_stars(run_with(tmp_path, GOOD, table, **keys))


@pytest.mark.parametrize(("table", "keys"), [("clusters", {}), ("benchmark", {"labels": {"TEFF": "teff"}})])
def test_a_table_that_is_missing_or_empty_is_told(tmp_path: Path, table: str, keys: dict):
    run = run_with(tmp_path, {name: own[:0] for name, own in GOOD.items()}, table, id_a="star", **keys)
    with pytest.raises(StdaskError, match=rf"\[evaluate\] {table}: .*known.parquet has no rows"):
        check_known_stars(run)
    (tmp_path / "known.parquet").unlink()
    with pytest.raises(StdaskError, match=rf"\[evaluate\] {table}: No survey file .*known.parquet"):
        check_known_stars(run)


def test_a_benchmark_without_a_value_is_told(tmp_path: Path):
    run = run_with(tmp_path, {**GOOD, "teff": [np.nan]}, "benchmark", id_a="star", labels={"TEFF": "teff"})
    with pytest.raises(StdaskError, match=r"no row has a number in teff. Name other columns in `labels`"):
        check_known_stars(run)


def test_a_survey_without_gaia_ids_needs_positions(tmp_path: Path):
    run = run_with(tmp_path, GOOD, "clusters", source_id="gaia")
    check_known_stars(run)
    without = run.definition_a.model_copy(update={"gaia_id": None})
    run = run.model_copy(update={"definition_a": without})
    with pytest.raises(StdaskError, match=rf"have Gaia source_ids alone, and those of {without.name} have none"):
        check_known_stars(run)
    places = run_with(tmp_path, {**GOOD, "ra": [1.0], "dec": [1.0]}, "clusters", source_id="gaia")
    check_known_stars(places.model_copy(update={"definition_a": without}))
