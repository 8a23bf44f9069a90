"""Validate: leave one cluster out. Networks that were not trained on its stars translate them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.display.console import say
from stdask.errors import CatalogueError
from stdask.network.ensemble import translate
from stdask.schema.validation import ClusterRow, ValidationTables
from stdask.science.assessment.paired import describe_group
from stdask.science.sky.crossmatch import match_ids, match_positions
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.stages.train.family import train_family
from stdask.stages.train.stage import catalogue_patterns, stars_in_no_pair
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import to_numpy
from stdask.tools.validate.stars import Checked, Validation

MIN_MEMBERS = 5
MIN_FOR_SCATTER = 2  # members of which B has a label
MAX_CLUSTERS = 10  # because each needs an ensemble of its own
RADIUS_ARCSEC = 2.0
# OCCAM (Myers et al. 2022, AJ 164, 85): stars with all of these above the limit are members.
PROBABILITIES, MIN_PROBABILITY = ("RV_PROB", "FEH_PROB", "PM_PROB"), 0.01


def check(validation: Validation) -> ValidationTables:
    """Train without each cluster in turn, and compare its members with B (Thomas et al. 2024, Table 1)."""
    if validation.members is None:
        say("  skipped: --members names no table", "yellow")
        return ValidationTables()
    run, checked = validation.run, validation.checked[0]  # intrinsic labels: the stars of a cluster share abundances
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    names = cluster_names(validation.members, checked.stars.ids.astype(str), catalogue, run.definition_a.id)
    chosen = largest(names)
    if not chosen:
        say(
            f"  {int((names != '').sum())} of {len(names):,} usable pairs are members of a cluster, but no cluster has "
            f"{MIN_MEMBERS}: nothing to leave out",
            "yellow",
        )
        return ValidationTables()
    started, rows = time.perf_counter(), []
    family = checked.family
    patterns = catalogue_patterns(catalogue, family.name, family.inputs, validation.workers)
    train = run.config.train.model_copy(update={"debias": False})  # the check does not use debiased networks
    config = run.config.model_copy(update={"train": train})
    unpaired = stars_in_no_pair(catalogue, family.name, validation.pairs, config, validation.workers)
    for number, cluster in enumerate(chosen, start=1):
        members = names == cluster
        say(f"  {cluster}, {members.sum()} members, {number} of {len(chosen)}")
        others = checked.stars.subset(~members)
        known = replace(others, is_test=np.zeros(len(others), dtype=bool))  # members of the cluster are the test stars
        shelves = replace(validation.shelves, prefix=f"{cluster}_")
        trained = train_family(family.name, known, patterns, config, validation.workers, shelves, unpaired).family
        rows += cluster_rows(replace(checked, family=trained), members, cluster)
    validation.workers.refresh()  # TensorFlow takes 0.8 GB of each worker
    say(f"  {len(chosen)} ensembles trained in {time.perf_counter() - started:.0f} s")
    return ValidationTables(clusters=rows)


def cluster_rows(checked: Checked, members: np.ndarray, cluster: str) -> list[ClusterRow]:
    """Return a row for each label of a cluster that B has for two stars: mean and scatter of A, translated and B.

    Parameters
    ----------
    checked
        All usable pairs, and a family that was trained on none of the members.
    members : shape (n_stars,), bool
    cluster
        Its name.
    """
    stars = checked.stars.subset(members)
    translation = translate(checked.family, stars.inputs, stars.errors, stars.star_keys, checked.draws)
    rows = []
    for number, (label, own) in enumerate(zip(checked.family.labels, checked.family.own_columns, strict=True)):
        known = np.isfinite(stars.labels[:, number])
        if known.sum() < MIN_FOR_SCATTER:
            continue
        expected = stars.labels[known, number]
        raw = np.full(len(expected), np.nan) if own == NO_COUNTERPART else stars.inputs[known, own]
        of_b = (float(expected.mean()), float(expected.std(ddof=1)))
        of_a, translated = (describe_group(v, expected) for v in (raw, translation.percentiles[2][known, number]))
        rows.append(ClusterRow(cluster, label, checked.units[label], len(expected), *of_b, *of_a, *translated))
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


def cluster_names(path: Path, ids: np.ndarray, catalogue: Catalogue, id_column: str) -> np.ndarray:
    """Return the cluster of each usable pair, shape (n_stars,), str; empty for none.

    Parameters
    ----------
    path
        A table with `cluster`, and `ID_A` or `ra` and `dec` in degrees; with OCCAM's probabilities, stars below
        `MIN_PROBABILITY` are left out.
    ids : shape (n_stars,), str
        Of the pairs, in A.
    catalogue, id_column
        Catalogue A, which has the positions of the pairs, and its column of ids.

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
    if by == ["ID_A"]:
        rows, members = match_ids(ids, to_numpy(table, "ID_A").astype(str))
    else:
        known = catalogue.read([id_column, *by])
        own, places = match_ids(ids, to_numpy(known, id_column).astype(str))
        (ra_a, ra), (dec_a, dec) = ((to_numpy(known, name)[places], to_numpy(table, name)) for name in by)
        found = match_positions(ra_a, dec_a, ra, dec, RADIUS_ARCSEC)
        rows, members = own[found.rows_a], found.rows_b
    names = np.full(len(ids), "", dtype=object)
    names[rows] = to_numpy(table, "cluster")[members]
    return names
