"""Evaluate: how much of catalogue A lies outside the domain of the training stars."""

from pathlib import Path

import numpy as np

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.pairing.training_set import stack_columns
from stdask.science.translation.validity import Domain
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet


def share_outside(catalogue: Catalogue, domain: Domain, title: str, workers: Workers) -> np.ndarray:
    """Return the share of stars outside the training stars' bins, (n_pairs + 1,): in each pair of inputs, and in any.

    Parameters
    ----------
    catalogue, domain
        Catalogue A, and the domain of the inputs of a family.
    title, workers
        Text of the progress bar, and who reads the catalogue.
    """
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    tasks = each(workers, count_outside, files, domain, description=title)
    return sum(counts for _, counts in tasks) / catalogue.n_rows


def count_outside(path: Path, domain: Domain) -> np.ndarray:
    """Count the stars of one partition outside each pair of inputs, and outside any of them; missing ones not."""
    inputs = stack_columns(read_parquet(path, list(domain.names)), list(domain.names))
    unknown = [np.isnan(inputs[:, [i, j]]).any(axis=1) for i, j in domain.pairs]
    outside = ~domain.contains(inputs) & ~np.stack(unknown, axis=-1)
    return np.append(outside.sum(axis=0), outside.any(axis=1).sum())
