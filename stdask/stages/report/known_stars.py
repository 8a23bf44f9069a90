"""Clusters and benchmark stars, as the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from markupsafe import Markup

from stdask.display.few_members import too_few
from stdask.display.numbers import DASH, count, measured, symbol
from stdask.schema.evaluation import EvaluationTables
from stdask.schema.known_stars import (
    COMMON,
    DEBIASED,
    EVERY,
    INDEPENDENT,
    OF_B,
    RAW,
    TRANSLATED,
    BenchmarkRow,
    BenchmarkStarRow,
    ClusterLabelRow,
    ClusterTrendRow,
)
from stdask.schema.validation import ClusterRow
from stdask.stages.report.figures import Album, ShownImage
from stdask.stages.report.shown import ShownTable, heads, named

VALUES = {RAW: "A, as measured", TRANSLATED: "A, translated", DEBIASED: "A, translated, debiased", OF_B: "B"}
GROUPS = {EVERY: "", INDEPENDENT: ", without training stars", COMMON: ", stars in both"}
MOST_NAMED = 40  # clusters with too few members
Groups = dict[str, list[tuple[str, ...]]]  # heading -> rows


@dataclass(frozen=True)
class ShownStars:
    """What the page says of clusters and benchmark stars; None or empty where there is nothing."""

    clusters: ShownTable | None
    trends: ShownTable | None
    few: str  # clusters with too few members
    left_out: ShownTable | None
    benchmark: ShownTable | None
    stars: ShownTable | None
    member_figures: list[ShownImage]
    left_out_figure: ShownImage | None
    benchmark_figure: ShownImage | None

    def __bool__(self) -> bool:
        """Tell whether there is anything to show."""
        return bool(self.clusters or self.few or self.left_out or self.benchmark)


def known_stars(
    tables: EvaluationTables,
    left_out: Sequence[ClusterRow],
    folders: tuple[Path, Path],
    titles: tuple[str, str],
    album: Album,
) -> ShownStars:
    """Return what the page says of clusters and benchmark stars.

    Parameters
    ----------
    tables, left_out
        Of evaluate, and of validate on clusters that were left out of training.
    folders
        Of these two, where their figures are.
    titles, album
        What A and B are called, and the images of the page.
    """
    labels = dict.fromkeys(row.label for row in tables.clusters)
    members = [album.add(folders[0] / f"clusters_{label}.png", *_texts_of_members(label, titles)) for label in labels]
    return ShownStars(
        cluster_table(tables.clusters) if tables.clusters else None,
        trend_table(tables.cluster_trends) if tables.cluster_trends else None,
        too_few(tables.cluster_counts, MOST_NAMED),
        left_out_table(left_out) if left_out else None,
        benchmark_table(tables.benchmark) if tables.benchmark else None,
        star_table(tables.benchmark_stars) if tables.benchmark_stars else None,
        [image for image in members if image],
        album.add(
            folders[1] / "clusters.png",
            "Means of the members minus that of B, with 1-sigma errors, where the networks were trained without the "
            "cluster.",
            "Differences from B cluster by cluster, before and after; the numbers are in the table below.",
        )
        if left_out
        else None,
        album.add(
            folders[0] / "benchmark.png",
            "Benchmark stars: value minus reference. Error bars: 1 sigma, of both. Dashed: means.",
            "Differences of the benchmark stars from their reference values, a panel a label.",
        ),
    )


def _texts_of_members(label: str, titles: tuple[str, str]) -> tuple[str, str]:
    return (
        f"Members of clusters, those with the most. {titles[0]} as measured and translated, and {titles[1]}; they need "
        "not be the same stars. Lines: least squares, their slopes with 1-sigma errors below. Open: training stars, "
        "whose translation is not independent of B. Far outliers lie beyond the frame.",
        f"Scatter plots of {label} of the members of clusters, against temperature and gravity.",
    )


def cluster_table(rows: Sequence[ClusterLabelRow]) -> ShownTable:
    """Return means and scatters of the members: a group a cluster, a row a kind of values."""
    labels = list(dict.fromkeys(row.label for row in rows))
    own = {(row.cluster, row.values, row.stars, row.label): row for row in rows}
    groups: Groups = {}
    kinds = [(kind, EVERY) for kind in VALUES]
    kinds.insert(2, (TRANSLATED, INDEPENDENT))
    for cluster in dict.fromkeys(row.cluster for row in rows):
        lines = []
        for kind, stars in kinds:
            found = [own.get((cluster, kind, stars, label)) for label in labels]
            if known := [row for row in found if row]:
                name = f"{VALUES[kind]}{GROUPS[stars]} ({count(max(row.n for row in known))})"
                lines.append((name, *(cell for row in found for cell in _cells_of(row))))
        published = [own.get((cluster, RAW, EVERY, label)) for label in labels]
        if any(row and np.isfinite(row.literature) for row in published):
            lines.append(("literature", *(c for row in published for c in _published(row))))
        groups[named(cluster)] = lines
    caption = (
        "Means of the members with 1-sigma errors, their standard deviations, and the mean minus that of B; in "
        "brackets the number of members. Errors hold what the networks are uncertain by, which all members share."
    )
    columns = ["Values", *(title for label in labels for title in (symbol(label), "Scatter", "Minus B"))]
    return ShownTable("t-clusters", caption, heads(*columns), groups, "evaluation/clusters.ecsv")


def _cells_of(row: ClusterLabelRow | None) -> tuple[str, str, str]:
    if row is None:
        return DASH, DASH, DASH
    return (
        measured(row.mean, row.mean_err),
        measured(row.std, row.std_err),
        measured(row.minus_b, row.minus_b_err, signed=True),
    )


def _published(row: ClusterLabelRow | None) -> tuple[str, str, str]:
    return measured(row.literature if row else None), DASH, DASH


def trend_table(rows: Sequence[ClusterTrendRow]) -> ShownTable:
    """Return the slopes of the abundances: a group a label and axis, a row a cluster."""
    kinds = [kind for kind in VALUES if any(row.values == kind for row in rows)]
    own = {(row.label, row.against, row.cluster, row.values): row for row in rows}
    groups: Groups = {}
    for label, axis in dict.fromkeys((row.label, row.against) for row in rows):
        per = next(row.per for row in rows if (row.label, row.against) == (label, axis))
        lines = groups.setdefault(named(label, Markup("against {}, per {}").format(symbol(axis), per)), [])
        for cluster in dict.fromkeys(row.cluster for row in rows):
            found = [own.get((label, axis, cluster, kind)) for kind in kinds]
            cells = [measured(row.slope, row.slope_err, signed=True) if row else DASH for row in found]
            lines.append((cluster, *cells))
    caption = "Slopes of the abundances of the members with temperature and gravity, with 1-sigma errors."
    columns = heads("Cluster", *(VALUES[kind] for kind in kinds))
    return ShownTable("t-trends", caption, columns, groups, "evaluation/cluster_trends.ecsv")


def left_out_table(rows: Sequence[ClusterRow]) -> ShownTable:
    """Return the differences from B of clusters whose stars trained no network: a group a cluster, a row a label."""
    groups: Groups = {}
    for row in rows:
        before, after = row.a_mean - row.b_mean, row.translated_mean - row.b_mean
        cells = [
            measured(difference, difference / shift if shift else None, signed=True)
            for difference, shift in ((before, row.a_shift), (after, row.translated_shift))
        ]
        head = f"{row.label} ({row.unit})" if row.unit else row.label
        groups.setdefault(named(row.cluster, f"{count(row.n)} members"), []).append(
            (head, measured(row.b_mean), *cells, measured(row.translated_std), measured(row.b_std))
        )
    caption = (
        "Mean of the members minus that of B, the same stars, where the networks were trained without the cluster."
    )
    columns = heads("Label", "B", "As measured", "Translated", "Scatter, translated", "Scatter of B")
    return ShownTable("t-left-out", caption, columns, groups, "validation/clusters.ecsv")


def benchmark_table(rows: Sequence[BenchmarkRow]) -> ShownTable:
    """Return how far the benchmark stars lie from their reference: a group a label, a row a kind of values."""
    groups: Groups = {}
    for row in rows:
        if row.stars == EVERY or (row.stars, row.values) == (INDEPENDENT, TRANSLATED):
            groups.setdefault(named(row.label, row.unit), []).append(
                (
                    f"{VALUES[row.values]}{GROUPS[row.stars]} ({count(row.n)})",
                    measured(row.bias, row.bias_err, signed=True),
                    measured(row.std, row.std_err),
                    measured(row.expected),
                )
            )
    caption = (
        "Value minus reference of the benchmark stars: mean with its 1-sigma error, standard deviation, and what the "
        "stated errors let expect for one star. In brackets: stars."
    )
    columns = heads("Values", "Offset", "Scatter", "Expected")
    return ShownTable("t-benchmark", caption, columns, groups, "evaluation/benchmark.ecsv")


def star_table(rows: Sequence[BenchmarkStarRow]) -> ShownTable:
    """Return the benchmark stars: a group a label, a row a star."""
    groups: Groups = {
        named(label, unit): [
            (
                row.star,
                measured(row.reference, row.reference_err),
                measured(row.raw, row.raw_err),
                measured(row.translated, row.translated_err),
                measured(row.b, row.b_err),
                row.usable,
                row.trained,
            )
            for row in own
        ]
        for (label, unit), own in groupby(rows, key=lambda row: (row.label, row.unit))
    }
    columns = heads("Star", "Reference", "A", "A, translated", "B", "Usable", "Training star", texts=(0, 5, 6))
    caption = "The benchmark stars in A or B. Usable: the star of A passes the cuts and lies in the domain."
    return ShownTable("t-benchmark-stars", caption, columns, groups, "evaluation/benchmark_stars.ecsv")
