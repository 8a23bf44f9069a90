"""Train: how much each training star counts, and which of these ways is the closest to B on held-out stars."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.training import TrainConfig
from stdask.display.numbers import measured
from stdask.network.ensemble import Family, predict_members
from stdask.pairing.training_set import TrainingSet, stack_columns
from stdask.science.assessment.baselines import fit_ridge
from stdask.science.assessment.density_ratio import fit_density_ratio
from stdask.science.assessment.populations import common_columns, noise_level
from stdask.science.keys.random_keys import uniforms
from stdask.science.translation.combining import mean_of_unseen
from stdask.science.translation.known_labels import group_labels
from stdask.science.translation.resampling import measured_behind
from stdask.science.translation.weighting import Gain, gain_over, weights_by_errors
from stdask.stages.train.errors import held_out_stars
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet, to_numpy

EQUAL, ERRORS, CATALOGUE, BEST = "equal", "errors", "catalogue", "best"
SAMPLE_STARS = 20_000  # of catalogue A: the density of the pairs is known far less well
MIN_OTHERS = 100  # stars of A in no pair; of fewer, a density says nothing
NO_DIFFERENCE = 1e-9  # between weights of mean 1: rounding alone
DEGREE = 2  # of the regression whose residuals tell the scatter of B
Others = tuple[np.ndarray, np.ndarray]  # inputs and errors of stars of A that are in no pair


def ways_of(weights: str) -> tuple[str, ...]:
    """Return the ways to weigh stars that `[train] weights` asks for."""
    return (EQUAL, ERRORS, CATALOGUE) if weights == BEST else (weights,)


def sample_others(
    catalogue: Catalogue, inputs: Sequence[str], in_pairs: np.ndarray, seed: int, workers: Workers
) -> Others:
    """Return inputs and errors of good stars of A that are in no pair: a random sample, star by star.

    Parameters
    ----------
    catalogue, inputs
        Catalogue A, and the inputs of a family.
    in_pairs : shape (n_pairs,), uint64
        Keys of the stars in pairs.
    seed, workers
        Of the sample; and who reads the catalogue.
    """
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    share = min(1.0, SAMPLE_STARS / max(1, catalogue.n_rows))
    shared = (list(inputs), in_pairs, share, seed)
    parts = dict(each(workers, read_others, files, *shared, description="stars of A in no pair"))
    found, errors = zip(*(parts[file] for file in files), strict=True)
    return np.concatenate(found), np.concatenate(errors)


def read_others(path: Path, inputs: list[str], in_pairs: np.ndarray, share: float, seed: int) -> Others:
    """Return inputs and errors of the sample of one partition."""
    errors = [f"{name}_ERR" for name in measured_behind(inputs)[0]]
    table = read_parquet(path, [*dict.fromkeys([*inputs, *errors]), schema.STAR_KEY.name, schema.GOOD.name])
    keys = to_numpy(table, schema.STAR_KEY.name)
    drawn = ~np.isin(keys, in_pairs) & (uniforms(keys, seed, "stars in no pair") < share)
    chosen = to_numpy(table, schema.GOOD.name) & drawn
    return stack_columns(table, inputs)[chosen], stack_columns(table, errors)[chosen]


def density_of(known: TrainingSet, others: Others, seed: int) -> np.ndarray:
    """Return how dense stars of A in no pair are at the place of each training star, (n_stars,): 1 on average.

    In the inputs and in how noisy a star is, which the networks do not know. 1 where there are hardly such stars.

    Parameters
    ----------
    known, others, seed
        The stars that are not test stars, the sample of the others, and the seed of the run.
    """
    complete = np.isfinite(others[0]).all(axis=1)
    if complete.sum() < MIN_OTHERS:
        return np.ones(len(known))
    own, theirs = (
        [*inputs.T, noise_level(errors, known.errors)]
        for inputs, errors in ((known.inputs, known.errors), (others[0][complete], others[1][complete]))
    )
    columns, of_others = common_columns(own, theirs)
    weights = fit_density_ratio(columns, of_others, seed).weights(columns)
    return np.where(np.isnan(weights), 1.0, weights)  # where a star lacks one of its errors


def star_weights(way: str, known: TrainingSet, density: np.ndarray) -> np.ndarray:
    """Return how much each star counts for each label, (n_stars, n_labels).

    Parameters
    ----------
    way
        "equal", "errors" or "catalogue".
    known
        The stars that are not test stars.
    density : shape (n_stars,)
        Of `density_of`.
    """
    if way == EQUAL:
        return np.ones_like(known.labels)
    if way == CATALOGUE:
        return np.broadcast_to(density[:, None], known.labels.shape)
    residuals = np.full_like(known.labels, np.nan)
    for group, stars in group_labels(known.labels):
        labels, inputs = known.labels[np.ix_(stars, group)], known.inputs[stars]
        residuals[np.ix_(stars, group)] = labels - fit_ridge(inputs, labels, inputs, DEGREE)
    return weights_by_errors(known.label_errors, residuals)


def note_of_equal(name: str, way: str, weights: np.ndarray) -> list[str]:
    """Return a line if weights that are asked for are the same for all stars, because what they follow is not known.

    Parameters
    ----------
    name, way
        The family; "equal", "errors" or "catalogue".
    weights : shape (n_stars, n_labels)
        Of `star_weights`.
    """
    if way == EQUAL or np.ptp(weights) > NO_DIFFERENCE:
        return []
    why = {
        ERRORS: "B states no errors of the labels, or the same for all stars",
        CATALOGUE: f"fewer than {MIN_OTHERS} good stars of A with all inputs are in no pair",
    }
    return [f"weights {way!r} of the {name} networks: the same for all training stars, because {why[way]}"]


def choose_way(
    families: Mapping[str, Family], known: TrainingSet, density: np.ndarray, train: TrainConfig, seed: int
) -> tuple[str, list[str]]:
    """Return the way to weigh stars whose networks are the closest to B, and a line that tells by how much.

    Each way is compared with equal weights on the stars that members held out; for "catalogue" these stars have the
    weights of the catalogue, as its networks are for other stars than the pairs. It must be closer by more than the
    error of the difference.

    Parameters
    ----------
    families
        Way -> the family that was trained so, before its calibration; equal weights are among them.
    known, density
        The stars that are not test stars, and `density_of` them.
    train, seed
        `[train]`, and the seed of the run.
    """
    held_out = held_out_stars(len(known), train, seed)
    unseen = np.any(held_out, axis=0)
    residuals = {
        way: mean_of_unseen(predict_members(family, known.inputs[unseen]), held_out[:, unseen]) - known.labels[unseen]
        for way, family in families.items()
    }
    scales = families[EQUAL].scaling.scales
    gains: dict[str, Gain] = {}
    for way in families:
        if way != EQUAL:
            weights = density[unseen] if way == CATALOGUE else np.ones(int(unseen.sum()))
            gains[way] = gain_over(residuals[way], residuals[EQUAL], scales, weights)
    better = [way for way, gain in gains.items() if gain.is_significant]
    chosen = max(better, key=lambda way: gains[way].value / gains[way].error, default=EQUAL)
    told = ", ".join(f"{way!r} {measured(100 * g.value, 100 * g.error, signed=True)} %" for way, g in gains.items())
    return chosen, [f"weights of the {families[EQUAL].name} networks: {chosen!r}. Gain over equal weights: {told}"]
