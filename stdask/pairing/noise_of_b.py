"""How noisy the values of B are, as far as its stated errors can be believed, and errors without this noise."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.science.assessment.noiseless import errors_on_scale
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet, to_numpy

PARTS = ("total", "input_noise", "members")  # of the error of a translation
MOST_PARTITIONS = 20  # that are read for a median: up to a million stars


def noise_of_b(pairs: Path, translated: Catalogue, labels: Iterable[str]) -> dict[str, float]:
    """Return the median error of B of each label among the stars that both surveys have; 0 if it is not believed.

    The calibrated error of a translation covers what B would measure, so it contains the noise of B. Where B states
    larger errors than that, they are no noise (many surveys add what they think of their scale), and nothing is known.

    Parameters
    ----------
    pairs
        The table of stars in both surveys, with `B_{label}_ERR` where B has errors.
    translated
        The translated catalogue, with the calibrated errors.
    labels
        Labels of B that the survey was translated to.
    """
    stated = read_parquet(pairs)
    wanted = [label for label in labels if f"B_{label}_ERR" in stated.column_names]
    of_b = {label: _median(to_numpy(stated, f"B_{label}_ERR")) for label in wanted}
    names = [schema.sigma_name(label, "total") for label in wanted]
    pixels = translated.pixels[:: -(-len(translated.pixels) // MOST_PARTITIONS) or 1]
    tables = [read_parquet(translated.path(pixel), [*names, schema.GOOD.name]) for pixel in pixels]
    found = {}
    for label, name in zip(wanted, names, strict=True):
        sigma = [to_numpy(table, name)[to_numpy(table, schema.GOOD.name)] for table in tables]
        typical = _median(np.concatenate(sigma)) if sigma else np.nan
        found[label] = of_b[label] if of_b[label] <= typical else 0.0
    return found


def columns_of_errors(label: str) -> list[str]:
    """Return the columns of a translated catalogue that `errors_without_b` reads."""
    return [schema.sigma_name(label, part) for part in PARTS]


def errors_without_b(table: pa.Table, label: str, noise: float) -> np.ndarray:
    """Return the errors of the translations of a label without the noise of B.

    Parameters
    ----------
    table, label
        Stars of a translated catalogue with `columns_of_errors`, and the label of B.
    noise
        Of B in the label, as from `noise_of_b`; NaN or 0 if it is not known.
    """
    sigma, input_noise, members = (to_numpy(table, name) for name in columns_of_errors(label))
    return errors_on_scale(sigma, input_noise, members, noise)


def _median(errors: np.ndarray) -> float:
    known = errors[np.isfinite(errors)]
    return float(np.median(known)) if known.size else np.nan
