"""Matches against brute force and astropy."""

import astropy.units as u
import healpy as hp
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time

from stdask.science.sky.crossmatch import (
    cells_around,
    chance_pairs,
    match_ids,
    match_positions,
    move_positions,
    nearest_rows,
    separations,
)
from stdask.science.sky.healpix import INDEX_ORDER, Pixel, sky_index

RNG = np.random.default_rng(1)


def crowd(n, ra, dec, size_arcsec):
    return ra + RNG.uniform(0, size_arcsec / 3600, n) / np.cos(np.radians(dec)), dec + RNG.uniform(
        0, size_arcsec / 3600, n
    )


@pytest.mark.parametrize("place", [(10.0, 20.0), (359.9999, -5.0), (120.0, 89.98), (0.0, -89.99)])
def test_matches_are_the_mutual_nearest_neighbours_of_brute_force(place: tuple):
    a, b = (SkyCoord(*crowd(n, *place, 60), unit="deg") for n in (150, 120))
    rows_a, rows_b, separation, ambiguous = match_positions(a.ra.deg, a.dec.deg, b.ra.deg, b.dec.deg, 2.0)
    distances = a[:, None].separation(b[None]).arcsec
    near = distances <= 2.0
    assert ambiguous.tolist() == [
        near[i].sum() > 1 or near[:, j].sum() > 1 for i, j in zip(rows_a, rows_b, strict=True)
    ]
    expected = [
        (i, j) for i, j in np.argwhere(distances <= 2.0) if j == distances[i].argmin() and i == distances[:, j].argmin()
    ]
    assert list(zip(rows_a, rows_b, strict=True)) == expected
    assert expected
    # unit vectors hold 1e-16 rad: 5e-11 arcsec of chord, in quadrature with small separations
    np.testing.assert_allclose(separation, distances[rows_a, rows_b], rtol=0, atol=1e-8)


@pytest.mark.parametrize("place", [(10.0, 20.0), (359.9999, -5.0), (120.0, 89.98), (0.0, -89.99)])
def test_the_nearest_row_is_that_of_astropy_for_every_position(place: tuple):
    (ra_a, dec_a), (ra_b, dec_b) = (crowd(n, *place, 60) for n in (150, 120))
    a, b = (SkyCoord(*both, unit="deg") for both in ((ra_a, dec_a), (ra_b, dec_b)))
    rows = nearest_rows(a.ra.deg, a.dec.deg, b.ra.deg, b.dec.deg, 2.0)
    expected, separation, _ = a.match_to_catalog_sky(b)
    near = separation.arcsec < 2.0
    assert 0 < near.sum() < near.size
    np.testing.assert_array_equal(rows, np.where(near, expected, -1))


def test_several_rows_have_one_nearest_row_and_of_equally_near_ones_it_is_the_first():
    ra, dec = np.array([10.0, 10.0, 11.0]), np.array([5.0, 5.0, 5.0])
    assert nearest_rows(ra, dec, ra[[2, 0, 1]], dec, 1.0).tolist() == [1, 1, 0]
    halfway, either_side = (np.zeros(1), np.zeros(1)), (np.zeros(2), np.array([1e-4, -1e-4]))
    assert nearest_rows(*halfway, *either_side, 2.0).tolist() == [0]
    assert nearest_rows(*halfway, np.empty(0), np.empty(0), 2.0).tolist() == [-1]


def test_a_row_is_matched_at_most_once_even_where_positions_repeat():
    ra, dec = np.array([10.0, 10.0, 10.0]), np.array([5.0, 5.0, 5.0])
    rows_a, rows_b, separation, _ = match_positions(ra, dec, ra[:2], dec[:2], 1.0)
    assert rows_a.size == 1
    assert rows_b.size == 1
    assert separation[0] == 0


def test_stars_beyond_the_radius_are_not_matched():
    for offset, n in ((1.99, 1), (2.01, 0)):
        rows_a, *_ = match_positions(*map(np.atleast_1d, (10.0, 0.0, 10.0 + offset / 3600, 0.0)), 2.0)
        assert rows_a.size == n


@pytest.mark.parametrize(("n_a", "n_b"), [(0, 3), (3, 0), (0, 0)])
def test_an_empty_survey_has_no_matches(n_a: int, n_b: int):
    rows_a, rows_b, separation, _ = match_positions(np.zeros(n_a), np.zeros(n_a), np.zeros(n_b), np.zeros(n_b), 2.0)
    assert rows_a.size == rows_b.size == separation.size == 0


def test_separations_are_astropys():
    a, b = (SkyCoord(RNG.uniform(0, 360, 50), RNG.uniform(-90, 90, 50), unit="deg") for _ in range(2))
    ours = separations(a.ra.deg, a.dec.deg, b.ra.deg, b.dec.deg)
    # arcsin loses digits near 180 degrees: 1e-8 rad there
    np.testing.assert_allclose(ours * u.arcsec.to(u.rad), a.separation(b).rad, rtol=0, atol=1e-7)


def test_stars_move_as_astropy_moves_them():
    # over the poles and ra = 0 too; at 10 pc, where the velocities are far below that of light
    ra, dec = RNG.uniform(0, 360, 200), np.degrees(np.arcsin(RNG.uniform(-1, 1, 200)))
    dec[:4] = 89.9999, -89.9999, 90.0, -90.0
    pmra, pmdec = RNG.normal(0, 3000, (2, 200))
    ours = SkyCoord(*move_positions(ra, dec, pmra, pmdec, 15.5), unit="deg")
    motion = {"pm_ra_cosdec": pmra * u.mas / u.yr, "pm_dec": pmdec * u.mas / u.yr}
    start = SkyCoord(ra * u.deg, dec * u.deg, **motion, distance=10 * u.pc, obstime=Time(2000, format="jyear"))
    there = start.apply_space_motion(new_obstime=Time(2015.5, format="jyear"))
    # Julian years of terrestrial time in both; double precision of a radian is 5e-11 arcsec
    assert ours.separation(SkyCoord(there.ra, there.dec)).arcsec.max() < 1e-6
    assert start.separation(there).arcsec.max() > 60


def test_a_star_without_a_motion_stays_to_the_last_bit():
    ra, dec = RNG.uniform(0, 360, 9), RNG.uniform(-90, 90, 9)
    unknown = np.where(np.arange(9) == 4, 50.0, np.nan)
    moved = move_positions(ra, dec, np.full(9, 50.0), unknown, 10.0)
    assert (np.delete(moved[0], 4) == np.delete(ra, 4)).all()
    assert moved[1][4] != dec[4]
    same = move_positions(ra, dec, np.full(9, 50.0), np.full(9, 50.0), 0.0)
    assert (same[0] == ra).all()


@pytest.mark.parametrize(
    ("n_a", "n_true", "rate"), [(10_000, 9000, 0.05), (10_000, 0, 0.3), (500, 500, 0.2), (100, 0, 0.0)]
)
def test_pairs_by_chance_are_those_of_stars_without_a_counterpart(n_a: int, n_true: int, rate: float):
    by_chance = rate * (n_a - n_true)
    assert chance_pairs(n_a, round(n_true + by_chance), rate * n_a) == pytest.approx(by_chance, abs=0.7)  # rounded


@pytest.mark.parametrize("dtype", [np.int64, np.str_, object])
def test_ids_match_where_they_are_equal(dtype: type):
    ids = RNG.permutation(10**6)[:400] + 10**17
    a, b = RNG.permutation(ids)[:300], RNG.permutation(ids)[:250]
    if dtype is not np.int64:
        a, b = (x.astype(str).astype(dtype) for x in (a, b))
    rows_a, rows_b = match_ids(a, b)
    where = {value: row for row, value in enumerate(b)}
    expected = [(row, where[value]) for row, value in enumerate(a) if value in where]
    assert list(zip(rows_a, rows_b, strict=True)) == expected


def test_of_repeated_ids_the_first_row_is_taken():
    rows_a, rows_b = match_ids(np.array([5, 3, 5, 4]), np.array([4, 5, 5]))
    assert rows_a.tolist() == [0, 3]
    assert rows_b.tolist() == [1, 0]


def test_of_equal_positions_the_first_row_is_matched_whatever_lies_around_them():
    # 40 stars at each of 3 positions: which of them comes first in a tree depends on all that is in it
    ra, dec = np.tile([10.0, 10.1, 10.2], 40), np.tile([5.0, 5.1, 5.2], 40)
    for n_others in (0, 100, 1000):
        others = crowd(n_others, 11.0, 6.0, 600)
        rows_a, rows_b, *_ = match_positions(
            np.append(ra, others[0]), np.append(dec, others[1]), ra[::-1], dec[::-1], radius_arcsec=1.0
        )
        assert rows_a.tolist() == [0, 1, 2]
        assert rows_b.tolist() == [2, 1, 0]


def test_of_two_equally_near_stars_the_first_is_matched():
    # on the equator, one step of the same size to either side
    for ra_b in ([1e-4, -1e-4], [-1e-4, 1e-4]):
        rows_a, rows_b, *_ = match_positions(np.zeros(1), np.zeros(1), np.array(ra_b), np.zeros(2), 2.0)
        assert (rows_a.tolist(), rows_b.tolist()) == ([0], [0])


@pytest.mark.parametrize(("order", "margin_arcsec"), [(0, 4.0), (3, 4.0), (8, 120.0), (18, 4.0), (18, 120.0)])
def test_cells_around_a_pixel_hold_all_that_lies_within_the_margin(order: int, margin_arcsec: float):
    n_pixels = 12 * 4**order
    # the pixels at both poles, at the corners where three base pixels meet, on ra = 0 and anywhere
    corners = [0, 4**order - 1, 4**order // 3, 4 * 4**order, 5 * 4**order - 1, n_pixels - 4**order, n_pixels - 1]
    for number in [*corners, *RNG.integers(0, n_pixels, 20).tolist()]:
        pixel = Pixel(order, number)
        cells_order, cells = cells_around(pixel, margin_arcsec)
        # stars on its border, each moved by just under the margin in every direction
        border = np.stack(hp.boundaries(1 << order, number, step=16, nest=True)).T
        sky = SkyCoord(*border.T, representation_type="cartesian").represent_as("unitspherical")
        angles = np.arange(0, 360, 30) * u.deg
        moved = SkyCoord(sky.lon[:, None], sky.lat[:, None]).directional_offset_by(
            angles[None], 0.999 * margin_arcsec * u.arcsec
        )
        index = sky_index(moved.ra.deg.ravel() % 360, moved.dec.deg.ravel())
        assert np.isin(index >> 2 * (INDEX_ORDER - cells_order), cells).all()
        inside = RNG.integers(pixel.first_index, pixel.end_index, 50)
        assert np.isin(inside >> 2 * (INDEX_ORDER - cells_order), cells).all()
        # a disc about a pixel is up to 2.1 times as large, and its cells reach a little further
        if margin_arcsec < 0.01 * hp.nside2resol(1 << order, arcmin=True) * 60:
            assert cells.size * 4.0 ** (order - cells_order) < 1.27 * 3.43
