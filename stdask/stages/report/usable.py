"""How many stars of the translated catalogue can be used, and why the others cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import read_parquet, to_numpy

MISSING, INPUT, OUTPUT, DOMAIN = "FLAG_MISSING_INPUTS_", "QFLAG_INPUT_", "QFLAG_OUTPUT_", "QFLAG_DOMAIN_"
REASONS = {  # beginning of the flags that say so, in the order in which a star is counted -> why
    schema.GOOD.name: "it fails the quality cuts of A",
    MISSING: "an input of the networks, or its error, is missing",
    INPUT: "a pair of inputs lies outside the training stars",
    OUTPUT: "a pair of translated labels lies outside the training stars",
    DOMAIN: "it is unlike the training stars in all inputs at once",
}
OUTSIDE = (INPUT, OUTPUT, DOMAIN)


@dataclass(frozen=True)
class UsableStars:
    """Stars of the translated catalogue with a true `USE`, and the first reason why each other star has a false one."""

    n_stars: int
    n_usable: int
    reasons: Mapping[str, int]  # reason -> stars; each star once
    outside: Mapping[str, int]  # family -> stars outside its domain of validity in any way

    n_outside: int  # stars outside the domain of any family

    def share(self, n: int) -> float:
        """Return a number of stars in per cent of all."""
        return 100 * n / self.n_stars if self.n_stars else 0.0


def usable_stars(output: Path, names: tuple[str, str], workers: Workers) -> UsableStars | None:
    """Count the flags of the catalogue of A on the scale of B; None if there is none.

    Parameters
    ----------
    output, names
        The run folder, and the names of A and B.
    workers
        Who reads the catalogue.
    """
    folder = paths.catalogue(output, paths.translated_name(*names))
    if not folder.exists():
        return None
    catalogue = open_catalogue(folder)
    beginnings = (MISSING, *OUTSIDE)
    flags = [c.name for c in catalogue.columns if c.dtype == "bool" and c.name.startswith(beginnings)]
    wanted = [schema.USE.name, schema.GOOD.name, *flags]
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    found: dict[tuple[bool, ...], int] = {}
    for _, counts in each(workers, count_flags, files, wanted, description="flags of the translated catalogue"):
        for flagged, n in counts.items():
            found[flagged] = found.get(flagged, 0) + n
    return _sort_out(wanted, found)


def count_flags(path: Path, names: Sequence[str]) -> dict[tuple[bool, ...], int]:
    """Return how many stars of a partition have each combination of flags."""
    table = read_parquet(path, list(names))
    flags = np.stack([to_numpy(table, name).astype(bool) for name in names], axis=-1)
    combinations, counts = np.unique(flags, axis=0, return_counts=True)
    return {tuple(map(bool, own)): int(n) for own, n in zip(combinations, counts, strict=True)}


def _sort_out(names: Sequence[str], found: Mapping[tuple[bool, ...], int]) -> UsableStars:
    reasons = dict.fromkeys(REASONS.values(), 0)
    families = dict.fromkeys(name.rpartition("_")[2].lower() for name in names if name.startswith(OUTSIDE))
    outside = dict.fromkeys(families, 0)
    n_usable = n_outside = 0
    for values, n in found.items():
        # a flag of missing inputs is bad if it is true, all others are bad if they are false
        bad = [name for name, value in zip(names, values, strict=True) if value == name.startswith(MISSING)]
        where = {name.rpartition("_")[2].lower() for name in bad if name.startswith(OUTSIDE)}
        for family in where:
            outside[family] += n
        n_outside += n if where else 0
        if schema.USE.name not in bad:
            n_usable += n
            continue
        first = next(why for beginning, why in REASONS.items() if any(name.startswith(beginning) for name in bad))
        reasons[first] += n
    return UsableStars(sum(found.values()), n_usable, {w: n for w, n in reasons.items() if n}, outside, n_outside)
