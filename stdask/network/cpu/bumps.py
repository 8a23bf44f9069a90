"""Gaussian processes on the processor: a plane and a bump about each training star, for many rows at a time.

The exponential is a polynomial of this module. That of a library is another one in vectors than for the rows that are
left over, and the last bit of a star would depend on its place.
"""

import numpy as np
from numba import njit

PANEL = 128  # rows that pass the training stars together: their sums stay in the first cache
LOG2_E, LN_2 = np.float32(1.4426950408889634), np.float32(0.6931471805599453)
ROOT_3 = np.float32(1.7320508075688772)
SMALLEST_POWER = np.float32(-126.0)  # 2 to smaller powers is not a normal number of single precision
# 2**f for f from -1/2 to 1/2: its Taylor series, with a relative error of 1e-7
C1, C2, C3 = np.float32(0.69314718), np.float32(0.24022651), np.float32(0.055504109)
C4, C5, C6 = np.float32(0.0096181291), np.float32(0.0013333558), np.float32(0.00015403530)
HALF, ONE, ZERO = np.float32(0.5), np.float32(1.0), np.float32(0.0)
EXPONENT_BIAS, MANTISSA_BITS = np.int32(127), np.int32(23)


@njit(error_model="numpy", no_cfunc_wrapper=True, nogil=True)
def add_bumps(
    rows: np.ndarray,
    stars: np.ndarray,
    inverse_lengths: np.ndarray,
    weights: np.ndarray,
    gaussian: bool,
    sums: np.ndarray,
) -> None:  # pragma: no cover
    """Add to `sums` what the bumps about the training stars give at each row.

    Each number of a row is made by the same operations in the same order, wherever the row stands: nothing is
    reordered or contracted, as fast mathematics is not asked for.

    Parameters
    ----------
    rows : shape (n_rows, n_inputs), float32
    stars : shape (n_stars, n_inputs), float32
        The training stars.
    inverse_lengths : shape (n_inputs,), float32
        1 / length scales.
    weights : shape (n_stars,), float32
    gaussian
        Whether the bumps are Gaussians, or Matern functions of smoothness 3/2.
    sums : shape (n_rows,), float32
    """
    n_inputs = rows.shape[1]
    scaled = np.empty((n_inputs, PANEL), np.float32)
    powers = np.empty(PANEL, np.float32)
    total = np.empty(PANEL, np.float32)
    steepness, slope = (-HALF * LOG2_E, ZERO) if gaussian else (-LOG2_E * ROOT_3, LN_2)
    for start in range(0, len(rows), PANEL):
        used = min(PANEL, len(rows) - start)
        for row in range(used):
            for n in range(n_inputs):
                scaled[n, row] = rows[start + row, n] * inverse_lengths[n]
            total[row] = sums[start + row]
        for star in range(len(stars)):
            if weights[star] == 0:
                continue
            powers[:used] = 0
            for n in range(n_inputs):
                centre = stars[star, n] * inverse_lengths[n]
                for row in range(used):
                    difference = scaled[n, row] - centre
                    powers[row] += difference * difference
            weight = weights[star]
            if not gaussian:
                for row in range(used):
                    powers[row] = np.sqrt(powers[row])
            for row in range(used):
                power = steepness * powers[row]
                power = SMALLEST_POWER if power < SMALLEST_POWER else power  # what is not a number stays so
                total[row] += weight * ((ONE - slope * power) * _power_of_two(power))
        for row in range(used):
            sums[start + row] = total[row]


@njit(error_model="numpy", no_cfunc_wrapper=True, nogil=True)
def _power_of_two(power: np.float32) -> np.float32:  # pragma: no cover
    """Return 2**power, for powers from `SMALLEST_POWER` to 0."""
    whole = np.int32(power - HALF)  # towards zero: the nearest integer, as no power is above 0
    f = power - np.float32(whole)
    series = ONE + f * (C1 + f * (C2 + f * (C3 + f * (C4 + f * (C5 + f * C6)))))
    return series * np.int32((whole + EXPONENT_BIAS) << MANTISSA_BITS).view(np.float32)
