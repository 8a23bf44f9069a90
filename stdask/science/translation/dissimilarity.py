"""Where a translation is valid in all columns at once: how far a star lies from its nearest training stars.

A star can lie in an occupied bin of every pair of columns and still be like no training star. The dissimilarity
index of Meyer & Pebesma 2021, Methods in Ecology and Evolution 12, 1620, is its distance to them, and the area of
applicability is where that is no larger than for held-out stars. Theirs is the distance to the nearest one in
standardised columns. Here columns are whitened, so that a tight relation, as of colour with colour, counts in units
of its own thickness; and the distance is that to the third nearest, so that one or two
unusual training stars do not make other stars like them valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy.spatial import KDTree

from stdask.errors import PairingError
from stdask.science.keys.seeds import generator

N_NEIGHBOURS = 3
FALSE_ALARMS = 0.05
MIN_STARS = 20  # 5 % of fewer is less than one star
# half of the stars make distances in 7 columns only 2^(1/7) = 1.1 times larger, but the counts within the threshold
# twice as fast
MAX_STARS = 5000
LEAF_STARS = 64  # a ball holds some hundred stars: larger leaves than scipy's 10 count them twice as fast
THINNEST = 1e-3  # of a column's spread: a relation thinner than that is one of definition or of rounding


@dataclass(frozen=True)
class Neighbourhood:
    """The training stars, and what makes a distance from them 1: in all columns, and in the plane of each pair."""

    names: tuple[str, ...]
    stars: np.ndarray  # (n_training, n_columns), in the units of the columns
    whitening: np.ndarray  # (n_columns, n_columns)
    threshold: np.ndarray  # (), whitened distance that held-out stars exceed in 5 % of cases
    pair_whitenings: np.ndarray  # (n_pairs, 2, 2); a lone column is its own pair: (1, 1, 1)
    pair_thresholds: np.ndarray  # (n_pairs,)

    @property
    def pair_names(self) -> list[str]:
        """The pairs in words, e.g. TEFF-LOGG."""
        return ["-".join(self.names[column] for column in pair) for pair in _pairs(len(self.names))]

    def index(self, values: np.ndarray) -> np.ndarray:
        """Return the dissimilarity index: above 1 a star lies farther out than 95 % of held-out training stars.

        Parameters
        ----------
        values : shape (n_stars, n_columns), in the units of the columns

        Returns
        -------
        index : shape (n_stars,); NaN where a column is missing
        """
        known = np.isfinite(values).all(axis=1)
        index = np.full(len(values), np.nan)
        index[known] = _distances(self._tree, _whiten(values[known], self.whitening)) / self.threshold
        return index

    def density(self, values: np.ndarray) -> np.ndarray:
        """Return the number of training stars within the threshold distance.

        It is at least `N_NEIGHBOURS` where the index is at most 1, and says how well supported a star inside is.
        Source: Schumacher et al. 2025, Geosci. Model Dev. 18, 10185 (local point density).

        Parameters
        ----------
        values : shape (n_stars, n_columns), in the units of the columns

        Returns
        -------
        counts : shape (n_stars,), int; 0 where a column is missing
        """
        known = np.isfinite(values).all(axis=1)
        counts = np.zeros(len(values), dtype=np.int64)
        points = _whiten(values[known], self.whitening)
        counts[known] = self._tree.query_ball_point(points, self.threshold, return_length=True)
        return counts

    def worst_pairs(self, values: np.ndarray) -> np.ndarray:
        """Return the pair of columns in whose plane each star lies farthest out, e.g. BP_G_0-G_RP_0.

        Meant for stars whose index is above 1: for the others the pair has no meaning.

        Parameters
        ----------
        values : shape (n_stars, n_columns), in the units of the columns

        Returns
        -------
        names : shape (n_stars,), str; empty where a column is missing
        """
        known = np.isfinite(values).all(axis=1)
        pairs = zip(_pairs(len(self.names)), self._pair_trees, self.pair_whitenings, strict=True)
        distances = [_distances(tree, _whiten(values[known][:, pair], whitening)) for pair, tree, whitening in pairs]
        worst = np.argmax(np.stack(distances, axis=1) / self.pair_thresholds, axis=1)
        names = np.full(len(values), "", dtype=object)
        names[known] = np.array(self.pair_names, dtype=object)[worst]
        return names

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(_whiten(self.stars, self.whitening), leafsize=LEAF_STARS)

    @cached_property
    def _pair_trees(self) -> list[KDTree]:
        pairs = zip(_pairs(len(self.names)), self.pair_whitenings, strict=True)
        return [KDTree(_whiten(self.stars[:, pair], whitening)) for pair, whitening in pairs]


def fit_neighbourhood(values: np.ndarray, names: Sequence[str], seed: int) -> Neighbourhood:
    """Return the neighbourhood of the training stars.

    Parameters
    ----------
    values : shape (n_stars, n_columns)
        Training stars; one with a missing value is left out.
    names
        Of the columns.
    seed
        Chooses `MAX_STARS` stars where there are more.

    Raises
    ------
    PairingError
        If fewer than `MIN_STARS` stars have all columns.
    """
    complete = values[np.isfinite(values).all(axis=1)]
    if len(complete) < MIN_STARS:
        raise PairingError(
            f"Only {len(complete)} of {len(values)} training stars have all of {', '.join(names)}; the domain of "
            f"validity needs {MIN_STARS}. Leave out the column that most of them lack."
        )
    order = generator(seed, "stars of the neighbourhood").permutation(len(complete))
    stars = complete[order[:MAX_STARS]].astype(np.float64)
    whitening, threshold = _fit_space(stars)
    planes = [_fit_space(stars[:, pair]) for pair in _pairs(len(names))]
    return Neighbourhood(
        tuple(names),
        stars,
        whitening,
        np.array(threshold),
        np.stack([plane for plane, _ in planes]),
        np.array([limit for _, limit in planes]),
    )


def _pairs(n_columns: int) -> list[list[int]]:
    """Return the columns of each pair; a single column is its own pair."""
    return [list(pair) for pair in combinations(range(n_columns), 2)] or [[0]]


def _fit_space(stars: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the whitening of some columns, and the distance that 5 % of new stars exceed.

    Each training star is held out in turn: its nearest neighbours are those other than itself. The rank of the
    quantile is that of split-conformal calibration (Lei et al. 2018, JASA 113, 1094, sect. 2.2).
    """
    whitening = _fit_whitening(stars)
    points = _whiten(stars, whitening)
    distances = _distances(KDTree(points), points, N_NEIGHBOURS + 1)  # the nearest is the star itself
    rank = min(len(stars), int(np.ceil((len(stars) + 1) * (1 - FALSE_ALARMS))))
    # where nearly all stars are equal, the distance is 0 and any other star is outside
    return whitening, max(float(np.sort(distances)[rank - 1]), THINNEST)


def _fit_whitening(stars: np.ndarray) -> np.ndarray:
    """Return the matrix to multiply columns by that makes them uncorrelated and of variance 1."""
    spreads = np.where(np.ptp(stars, axis=0) > 0, stars.std(axis=0), 1.0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(stars / spreads, rowvar=False)))
    return axes / np.sqrt(np.maximum(variances, THINNEST**2)) / spreads[:, None]


def _whiten(values: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Return the product with the whitening matrix, added up column by column.

    A matrix product of BLAS would make the last bits of a star depend on the number of other stars.
    """
    points = np.zeros((len(values), whitening.shape[1]))
    for column, weights in zip(values.T, whitening, strict=True):
        points += column[:, None] * weights
    return points


def _distances(tree: KDTree, points: np.ndarray, rank: int = N_NEIGHBOURS) -> np.ndarray:
    """Return the distance of each point to its nearest star of that rank, the nearest being 1."""
    return tree.query(points, k=[rank])[0][:, 0]
