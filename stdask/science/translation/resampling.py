"""Monte Carlo realisations of each star's inputs within their errors."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from stdask import schema
from stdask.errors import CatalogueError
from stdask.science.keys.random_keys import uniform_sequences, uniforms
from stdask.science.keys.seeds import generator


def uniform_draws(
    star_keys: np.ndarray,
    n_draws: int,
    columns: Sequence[str],
    seed: int,
    sampler: str,
    dimensions: Sequence[str] | None = None,
) -> np.ndarray:
    """Return uniform numbers that depend on (seed, star, draw, column) alone, never on other stars.

    `sampler` "sobol": one scrambled Sobol sequence for all stars, shifted for each star and column by a
    uniform number modulo 1 (Cranley & Patterson 1976), so that the draws of a star fill its error ellipsoid
    evenly: as the points fill the space of all dimensions, a column's draws change with the list of those.
    "random": independent pseudo-random numbers.

    Parameters
    ----------
    star_keys : shape (n_stars,), uint64
    n_draws, columns, seed, sampler
        Draws a star; names of the columns drawn; seed of the run; "sobol" or "random".
    dimensions
        All columns that are drawn for some star, of which `columns` are these; None: no others.

    Returns
    -------
    numbers : shape (n_stars, n_draws, n_columns), float64 in (0, 1)
    """
    if sampler == "random":
        sequences = [uniform_sequences(star_keys, n_draws, seed, f"draw {name}") for name in columns]
        return np.stack(sequences, axis=-1)
    every = columns if dimensions is None else dimensions
    points = _sobol_points(n_draws, len(every), seed)[:, [every.index(name) for name in columns]]
    shifts = np.stack([uniforms(star_keys, seed, f"shift {name}") for name in columns], axis=-1)
    shifted = points + shifts[:, None]
    shifted -= shifted >= 1
    return np.clip(shifted, 2.0**-53, 1 - 2.0**-53, out=shifted)


def measured_behind(inputs: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the measured columns that the inputs follow from, and how.

    Parameters
    ----------
    inputs
        Names of labels, which are measured themselves; of colours, which follow from two magnitudes; and of absolute
        magnitudes, which follow from a magnitude and the distance modulus.

    Returns
    -------
    columns
        Names of the measured columns, each once.
    mixing : shape (n_columns, n_inputs)
        How much each input moves with each measured column.
    """
    parts = [own.weights if (own := schema.derived_quantity(name)) else {name: 1.0} for name in inputs]
    columns = tuple(dict.fromkeys(column for weights in parts for column in weights))
    mixing = np.zeros((len(columns), len(inputs)))
    for number, weights in enumerate(parts):
        for column, weight in weights.items():
            mixing[columns.index(column), number] = weight
    return columns, mixing


def resample_inputs(
    values: np.ndarray,
    errors: np.ndarray,
    mixing: np.ndarray,
    uniform: np.ndarray,
    *,
    columns: Sequence[str],
    include_nominal: bool = False,
) -> np.ndarray:
    """Draw Gaussian realisations of each star's inputs.

    What is drawn are the measured columns; inputs follow. So colours and absolute magnitudes that
    share a magnitude share its error, and absolute magnitudes that of the distance.
    Source: Thomas et al. 2024, A&A 690, A54, sect. 3.5.

    Parameters
    ----------
    values : shape (n_stars, n_inputs)
        Inputs as measured; NaN where missing, and then in all draws.
    errors : shape (n_stars, n_columns)
        1-sigma errors of the measured columns; NaN counts as 0 (such a star is flagged elsewhere).
    mixing : shape (n_columns, n_inputs)
        How much each input moves with each measured column: 1 for itself, 1 and -1 for a colour, or for a
        magnitude and the distance modulus behind an absolute magnitude.
    uniform : shape (n_stars, n_draws, n_columns), in (0, 1)
        As `uniform_draws` gives them.
    columns
        Names of the measured columns.
    include_nominal
        The first draw is the measurement itself, as in the authors' code.

    Returns
    -------
    draws : shape (n_stars, n_draws, n_inputs), in the units of `values`

    Raises
    ------
    CatalogueError
        If an error is negative.
    """
    if (errors < 0).any():
        row, column = np.argwhere(errors < 0)[0]
        raise CatalogueError(
            f"Negative error {errors[row, column]:g} in row {row}, column {columns[column]!r}. "
            "Set it to NaN in the survey file."
        )
    normals = ndtri(uniform)
    if include_nominal:
        normals[:, 0] = 0.0
    return values[:, None] + (normals * np.nan_to_num(errors)[:, None]) @ mixing


@lru_cache(maxsize=4)
def _sobol_points(n_draws: int, n_columns: int, seed: int) -> np.ndarray:
    """Return the first `n_draws` of a scrambled Sobol sequence, shape (n_draws, n_columns)."""
    exponent = int(np.ceil(np.log2(n_draws)))  # scipy warns unless a power of two is asked for
    return qmc.Sobol(n_columns, rng=generator(seed, "Sobol points")).random_base2(exponent)[:n_draws]
