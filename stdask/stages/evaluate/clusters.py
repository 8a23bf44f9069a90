"""Evaluate: the members of star clusters, as A measures them, as they are translated, and in B."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import ClusterMembers
from stdask.display.few_members import too_few
from stdask.display.numbers import measured
from stdask.figures.assessment.cluster_members import ClusterPoints, draw_members
from stdask.pairing.members import read_members
from stdask.runs.ensemble import draws_of
from stdask.schema.evaluation import EvaluationTables
from stdask.schema.known_stars import (
    COMMON,
    EVERY,
    FEWEST_MEMBERS,
    INDEPENDENT,
    OF_B,
    TRANSLATED,
    ClusterCountRow,
    ClusterLabelRow,
    ClusterTrendRow,
)
from stdask.science.assessment.groups import FittedLine, GroupMean, fit_trend, group_mean
from stdask.stages.evaluate.known_stars import AXES, ComparedStars, compare_stars, find_in_both, networks_factor
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage import paths
from stdask.storage.documents import Drawing, write_figures

STEPS = {"TEFF": 1000.0, "LOGG": 1.0}  # by which a trend is counted, in the unit of the axis
SUSPECT = 3.0  # errors: a cluster that differs from B by more is noted
NAMED = 6  # clusters that a note names
N_DRAWN = 8  # clusters of a figure: those with the most members


@dataclass(frozen=True)
class ComparedClusters:
    """The members of all clusters, as one family of networks translates those of A."""

    stars: ComparedStars
    clusters: np.ndarray  # (n_stars,), str
    literature: Mapping[str, Mapping[str, float]]  # label -> cluster -> value
    units: Mapping[str, str]  # label of B -> unit
    factor: float  # error of a mean over the standard deviation of the means of the networks

    @property
    def labels(self) -> list[str]:
        """The labels that all members of a cluster share: abundances."""
        return [name for name in self.stars.labels if is_abundance(name, self.units[name])]

    def of(self, cluster: str) -> ComparedStars:
        """Return the members of a cluster."""
        return self.stars.take(self.clusters == cluster)


def evaluate_clusters(
    run: Run,
    workers: Workers,
    config: ClusterMembers,
    evaluated: Sequence[EvaluatedFamily],
    pairs: pa.Table,
    tables: EvaluationTables,
) -> tuple[list[Path], list[str]]:
    """Add the members of clusters to the tables; write their figures, and return these and the notes.

    Parameters
    ----------
    run, workers, config
        The run, its workers, and `[evaluate] clusters`.
    evaluated, pairs
        All families of networks, and the table that pair wrote.
    tables
        Of evaluate.

    Raises
    ------
    CatalogueError, SurveyError
        If the table of members cannot be used.
    """
    units = run.definition_b.units
    own = next((f for f in evaluated if any(is_abundance(name, units[name]) for name in f.family.labels)), None)
    if own is None:
        return [], ["No label is an abundance, so that no cluster is compared ([evaluate] clusters)"]
    members = read_members(run.data_dir / config.file, config)
    found = find_in_both(run, workers, members.table, config, pairs, [own.family])
    stars = compare_stars(found, own, draws_of(run.config))
    compared = ComparedClusters(stars, members.clusters, members.literature, units, networks_factor(run))
    tables.cluster_counts.extend(count_rows(compared))
    clusters = [row.cluster for row in tables.cluster_counts if row.compared == "yes"]
    tables.clusters.extend(label_rows(compared, clusters))
    tables.cluster_trends.extend(trend_rows(compared, clusters))
    titles, left_out = (run.definition_a.title, run.definition_b.title), too_few(tables.cluster_counts, NAMED)
    figures = draw_clusters_of(compared, clusters, titles, left_out)
    folder = paths.evaluation(run.output)
    written = [path for name, figure in figures.items() for path in write_figures(folder / name, figure)]
    return written, notes_of_clusters(tables.cluster_counts, tables.clusters)


def is_abundance(label: str, unit: str) -> bool:
    """Tell whether a label is an abundance: those of stdask, and further labels in dex."""
    known = schema.QUANTITIES.get(label)
    return known.ucd.startswith("phys.abund") if known else unit == "dex"


def count_rows(compared: ComparedClusters) -> list[ClusterCountRow]:
    """Return a row for each cluster of the table, those with the most usable members first."""
    rows = []
    for cluster in np.unique(compared.clusters):
        own = compared.of(cluster)
        counted = [len(own.in_a), own.in_a, own.usable, own.in_b, own.usable & own.in_b, own.usable & own.trained]
        is_compared = "yes" if own.usable.sum() >= FEWEST_MEMBERS else "no"
        rows.append(ClusterCountRow(str(cluster), is_compared, *(int(np.sum(n)) for n in counted)))
    return sorted(rows, key=lambda row: (-row.n_usable, row.cluster))


def label_rows(compared: ComparedClusters, clusters: Sequence[str]) -> Iterator[ClusterLabelRow]:
    """Yield means and scatters of the members (Thomas et al. 2024, Table 1).

    Parameters
    ----------
    compared, clusters
        All members, and the clusters with enough of them.
    """
    for cluster in clusters:
        own = compared.of(cluster)
        for label in compared.labels:
            number = own.labels.index(label)
            literature = compared.literature.get(label, {}).get(cluster, np.nan)
            for kind, values in own.values.items():
                for group, chosen in own.groups(kind).items():
                    chosen = chosen & np.isfinite(values[:, number])
                    if not chosen.any():
                        continue
                    part = own.take(chosen)
                    mean = _mean_of(part, kind, number, compared.factor)
                    errors = part.errors[kind][:, number]
                    stated = np.median(errors[np.isfinite(errors)]) if np.isfinite(errors).any() else np.nan
                    minus_b = _minus_b(own, part, kind, number, group == COMMON, compared.factor)
                    trained, n_trained = (label, compared.units[label], group, kind), int(part.trained.sum())
                    yield ClusterLabelRow(
                        cluster, *trained, mean.n, n_trained, *mean[1:], float(stated), *minus_b, literature
                    )


def _mean_of(stars: ComparedStars, kind: str, number: int, factor: float) -> GroupMean:
    return group_mean(stars.values[kind][:, number], stars.networks_of(kind, number), factor)


def _minus_b(
    own: ComparedStars, part: ComparedStars, kind: str, number: int, is_paired: bool, factor: float
) -> tuple[float, float]:
    """Return how much the mean of some members exceeds that of B, and its error: of all its members, or the same."""
    if kind == OF_B:
        return np.nan, np.nan
    if is_paired:
        b = part.values[OF_B][:, number]
        difference = group_mean(part.values[kind][:, number] - b, part.networks_of(kind, number) - b, factor)
        return difference.mean, difference.mean_err
    means = [_mean_of(part, kind, number, factor), _mean_of(own, OF_B, number, factor)]
    return means[0].mean - means[1].mean, float(np.hypot(means[0].mean_err, means[1].mean_err))


def trends_of(compared: ComparedClusters, cluster: str, label: str, axis: str) -> dict[str, FittedLine]:
    """Return the straight lines through the members of a cluster: values -> line, x in the unit of the axis."""
    own, number = compared.of(cluster), compared.stars.labels.index(label)
    return {
        kind: fit_trend(own.axes[axis][kind], values[:, number], own.networks_of(kind, number), compared.factor)
        for kind, values in own.values.items()
    }


def trend_rows(compared: ComparedClusters, clusters: Sequence[str]) -> Iterator[ClusterTrendRow]:
    """Yield the slopes of each label with temperature and gravity, where there are enough members for one."""
    for cluster in clusters:
        own = compared.of(cluster)
        for label in compared.labels:
            for axis in AXES:
                step, per = STEPS[axis], _step(axis)
                for kind, line in trends_of(compared, cluster, label, axis).items():
                    if np.isfinite(line.slope):
                        known = np.isfinite(own.axes[axis][kind] + own.values[kind][:, own.labels.index(label)])
                        numbers = (line.n, int((own.trained & known).sum()), step * line.slope, step * line.slope_err)
                        yield ClusterTrendRow(cluster, label, axis, per, compared.units[label], kind, *numbers)


def draw_clusters_of(
    compared: ComparedClusters, clusters: Sequence[str], titles: tuple[str, str], left_out: str
) -> dict[str, Drawing]:
    """Return a figure for each label: its members against temperature and gravity, cluster by cluster.

    Each says which clusters are left out.
    """
    figures: dict[str, Drawing] = {}
    for label in compared.labels if clusters else ():
        points = [_points(compared, cluster, label) for cluster in clusters[:N_DRAWN]]
        figures[f"clusters_{label}"] = draw_members(label, compared.units[label], points, AXES, titles, left_out)
    return figures


def _points(compared: ComparedClusters, cluster: str, label: str) -> ClusterPoints:
    own = compared.of(cluster)
    values = {kind: values[:, own.labels.index(label)] for kind, values in own.values.items()}
    lines = {axis: trends_of(compared, cluster, label, axis) for axis in AXES}
    slopes = {axis: {kind: _slope_in_words(line, axis) for kind, line in of.items()} for axis, of in lines.items()}
    literature = compared.literature.get(label, {}).get(cluster, np.nan)
    return ClusterPoints(cluster, own.axes, values, own.trained, lines, slopes, literature)


def _slope_in_words(line: FittedLine, axis: str) -> str:
    if not np.isfinite(line.slope):
        return ""
    return f"{measured(STEPS[axis] * line.slope, STEPS[axis] * line.slope_err, signed=True)} / {_step(axis)}"


def _step(axis: str) -> str:
    """Return by how much of an axis a trend is counted, in words."""
    return f"{'' if STEPS[axis] == 1 else f'{STEPS[axis]:g} '}{schema.quantity(axis).unit}"


def notes_of_clusters(counts: Sequence[ClusterCountRow], rows: Sequence[ClusterLabelRow]) -> list[str]:
    """Return what the user should know: clusters with too few members, training stars, and differences from B."""
    if not any(row.n_a for row in counts):
        return ["No member of a cluster is in A, so that no cluster is compared ([evaluate] clusters)"]
    notes = []
    if left_out := too_few(counts, NAMED):
        notes.append(
            f"clusters with fewer than {FEWEST_MEMBERS} usable members of A, too few to compare: {left_out} "
            "(cluster_counts.ecsv)"
        )
    n_trained, n_usable = (
        sum(getattr(row, name) for row in counts if row.compared == "yes") for name in ("n_trained", "n_usable")
    )
    if n_trained:
        notes.append(
            f"networks were trained on {n_trained} of the {n_usable} members of clusters that are compared, so that "
            f"their agreement with B is no independent test: see the rows `{INDEPENDENT}` of clusters.ecsv, and "
            "`stdask validate --only clusters`, which trains without each cluster in turn"
        )
    for row in rows:
        if (row.values, row.stars) == (TRANSLATED, EVERY) and abs(row.minus_b) > SUSPECT * row.minus_b_err:
            difference = f"{measured(row.minus_b, row.minus_b_err, signed=True)} {row.unit}".rstrip()
            notes.append(
                f"{row.cluster}, {row.label}: the mean of the translated members differs from that of B by {difference}"
            )
    return notes


def clusters_in_short(rows: Sequence[ClusterLabelRow]) -> list[dict[str, str | int | float]]:
    """Return what is printed of the clusters: the means of all members."""
    return [
        {
            "cluster": row.cluster,
            "label": f"{row.label} ({row.unit})" if row.unit else row.label,
            "values": row.values,
            "members": row.n,
            "trained": row.n_trained,
            "mean": row.mean,
            "mean_err": row.mean_err,
            "std": row.std,
            "std_err": row.std_err,
        }
        for row in rows
        if row.stars == EVERY
    ]
