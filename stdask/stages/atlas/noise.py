"""Stars moved once more within the errors of their labels and distances, for what noise does to medians and slopes."""

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtri

from stdask import schema
from stdask.science.galaxy.galactocentric import GalacticPositions, moved_along_sight
from stdask.science.keys.random_keys import uniforms

DISTANCE, DISTANCE_ERR = (column.name for column in schema.DISTANCE)
PLACES = tuple(column.name for column in schema.GALACTOCENTRIC)
Columns = Mapping[str, np.ndarray]  # column of the merged catalogue -> shape (n_stars,)


def moved_stars(columns: Columns, number: int, seed: int) -> Columns:
    """Return stars as another measurement of them might have found them.

    Every value with an error gets a normal error more; a distance is multiplied by a log-normal number, so that it
    stays positive. The errors of a star depend on (seed, star, column, realisation) alone.

    Parameters
    ----------
    columns
        Of the merged catalogue: those with `{name}_ERR` are moved, and the positions where DISTANCE_ERR is known.
    number, seed
        Which realisation, and the seed of the run.
    """
    keys = columns[schema.STAR_KEY.name]

    def normals(name: str) -> np.ndarray:
        return ndtri(uniforms(keys, seed, f"atlas {name} NOISY_{number}"))

    moved = dict(columns)
    for name, values in columns.items():
        errors = columns.get(f"{name}_ERR")
        if errors is not None and name != DISTANCE:
            moved[name] = values + np.nan_to_num(errors) * normals(name)
    if DISTANCE_ERR in columns:
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = columns[DISTANCE_ERR].astype(np.float64) / columns[DISTANCE]
        factors = np.exp(np.where(np.isfinite(relative), relative, 0) * normals(DISTANCE))
        places = GalacticPositions(*(columns[name].astype(np.float64) for name in PLACES))
        moved |= dict(zip(PLACES, moved_along_sight(places, factors), strict=True))
    return moved
