"""Stars that move within their errors, against astropy's frame."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.science.galaxy.galactocentric import galactic_positions
from stdask.stages.atlas.noise import moved_stars

N_STARS = 20_000


def columns(seed=1, **others):
    rng = np.random.default_rng(seed)
    ra, dec, distance = rng.uniform(0, 360, N_STARS), rng.uniform(-80, 80, N_STARS), rng.uniform(0.5, 8, N_STARS)
    places = dict(zip((c.name for c in schema.GALACTOCENTRIC), galactic_positions(ra, dec, distance), strict=True))
    own = {"ra": ra, "dec": dec, "DISTANCE": distance, "STAR_KEY": rng.integers(0, 2**63, N_STARS, dtype=np.uint64)}
    return own | places | {"FE_H": rng.normal(-0.2, 0.2, N_STARS)} | others


def test_labels_move_by_their_errors_and_stay_where_there_are_none():
    stars = columns(FE_H_ERR=np.where(np.arange(N_STARS) % 2, 0.05, np.nan))
    moved = moved_stars(stars, 0, 7)
    change = moved["FE_H"] - stars["FE_H"]
    assert_array_equal(change[::2], 0)
    assert_allclose(
        [change[1::2].mean(), change[1::2].std()], [0, 0.05], atol=4 * 0.05 / np.sqrt(N_STARS / 2)
    )  # 4 sigma
    assert_array_equal(moved["X_GC"], stars["X_GC"])  # no error of the distance is known


def test_stars_move_along_the_line_of_sight_by_the_error_of_their_distance():
    stars = columns()
    stars["DISTANCE_ERR"] = 0.1 * stars["DISTANCE"]
    stars["DISTANCE_ERR"][:10] = np.nan
    moved = moved_stars(stars, 0, 7)
    assert_allclose(moved["Z_GC"][:10], stars["Z_GC"][:10], atol=1e-12)
    sun = np.array([[-8.122], [0.0], [0.0208]])
    old, new = (np.array([own[name] for name in ("X_GC", "Y_GC", "Z_GC")]) - sun for own in (stars, moved))
    factors = np.linalg.norm(new, axis=0) / np.linalg.norm(old, axis=0)
    logarithms = np.log(factors[10:])
    assert_allclose([logarithms.mean(), logarithms.std()], [0, 0.1], atol=4 * 0.1 / np.sqrt(N_STARS))  # 4 sigma
    expected = galactic_positions(stars["ra"], stars["dec"], stars["DISTANCE"] * factors)
    # astropy puts the Sun 0.03 pc from where the columns have it
    for name, values in zip(("X_GC", "Y_GC", "Z_GC", "R_GC"), expected, strict=False):
        assert_allclose(moved[name], values, atol=1e-4)


def test_errors_of_a_star_depend_on_the_star_alone_and_realisations_differ():
    stars = columns(FE_H_ERR=np.full(N_STARS, 0.05), DISTANCE_ERR=np.full(N_STARS, 0.3))
    moved, part = moved_stars(stars, 3, 7), moved_stars({name: own[70:90] for name, own in stars.items()}, 3, 7)
    for name in ("FE_H", "X_GC", "R_GC"):
        assert_array_equal(part[name], moved[name][70:90])
        for other in (moved_stars(stars, 4, 7), moved_stars(stars, 3, 8)):
            assert (other[name] != moved[name]).all()
    assert abs(np.corrcoef(moved["FE_H"] - stars["FE_H"], moved["R_GC"] - stars["R_GC"])[0, 1]) < 4 / np.sqrt(N_STARS)
