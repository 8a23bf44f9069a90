"""Two sets of stars compared in the same cells: north against south, and the seam between the surveys."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stdask.display.console import say
from stdask.display.numbers import measured
from stdask.figures.style import MINUS
from stdask.schema import Column
from stdask.schema import products as schema_products
from stdask.schema.products import INDEPENDENT
from stdask.science.galaxy.bins import CELLS
from stdask.science.galaxy.paired_bins import BinSample, Difference, has_grown, paired_difference
from stdask.stages.atlas.comparisons.figures import Row, write_comparison_figure
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, B_INDEPENDENT, MERGED, RAW_ONLY, UNTRANSLATED
from stdask.stages.atlas.tasks import Statistics
from stdask.storage.products.maps import write_profile

SEAMS = {UNTRANSLATED: RAW_ONLY, MERGED: A_ONLY}  # sample of the table -> stars of A in it
SIGNIFICANT = 2  # sigma from which a seam is worth a note
UNKNOWN = -1  # number of stars in both surveys, of a table
SIDES_OF = {"B alone, and with A": (ALONE, UNTRANSLATED, MERGED), "A alone": (RAW_ONLY, A_ONLY)}  # by panel
NO_SIDES = "no cell of $R$ and $|Z|$ has enough\nstars north and south of the midplane"
NO_SEAM = "no cell of $R$ and $|Z|$ has\nenough stars of both surveys"


class Seam(NamedTuple):
    """A minus B in the cells of a ring."""

    difference: Difference
    translation: float  # 1-sigma error by the translation, NaN if it is not known
    n_in_pairs: int  # stars of B in these cells that are in A too, or `UNKNOWN`

    @property
    def error(self) -> float:
        """The 1-sigma error by the stars and by the translation."""
        return float(np.hypot(self.difference.error, np.nan_to_num(self.translation)))

    def __str__(self) -> str:
        """Return value and error."""
        return measured(self.difference.value, self.error, signed=True)


Ring = tuple[float, float]  # limits of R in kpc
Seams = Mapping[Ring, Mapping[str, Seam]]  # by ring and sample


def write_asymmetry(products: Products) -> list[Path]:
    """Write north minus south at the same R, |Z| and selection, by ring of R; return the files."""
    cells, rows = products.bins.cells, []
    for label in products.labels:
        for sample, found in products.medians[label][CELLS].items():
            if sample in products.samples:
                north, south = (of_bins(found.take(side)) for side in np.arange(2 * cells.n_cells).reshape(2, -1))
                for ring, inside in rings_of(products, cells.n_cells):
                    difference = paired_difference(north.take(inside), south.take(inside))
                    if difference.n_bins:
                        rows.append(_about(products, label, sample, ring) | _numbers(difference))
    if not rows:
        return []
    table = write_comparison(products, "asymmetry", schema_products.ASYMMETRY, rows)
    compared = {row["SAMPLE"] for row in rows}
    columns = {title: {name: name for name in own} for title, own in SIDES_OF.items() if compared & {*own}}
    if compared == {MERGED}:  # the atlas of one survey
        columns = {"": {MERGED: MERGED}}
    return [table, *write_comparison_figure(products, table, rows, columns, f"north {MINUS} south", NO_SIDES)]


def write_seam(products: Products) -> tuple[list[Path], list[str]]:
    """Write A minus B where both have stars, before and after translation, with and without the stars in both.

    Returns
    -------
    files, notes
        What is written, and what the user should know of the seam.
    """
    rows: list[Row] = []
    notes: list[str] = []
    for label in products.labels:
        seams = _seams_of(products, label)
        notes += _notes(label, products.unit(label), seams)
        for sample in _samples_of(seams):
            for ring, own in seams.items():
                if sample in own:
                    seam = own[sample]
                    about = _about(products, label, sample, ring) | _numbers(seam.difference)
                    extra = {"ERR": seam.error, "TRANSLATION": seam.translation, "N_IN_PAIRS": seam.n_in_pairs}
                    rows.append(about | extra)
    for note in notes:
        say(f"  {note}", "yellow")
    if not rows:
        return [], notes
    table = write_comparison(products, "seam", schema_products.SEAM, rows)
    columns = {"all stars of B": dict(SEAMS)}
    if any(row["SAMPLE"].endswith(INDEPENDENT) for row in rows):
        columns["without the stars in both surveys"] = {f"{name}{INDEPENDENT}": of_a for name, of_a in SEAMS.items()}
    return [table, *write_comparison_figure(products, table, rows, columns, f"A {MINUS} B", NO_SEAM)], notes


def _seams_of(products: Products, label: str) -> Seams:
    """Return the seams of a label in every ring where both surveys have stars; last in all rings together."""
    found = products.medians[label][CELLS]
    if A_ONLY not in found:
        return {}
    independent = found.get(B_INDEPENDENT)
    seams: dict[Ring, dict[str, Seam]] = {}
    for ring, inside in rings_of(products, len(found[ALONE].counts)):
        for ending, of_b in (("", found[ALONE]), (INDEPENDENT, independent)):
            for sample, of_a in SEAMS.items():
                if of_b and of_a in found:
                    seam = _seam(found[of_a].take(inside), of_b.take(inside), independent and independent.take(inside))
                    if seam.difference.n_bins or ring in seams:  # in both with stars in both: then also without
                        seams.setdefault(ring, {})[f"{sample}{ending}"] = seam
    return seams


def _seam(of_a: Statistics, of_b: Statistics, independent: Statistics | None) -> Seam:
    """Return A minus B in some cells, and how many of B's stars there are in A too."""
    shared = np.isfinite(of_a.medians) & np.isfinite(of_b.medians)
    a, b = of_bins(of_a), of_bins(of_b)
    values = [paired_difference(a._replace(medians=medians), b).value for medians in of_a.members]
    return Seam(
        difference=paired_difference(a, b),
        translation=float(np.std(values, ddof=1)) if len(values) > 1 else np.nan,
        n_in_pairs=int((of_b.counts - independent.counts)[shared].sum()) if independent else UNKNOWN,
    )


def _samples_of(seams: Seams) -> list[str]:
    """Return the samples of all rings, in the order of the table."""
    return [*dict.fromkeys(sample for own in seams.values() for sample in own)]


def _notes(label: str, unit: str, seams: Seams) -> Iterator[str]:
    """Say where the seam is seen after translation, where it has grown, and where it is of pairs alone."""
    rings = list(seams)[:-1] or list(seams)  # last: all of them together
    for ending, stars in (("", ""), (INDEPENDENT, ", without the stars in both surveys")):
        after = {ring: own for ring in rings if (own := seams[ring].get(f"{MERGED}{ending}")) and own.difference.n_bins}
        seen = [ring for ring, own in after.items() if abs(own.difference.value) > SIGNIFICANT * own.error]
        if seen:
            texts = "; ".join(f"{after[ring]} {unit} at R = {_text(ring)}" for ring in seen)
            yield (
                f"{label} of A minus that of B after translation{stars}: more than {SIGNIFICANT} sigma from 0 in "
                f"{len(seen)} of {len(after)} rings ({texts})"
            )
        before = {ring: seams[ring].get(f"{UNTRANSLATED}{ending}") for ring in after}
        grown = [ring for ring, own in after.items() if _has_grown(own, before[ring])]
        if grown:
            texts = "; ".join(f"{before[ring]}, then {after[ring]} {unit} at R = {_text(ring)}" for ring in grown)
            yield f"larger after translation than before{stars}: {label} of A minus that of B ({texts})"
    lost = [ring for ring in rings if (own := seams[ring].get(f"{MERGED}{INDEPENDENT}")) and not own.difference.n_bins]
    if lost:
        yield (
            f"{label} of A minus that of B at R = {', '.join(map(_text, lost))} is no independent test of the "
            "translation: nearly all stars of B there are in both surveys"
        )


def _has_grown(after: Seam, before: Seam | None) -> bool:
    if before is None or not before.difference.n_bins:
        return False
    return has_grown(after.difference, before.difference, SIGNIFICANT, float(np.nan_to_num(after.translation)))


def _text(ring: Ring) -> str:
    return f"{ring[0]:g}-{ring[1]:g} kpc"


def rings_of(products: Products, n_bins: int) -> Iterable[tuple[Ring, np.ndarray]]:
    """Return the rings of R and which bins (n_bins,) lie in them, and last all together if they are several."""
    edges = products.bins.config.ring_edges_kpc
    rings = np.resize(products.bins.cells.rings(edges), n_bins)
    parts = [(ring, rings == number) for number, ring in enumerate(pairwise(edges))]
    return [*parts, ((edges[0], edges[-1]), rings >= 0)] if len(parts) > 1 else parts


def of_bins(found: Statistics) -> BinSample:
    """Return what comparisons of two sets of stars need of their medians."""
    return BinSample(found.counts, found.medians, found.bootstraps)


def _about(products: Products, label: str, sample: str, ring: Ring) -> Row:
    return {"SAMPLE": sample, "LABEL": label, "UNIT": products.unit(label), "R_LOW": ring[0], "R_HIGH": ring[1]}


def _numbers(found: Difference) -> Row:
    names = ("DIFFERENCE", "ERR", "N_CELLS", "N_FIRST", "N_SECOND", "P_VALUE")
    return dict(zip(names, found, strict=False))  # its bootstraps are not written


def write_comparison(products: Products, name: str, columns: tuple[Column, ...], rows: Sequence[Row]) -> Path:
    """Write rows of comparisons, at least one, as a table; return its path."""
    path = products.folder / f"{name}.ecsv"
    table = {column: np.array([row[column] for row in rows]) for column in rows[0]}
    write_profile(path, columns, table, products.meta() | {"min_stars": products.bins.config.min_stars_cell})
    return path
