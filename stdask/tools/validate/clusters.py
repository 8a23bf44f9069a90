"""Validate: leave one cluster out. Networks that were not trained on its stars translate them."""

import time
from dataclasses import replace

import numpy as np

from stdask.config.stages import ClusterMembers
from stdask.display.console import say
from stdask.network.ensemble import translate
from stdask.pairing.known_stars import find_stars, ids_of, seek
from stdask.pairing.members import read_members
from stdask.schema.validation import ClusterRow, ValidationTables
from stdask.science.assessment.paired import describe_group
from stdask.science.sky.crossmatch import match_ids
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.stages.train.family import train_family
from stdask.stages.train.stage import catalogue_patterns, stars_in_no_pair
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.tools.validate.stars import Checked, Validation

MIN_MEMBERS = 5
MIN_FOR_SCATTER = 2  # members of which B has a label
MAX_CLUSTERS = 10  # because each needs an ensemble of its own


def check(validation: Validation) -> ValidationTables:
    """Train without each cluster in turn, and compare its members with B (Thomas et al. 2024, Table 1)."""
    if validation.members is None:
        say("  skipped: neither --members nor [evaluate] clusters names a table", "yellow")
        return ValidationTables()
    run, checked = validation.run, validation.checked[0]  # intrinsic labels: the stars of a cluster share abundances
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    names = cluster_names(validation, validation.members, checked.stars.ids.astype(str))
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


def cluster_names(validation: Validation, members: ClusterMembers, ids: np.ndarray) -> np.ndarray:
    """Return the cluster of each usable pair, shape (n_stars,), str; empty for none.

    Parameters
    ----------
    validation
        The run, its workers, and its catalogue of A.
    members
        The table of members.
    ids : shape (n_stars,), str
        Of the pairs, in A.

    Raises
    ------
    CatalogueError, SurveyError
        If the table cannot be used.
    """
    run = validation.run
    known = read_members(run.data_dir / members.file, members)
    catalogue, id_column = open_catalogue(paths.catalogue(run.output, run.definition_a.name)), run.definition_a.id
    sought = seek(known.table, members, catalogue, id_column, members.id_a)
    found = find_stars(validation.workers, catalogue, sought, [id_column])
    rows, places = match_ids(ids, ids_of(found.table, id_column, as_text=True))
    names = np.full(len(ids), "", dtype=object)
    names[rows] = known.clusters[found.rows[places]]
    return names
