"""What else than the number of stars makes a median of a bin uncertain: the networks, noise, another population."""

from typing import NamedTuple

import numpy as np


class Population(NamedTuple):
    """How translated values of a label differ from what B would measure, for stars unlike the pairs."""

    shift: float  # mean translated minus B of the stars of the atlas, beyond that of the pairs; 0 if unknown
    attenuation: float  # slope of translated values on B, below 1 where noise of A pulls them together; 1 if unknown
    middle: float  # mean of the label of the pairs, which values are pulled to


def jackknife_factor(share_trained: float) -> float:
    """Return by what the scatter of networks is to be multiplied, for the error that the choice of the pairs causes.

    Each network is trained on a share f of the same pairs, so networks scatter less than if each had pairs of its own.
    They are a delete-d jackknife of the pairs, whose error is sqrt(f / (1 - f)) times the scatter: twice for f = 0.8.
    Source: Shao & Wu 1989, Ann. Statist. 17, 1176, eq. 2.

    Parameters
    ----------
    share_trained
        Share f of the pairs that one network is trained on, between 0 and 1.
    """
    return float(np.sqrt(share_trained / (1 - share_trained)))


def drawn_apart(medians: np.ndarray, factor: float) -> np.ndarray:
    """Return medians of single networks with their differences from the mean enlarged by a factor.

    Whatever is fitted to each of them then scatters by its error.

    Parameters
    ----------
    medians : shape (n_members, ...)
    factor
        As from `jackknife_factor`.
    """
    middle = medians.mean(axis=0, keepdims=True) if len(medians) else medians
    return middle + np.float32(factor) * (medians - middle)


def noise_shift(medians: np.ndarray, noisy: np.ndarray) -> np.ndarray:
    """Return by how much noise as large as that of the stars moves their medians, on average.

    Measured values contain this noise once. What a second helping of it does is, to first order, what the first has
    done: the bias of the medians of measured values (SIMEX: Cook & Stefanski 1994, J. Am. Stat. Assoc. 89, 1314).

    Parameters
    ----------
    medians : shape (n_bins,)
        Of the measured values.
    noisy : shape (n_noisy, n_bins)
        Of values and positions that were moved once more by their errors; NaN where a bin is then empty.

    Returns
    -------
    shifts : shape (n_bins,), NaN without `noisy`
    """
    known = np.isfinite(noisy)
    totals = np.where(known, noisy, 0).sum(axis=0)
    return np.divide(totals, known.sum(axis=0), where=known.any(axis=0), out=np.full_like(medians, np.nan)) - medians


def population_shift(medians: np.ndarray, shares: np.ndarray, population: Population) -> np.ndarray:
    """Return by how much a median may be off because its translated stars are another population than the pairs.

    Two effects, in quadrature, times the share of translated stars in the bin. The stars of the atlas have other
    parameters than the pairs, where the translation may have another bias. And the noise of A pulls translated values
    to the middle of the pairs: a value at m is expected at m / attenuation, both counted from that middle, where all
    stars of a bin have other labels than the pairs (Fuller 1987, Measurement Error Models, sect. 1.1).

    Parameters
    ----------
    medians : shape (n_bins,)
        Of the translated stars alone, or of all where there are too few of them.
    shares : shape (n_bins,)
        Of the translated stars among all stars of the bin, 0 to 1.
    population
        What is known of the translation.

    Returns
    -------
    shifts : shape (n_bins,), not negative; NaN where the median is
    """
    pulled = (1 / population.attenuation - 1) * (medians - population.middle)
    return shares * np.hypot(population.shift, pulled)


def total_errors(
    bands: np.ndarray, translation: np.ndarray, shifts: np.ndarray, noise: np.ndarray, population: np.ndarray
) -> np.ndarray:
    """Return the 1-sigma errors of medians from all that is known about them, in quadrature.

    Of the shift by noise that part counts which chance does not explain. The measured medians are one realisation of
    the noise, so the shift scatters by what realisations scatter by: in mocks by 0.8 to 1.0 of it.

    Parameters
    ----------
    bands, translation, shifts, noise, population : shape (n_bins,)
        Half the band, the error by the translation, the shift by noise, the scatter of noisy medians, the shift by
        the population; but for the bands NaN where unknown.
    """
    biases = np.maximum(np.nan_to_num(shifts) ** 2 - np.nan_to_num(noise) ** 2, 0)
    return np.sqrt(bands**2 + np.nan_to_num(translation) ** 2 + biases + np.nan_to_num(population) ** 2)
