"""Evaluate: how much of catalogue A lies outside the domain of the training stars."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.pairing.training_set import stack_columns
from stdask.science.translation.validity import Domain
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet

N_BINS = 60  # along each axis, to draw the catalogue: finer than the domain
MARGIN = 0.25  # of the range of the training stars, on either side: stars that lie outside are drawn too


class CatalogueCounts(NamedTuple):
    """Stars of a catalogue, or of a part of it, seen with the domain of the training stars."""

    n_stars: int
    outside: np.ndarray  # (n_pairs + 1,), int64: outside each pair of inputs, and outside any
    binned: np.ndarray  # (n_pairs, N_BINS, N_BINS), int64: in the bins of `fine_edges`

    @property
    def shares(self) -> np.ndarray:
        """Shares of the stars outside each pair of inputs, and outside any, shape (n_pairs + 1,)."""
        return self.outside / self.n_stars


def count_catalogue(catalogue: Catalogue, domain: Domain, title: str, workers: Workers) -> CatalogueCounts:
    """Count the stars outside the training stars' bins, and in fine bins of each pair of inputs.

    Parameters
    ----------
    catalogue, domain
        Catalogue A, and the domain of the inputs of a family.
    title, workers
        Text of the progress bar, and who reads the catalogue.
    """
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    parts = [counts for _, counts in each(workers, count_partition, files, domain, description=title)]
    return CatalogueCounts(*(np.sum(arrays, axis=0) for arrays in zip(*parts, strict=True)))


def fine_edges(domain: Domain) -> np.ndarray:
    """Return the edges of the bins that the catalogue is drawn in, shape (n_inputs, N_BINS + 1)."""
    margins = MARGIN * (domain.maxima - domain.minima)
    return np.linspace(domain.minima - margins, domain.maxima + margins, N_BINS + 1, axis=1)


def count_partition(path: Path, domain: Domain) -> CatalogueCounts:
    """Count the stars of one partition; a star without an input is not outside its pairs."""
    inputs = stack_columns(read_parquet(path, list(domain.names)), list(domain.names))
    unknown = np.stack([np.isnan(inputs[:, [i, j]]).any(axis=1) for i, j in domain.pairs], axis=-1)
    outside = ~domain.contains(inputs) & ~unknown
    edges = fine_edges(domain)
    binned = [
        np.histogram2d(inputs[~missing, i], inputs[~missing, j], bins=[edges[i], edges[j]])[0].astype(np.int64)
        for (i, j), missing in zip(domain.pairs, unknown.T, strict=True)
    ]
    n_outside = np.append(outside.sum(axis=0), outside.any(axis=1).sum())
    return CatalogueCounts(len(inputs), n_outside, np.array(binned))
