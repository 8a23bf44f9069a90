"""Validate: leave one cluster out. Networks that have seen none of its stars translate them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.config.run import Run
from stdask.display.console import say
from stdask.errors import CatalogueError
from stdask.network.ensemble import translate
from stdask.runs.draws import draws_of
from stdask.science.assessment.paired import describe_group
from stdask.science.sky.crossmatch import match_ids, match_positions
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.stages.train.family import train_family
from stdask.stages.train.stage import catalogue_patterns
from stdask.storage import paths
from stdask.storage.catalogue.hats import open_catalogue
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import to_numpy
from stdask.tools.validate.stars import Checked, Rows, Validation

MIN_MEMBERS = 5
MAX_CLUSTERS = 10  # each trains a whole ensemble
RADIUS_ARCSEC = 2.0
# of OCCAM (Myers et al. 2022, AJ 164, 85): members have all of these above the limit
PROBABILITIES, MIN_PROBABILITY = ("RV_PROB", "FEH_PROB", "PM_PROB"), 0.01


def check(validation: Validation) -> dict[str, Rows]:
    """Train without each cluster in turn, and compare its members with B (Thomas et al. 2024, Table 1)."""
    if validation.members is None:
        say("  clusters are left out: --members names no table", "yellow")
        return {"clusters": []}
    checked = validation.checked[0]  # the intrinsic labels: a cluster's stars share their abundances
    names = cluster_names(validation.run, checked, validation.members)
    chosen = largest(names)
    if not chosen:
        say(
            f"  {int((names != '').sum())} of {len(names):,} usable pairs are members of a cluster, but no cluster has "
            f"{MIN_MEMBERS}: nothing to leave out",
            "yellow",
        )
        return {"clusters": []}
    started, rows = time.perf_counter(), []
    patterns = catalogue_patterns(checked.family.name, validation.run, validation.workers)
    run = without_debias(validation.run)
    for number, cluster in enumerate(chosen, start=1):
        members = names == cluster
        say(f"  {cluster}, {members.sum()} members, {number} of {len(chosen)}")
        others = checked.stars.subset(~members)
        known = replace(others, is_test=np.zeros(len(others), dtype=bool))  # the cluster is the test
        family = train_family(checked.family.name, known, patterns, run, validation.workers).family
        rows += cluster_rows(replace(checked, family=family), members, cluster)
    validation.workers.refresh()  # TensorFlow takes 0.8 GB of each worker
    say(f"  {len(chosen)} ensembles trained in {time.perf_counter() - started:.0f} s")
    return {"clusters": rows}


def cluster_rows(checked: Checked, members: np.ndarray, cluster: str) -> Rows:
    """Return a row for each label of a cluster: mean and scatter of raw A, translated and B.

    Parameters
    ----------
    checked
        All usable pairs, and a family that has seen none of the members.
    members : shape (n_stars,), bool
    cluster
        Its name.
    """
    stars = checked.stars.subset(members)
    translation = translate(checked.family, stars.inputs, stars.errors, stars.star_keys, draws_of(checked.run.config))
    rows = []
    for number, (label, own) in enumerate(zip(checked.family.labels, checked.own_columns, strict=True)):
        expected = stars.labels[:, number]
        raw = np.full(len(stars), np.nan) if own == NO_COUNTERPART else stars.inputs[:, own]
        groups = {"a": raw, "translated": translation.percentiles[2][:, number]}
        row = {"cluster": cluster, "label": label, "unit": checked.unit(label), "n": len(stars)}
        row |= {"b_mean": float(expected.mean()), "b_std": float(expected.std(ddof=1))}
        for method, values in groups.items():
            row |= {f"{method}_{name}": value for name, value in describe_group(values, expected)._asdict().items()}
        rows.append(row)
    return rows


def largest(names: np.ndarray) -> list[str]:
    """Return the clusters with the most members first, those with too few and the field left out.

    Parameters
    ----------
    names : shape (n_stars,), str
        Of the cluster of each star; empty for field stars.
    """
    clusters, counts = np.unique(names[names != ""], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [str(clusters[i]) for i in order if counts[i] >= MIN_MEMBERS][:MAX_CLUSTERS]


def cluster_names(run: Run, checked: Checked, path: Path) -> np.ndarray:
    """Return the cluster of each usable pair, shape (n_stars,), str; empty for none.

    Parameters
    ----------
    run, checked
        The run, and the family whose pairs are looked up.
    path
        A table with `cluster`, and `ID_A` or `ra` and `dec` in degrees; with OCCAM's probabilities, members alone
        count.

    Raises
    ------
    CatalogueError
        If it lacks these columns.
    """
    survey = open_survey(path)
    by = ["ID_A"] if "ID_A" in survey.columns else ["ra", "dec"]
    if lost := [name for name in ("cluster", *by) if name not in survey.columns]:
        raise CatalogueError(
            f"{path} has no column {lost[0]!r}. A table of members has `cluster`, and `ID_A` or `ra` and `dec`."
        )
    probabilities = [name for name in PROBABILITIES if name in survey.columns]
    table = survey.read(["cluster", *by, *probabilities])
    certain = np.logical_and.reduce([to_numpy(table, name) > MIN_PROBABILITY for name in probabilities])
    table = table.filter(pa.array(np.broadcast_to(certain, table.num_rows)))
    rows, members = _match(run, checked.stars.ids.astype(str), table, by)
    names = np.full(len(checked.stars), "", dtype=object)
    names[rows] = to_numpy(table, "cluster")[members]
    return names


def _match(run: Run, ids: np.ndarray, table: pa.Table, by: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs and which rows of the table are one star."""
    if by == ["ID_A"]:
        return match_ids(ids, to_numpy(table, "ID_A").astype(str))
    own = run.definition_a.id
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name)).read([own, "ra", "dec"])
    rows, places = match_ids(ids, to_numpy(catalogue, own).astype(str))
    ra_a, dec_a = (to_numpy(catalogue, name)[places] for name in by)
    ra, dec = (to_numpy(table, name) for name in by)
    found = match_positions(ra_a, dec_a, ra, dec, RADIUS_ARCSEC)
    return rows[found.rows_a], found.rows_b


def without_debias(run: Run) -> Run:
    """Return the run without networks that a check does not look at."""
    train = run.config.train.model_copy(update={"debias": False})
    return run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
