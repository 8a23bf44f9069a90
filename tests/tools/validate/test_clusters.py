"""Leave one cluster out: members are found by id or position, and do not train the networks that translate them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.errors import SurveyError
from stdask.pairing.training_set import TrainingSet
from stdask.runs.stage import Stage
from stdask.schema.validation import ValidationTables
from stdask.stages.train.family import Trained
from stdask.stages.train.members import Shelves
from stdask.tools.validate import clusters as validate_clusters
from stdask.tools.validate.clusters import MAX_CLUSTERS, check, cluster_names, cluster_rows, largest
from stdask.tools.validate.stars import Checked, Validation
from stdask.tools.validate.validate import members_of
from tests.hand_made import ID, A, make_run, stars, write_catalogue
from tests.tools.validate.checked_stars import TEFF_B, checked, identity, stars_and_labels, training

N = 100
MEMBERS = np.arange(7, 15)  # of NGC104, test stars and others


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture
def pairs(run: Run) -> Checked:
    return checked(run, identity(), training(*stars_and_labels(N, 6)))


def write(folder: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), folder / "members.parquet")
    return folder / "members.parquet"


def members_table(folder: Path) -> Path:
    names = np.full(N, "", dtype=object)
    names[MEMBERS] = "NGC104"
    names[:3] = "NGC288"
    return write(folder, ID_A=np.arange(N)[::-1], cluster=names[::-1])


def validation(run: Run, pairs: Checked, members: Path | None, workers: Workers) -> Validation:
    clusters, shelves = members_of(run, members), Shelves(Stage(run.output, "train", {}, {}))
    return Validation(run, workers, pa.table({}), [pairs], clusters, shelves)


def names_of(run: Run, pairs: Checked, path: Path, workers: Workers) -> np.ndarray:
    """Return the cluster of each pair."""
    own = validation(run, pairs, path, workers)
    assert own.members is not None
    return cluster_names(own, own.members, pairs.stars.ids.astype(str))


def write_all_stars(run: Run, **given: np.ndarray) -> dict:
    columns = (ID, schema.STAR_KEY, *schema.POSITION)
    data = stars(columns, N, **given)
    write_catalogue(run, A, columns, data, most=N // 3)
    return data


def test_members_are_found_by_id_whatever_the_order(run: Run, pairs: Checked, tmp_path: Path, client: Workers):
    write_all_stars(run, obsid=np.arange(N))
    names = names_of(run, pairs, members_table(tmp_path), client)
    assert np.flatnonzero(names == "NGC104").tolist() == MEMBERS.tolist()
    assert np.flatnonzero(names == "NGC288").tolist() == [0, 1, 2]
    assert (names == "").sum() == N - 11


def test_members_of_occam_are_found_by_position_if_all_probabilities_allow_it(
    run: Run, pairs: Checked, tmp_path: Path, client: Workers
):
    data = write_all_stars(run, obsid=np.arange(N)[::-1])
    places = N - 1 - MEMBERS  # in the catalogue, whose order is another
    probabilities = np.full((3, 8), 0.5)
    probabilities[0, 1], probabilities[1, 2], probabilities[2, 3] = 0.01, np.nan, 0.0
    path = write(
        tmp_path,
        cluster=["NGC 104"] * 8,
        ra=data["ra"][places],
        dec=data["dec"][places] + np.array([1, 1, 1, 1, 1, 1, 1, 3]) / 3600,  # arcsec: the last is another star
        RV_PROB=probabilities[0],
        FEH_PROB=probabilities[1],
        PM_PROB=probabilities[2],
        CG_PROB=np.full(8, -9999.99),
    )
    found = np.flatnonzero(names_of(run, pairs, path, client) == "NGC 104")
    assert found.tolist() == MEMBERS[[0, 4, 5, 6]].tolist()


def test_a_table_without_members_names_the_column_it_lacks(run: Run, pairs: Checked, tmp_path: Path, client: Workers):
    with pytest.raises(SurveyError, match=r"members\.parquet has no column 'dec'"):
        names_of(run, pairs, write(tmp_path, cluster=["a"], ra=[1.0]), client)


def test_clusters_come_with_the_most_members_first_and_not_too_many():
    counts = {"small": 4, "": 50, "five": 5, "nine": 9}
    assert largest(np.repeat(list(counts), list(counts.values()))) == ["nine", "five"]
    many = np.repeat([f"cluster {n}" for n in range(20)], np.arange(20, 40))
    assert largest(many) == [f"cluster {n}" for n in range(19, 19 - MAX_CLUSTERS, -1)]


def test_a_cluster_has_the_means_and_scatters_of_its_members(run: Run):
    inputs, labels = stars_and_labels(N, 6)
    labels[:, TEFF_B] -= 40 + np.where(np.arange(N) % 2, 5, -5)
    family = identity()
    family = replace(family, scaling=replace(family.scaling, offsets=np.array([-30.0, 0.2, 0.0])))
    members = np.isin(np.arange(N), MEMBERS)
    teff, mg_fe, _ = cluster_rows(checked(run, family, training(inputs, labels)), members, "NGC104")
    assert (teff.cluster, teff.n, teff.unit) == ("NGC104", 8, "K")
    raw, b = inputs[members, 0], labels[members, TEFF_B]
    assert (teff.a_mean, teff.a_std) == pytest.approx((raw.mean(), raw.std(ddof=1)))
    assert (teff.b_mean, teff.b_std) == pytest.approx((b.mean(), b.std(ddof=1)))
    assert teff.translated_mean == pytest.approx(raw.mean() - 30, abs=0.01)  # float32 networks at 4800 K
    error = 5 * np.sqrt(8 / 7) / np.sqrt(8)  # of +-5 K in turn
    assert (teff.a_shift, teff.translated_shift) == pytest.approx((40 / error, 10 / error), rel=0.01)
    assert np.isnan(mg_fe.a_mean)
    assert mg_fe.translated_mean == pytest.approx(0.2, abs=1e-6)
    assert mg_fe.translated_std == pytest.approx(0, abs=1e-6)


def test_no_member_trains_the_networks_that_translate_it(
    run: Run,
    pairs: Checked,
    tmp_path: Path,
    client: Workers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    write_all_stars(run, obsid=np.arange(N))
    monkeypatch.setattr(client, "refresh", lambda: None)
    trained: list[tuple[TrainingSet, Shelves]] = []

    def train_family(name: str, known: TrainingSet, *further: Any) -> Trained:
        trained.append((known, further[3]))
        return Trained(replace(pairs.family, name=name), [], [], {})

    monkeypatch.setattr(validate_clusters, "train_family", train_family)
    monkeypatch.setattr(validate_clusters, "catalogue_patterns", lambda *_: None)
    tables = check(validation(run, pairs, members_table(tmp_path), client))
    ((known, shelves),) = trained  # NGC288 has too few
    assert shelves.prefix == "NGC104_"
    assert sorted(known.ids.astype(int)) == sorted(set(range(N)) - set(MEMBERS))
    assert not known.is_test.any()
    assert [(row.cluster, row.label) for row in tables.clusters] == [
        ("NGC104", label) for label in ("TEFF", "MG_FE", "VHELIO")
    ]
    assert "1 ensembles trained in" in capsys.readouterr().out


def test_a_run_without_clusters_says_why(
    run: Run, pairs: Checked, tmp_path: Path, client: Workers, capsys: pytest.CaptureFixture
):
    assert check(validation(run, pairs, None, client)) == ValidationTables()
    assert "neither --members nor [evaluate] clusters names a table" in capsys.readouterr().out
    path = write(tmp_path, ID_A=np.arange(3), cluster=["NGC288"] * 3)
    write_all_stars(run, obsid=np.arange(N))
    assert check(validation(run, pairs, path, client)) == ValidationTables()
    assert "3 of 100 usable pairs are members of a cluster, but no cluster has 5" in capsys.readouterr().out


def test_members_that_b_lacks_a_label_of_do_not_count_for_it(run: Run):
    inputs, labels = stars_and_labels(N, 6)
    members = np.isin(np.arange(N), MEMBERS)
    known = members & (np.arange(N) != MEMBERS[0])
    labels[MEMBERS[0], TEFF_B] = labels[MEMBERS[1:], 1] = np.nan
    rows = cluster_rows(checked(run, identity(), training(inputs, labels)), members, "NGC104")
    assert [(row.label, row.n) for row in rows] == [("TEFF", 7), ("VHELIO", 8)]  # a single star has no scatter
    assert rows[0].a_mean == pytest.approx(inputs[known, 0].mean())
    assert rows[0].b_std == pytest.approx(labels[known, TEFF_B].std(ddof=1))
