"""Clusters: means, scatters and trends of their members by brute force, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import ClusterMembers
from stdask.schema.evaluation import EvaluationTables
from stdask.schema.known_stars import COMMON, EVERY, INDEPENDENT, OF_B, RAW, TRANSLATED, ClusterCountRow
from stdask.stages.evaluate.clusters import (
    clusters_in_short,
    evaluate_clusters,
    is_abundance,
    notes_of_clusters,
)
from tests.hand_made import make_run
from tests.stages.evaluate.known import N_TRAINED, SHIFTS, N, evaluated, measurements, write_surveys, write_table

OF_47_TUC = np.arange(24)  # stars 0 to 11 of them trained the networks
FE_H = 2
CLUSTERS = np.where(np.arange(N) < 24, "47 Tuc", np.where(np.arange(N) < 28, "M 71", "Pal 3")).astype(object)


def run_clusters(
    tmp_path: Path, client: Workers, **given: object
) -> tuple[Run, EvaluationTables, list[Path], list[str]]:
    """Evaluate the members of three clusters, of which the second has four stars and the third none in A."""
    run, tables = make_run(tmp_path), EvaluationTables()
    a, _, pairs = write_surveys(run, measurements())
    ids = np.where(np.arange(N) < 28, a["SOURCE_ID"], 5000 + np.arange(N))
    path = tmp_path / "members.parquet"
    other_ids = {"everybody": a["SOURCE_ID"], "elsewhere": 9000 + np.arange(N)}
    other_names = {"beyond_b": np.where(np.arange(N) < 30, "", "M 5").astype(object)}
    literature, place = {"feh": np.full(N, -0.72)}, {"ra": a["ra"], "dec": a["dec"]}
    write_table(path, gaia=ids, cluster=CLUSTERS, **literature, **place, **other_ids, **other_names)
    keys = {"file": str(path), "source_id": "gaia", "literature": {"FE_H": "feh"}, **given}
    config = ClusterMembers.model_validate(keys)
    written, notes = evaluate_clusters(
        run, client, config, [evaluated(a["STAR_KEY"][:N_TRAINED].copy())], pairs, tables
    )
    return run, tables, written, notes


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, client: Workers
) -> tuple[Run, EvaluationTables, list[Path], list[str]]:
    return run_clusters(tmp_path_factory.mktemp("clusters"), client)


def test_members_are_counted_and_a_cluster_with_too_few_says_so(found):
    _, tables, _, notes = found
    tuc, m71, pal3 = tables.cluster_counts
    assert tuc == ClusterCountRow("47 Tuc", "yes", 24, 24, 24, 12, 12, 12)
    assert m71 == ClusterCountRow("M 71", "no", 4, 4, 4, 0, 0, 0)
    assert pal3 == ClusterCountRow("Pal 3", "no", 32, 0, 0, 0, 0, 0)
    assert {row.cluster for row in tables.clusters} == {"47 Tuc"}
    assert (
        "clusters with fewer than 5 usable members of A, too few to compare: M 71 (4); 1 without a member in A "
        "(cluster_counts.ecsv)" in notes
    )
    assert any("networks were trained on 12 of the 24 members of clusters that are compared" in note for note in notes)


def test_means_scatters_and_differences_are_those_of_the_members(found):
    _, tables, _, _ = found
    raw = measurements()[OF_47_TUC, FE_H]
    rows = {(row.values, row.stars): row for row in tables.clusters}
    assert {row.label for row in tables.clusters} == {"FE_H"}  # temperature and gravity differ from member to member
    own = rows[RAW, EVERY]
    assert (own.n, own.n_trained, own.unit) == (24, 12, "dex")
    assert (own.mean, own.std) == pytest.approx((raw.mean(), raw.std(ddof=1)), rel=1e-5)
    assert own.stated == pytest.approx(0.01)
    assert own.literature == pytest.approx(-0.72)
    # 24 medians of 56 draws within 0.01 dex: good to 0.01 / sqrt(56 * 24) = 0.0003
    assert rows[TRANSLATED, EVERY].mean == pytest.approx(raw.mean() + SHIFTS[FE_H], abs=0.001)
    assert rows[RAW, INDEPENDENT].n == 12
    assert rows[RAW, INDEPENDENT].n_trained == 0
    assert rows[RAW, INDEPENDENT].mean == pytest.approx(raw[N_TRAINED:].mean(), rel=1e-5)
    assert rows[OF_B, EVERY].mean == pytest.approx(raw[:N_TRAINED].mean() + SHIFTS[FE_H], rel=1e-5)
    assert (OF_B, INDEPENDENT) not in rows
    common = rows[RAW, COMMON]  # the scatter of the members is in both
    assert common.minus_b == pytest.approx(-SHIFTS[FE_H], rel=1e-4)
    assert common.minus_b_err < 1e-6
    assert own.minus_b_err == pytest.approx(np.hypot(own.mean_err, rows[OF_B, EVERY].mean_err))
    assert rows[TRANSLATED, COMMON].minus_b == pytest.approx(0, abs=0.001)


def test_trends_are_those_of_a_line_through_the_members(found):
    _, tables, _, _ = found
    values = measurements()[OF_47_TUC]
    rows = {(row.values, row.against): row for row in tables.cluster_trends}
    for axis, number, step, per in (("TEFF", 0, 1000, "1000 K"), ("LOGG", 1, 1, "dex")):
        row, line = rows[RAW, axis], linregress(values[:, number], values[:, FE_H])
        assert (row.n, row.n_trained, row.per, row.unit) == (24, 12, per, "dex")
        assert row.slope == pytest.approx(step * line.slope, rel=1e-3)
        assert row.slope_err == pytest.approx(step * line.stderr * 1.02, rel=0.01)  # t of 22 degrees of freedom
    assert rows[OF_B, "TEFF"].n == N_TRAINED


def test_figures_of_the_abundances_are_written(found):
    run, _, written, _ = found
    assert [path.name for path in written] == ["clusters_FE_H.png", "clusters_FE_H.pdf"]
    assert all(path.stat().st_size and path.is_relative_to(run.output) for path in written)


def test_a_table_without_a_member_in_a_says_so(tmp_path: Path, client: Workers):
    _, tables, written, notes = run_clusters(tmp_path, client, source_id="elsewhere")
    assert [(row.cluster, row.compared, row.n_a) for row in tables.cluster_counts] == [
        (name, "no", 0) for name in ("47 Tuc", "M 71", "Pal 3")
    ]
    assert (tables.clusters, written) == ([], [])
    assert notes == ["No member of a cluster is in A, so that no cluster is compared ([evaluate] clusters)"]


def test_a_cluster_without_a_member_in_b_is_compared_with_nothing(tmp_path: Path, client: Workers):
    _, tables, written, notes = run_clusters(tmp_path, client, source_id="everybody", cluster="beyond_b")
    assert tables.cluster_counts == [ClusterCountRow("M 5", "yes", 30, 30, 30, 0, 0, 0)]
    assert {(row.values, row.stars) for row in tables.clusters} == {
        (values, stars) for values in (RAW, TRANSLATED) for stars in (EVERY, INDEPENDENT)
    }
    assert np.isnan([row.minus_b for row in tables.clusters] + [row.minus_b_err for row in tables.clusters]).all()
    assert (len(written), notes) == (2, [])


def test_a_cluster_that_differs_from_b_is_noted(found):
    _, tables, _, _ = found
    (row,) = [row for row in tables.clusters if (row.values, row.stars) == (TRANSLATED, EVERY)]
    counts = tables.cluster_counts[:1]
    shifted = type(row)(**vars(row) | {"minus_b": -0.05, "minus_b_err": 0.01, "n_trained": 0})
    assert (
        "47 Tuc, FE_H: the mean of the translated members differs from that of B by \N{MINUS SIGN}0.050 ± 0.010 dex"
        in notes_of_clusters(counts, [shifted])
    )
    assert not [note for note in notes_of_clusters(counts, [row]) if "differs" in note]
    many = [ClusterCountRow(f"no. {n}", "no", 1, 1, 1, 0, 0, 0) for n in range(20)]
    assert "no. 5 (1) and 14 others" in notes_of_clusters(many, [])[0]


def test_what_is_printed_is_of_all_members(found):
    _, tables, _, _ = found
    short = clusters_in_short(tables.clusters)
    assert [row["values"] for row in short] == [RAW, TRANSLATED, OF_B]
    assert short[0]["label"] == "FE_H (dex)"


def test_abundances_are_told_from_other_labels():
    shared = [name for name in ("TEFF", "LOGG", "FE_H", "M_H", "MG_FE", "VHELIO") if is_abundance(name, "dex")]
    assert shared == ["FE_H", "M_H", "MG_FE"]
    assert is_abundance("C_FE", "dex")
    assert not is_abundance("AGE", "Gyr")
